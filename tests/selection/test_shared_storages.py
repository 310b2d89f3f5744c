"""Storages that machines share: real processes, of which one is killed in the middle of a trial."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("optuna")
from optuna.trial import TrialState

from cnnkit.errors import UsageError
from cnnkit.selection.search.marks import INSTEAD_OF, INTERRUPTED, SLOT
from cnnkit.selection.search.study import Study
from tests.selection import postgresql

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
WORKER = Path(__file__).with_name("study_worker.py")
SLOTS = 4
PROXY = """
import sys, warnings
import optuna
warnings.simplefilter("ignore")
storage = optuna.storages.get_storage(sys.argv[1])
optuna.storages.run_grpc_proxy_server(storage, host="127.0.0.1", port=int(sys.argv[2]))
"""


@contextmanager
def proxy(folder: Path) -> Iterator[str]:
    """The URL of Optuna's gRPC proxy before a database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = f"sqlite:///{folder / 'study.db'}"
    process = subprocess.Popen([sys.executable, "-c", PROXY, database, str(port)])
    try:
        yield f"grpc://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def storage(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty storage."""
    if kind == "journal":
        yield f"journal:///{folder / 'study.log'}"
    elif kind == "grpc":
        pytest.importorskip("grpc")
        with proxy(folder) as url:
            yield url
    else:
        pytest.importorskip("psycopg")
        if reason := postgresql.missing():
            pytest.skip(reason)
        with postgresql.server() as url:
            yield url


@pytest.mark.parametrize(
    "kind",
    [
        "postgresql",
        pytest.param("journal", marks=pytest.mark.long),
        pytest.param("grpc", marks=pytest.mark.long),
    ],
)
def test_the_trial_of_a_worker_that_was_killed_is_run_again_once(kind: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with storage(kind, tmp_path) as url:
        # The trial of the first worker does not end, those of the other two take a moment.
        arguments = [url, str(SLOTS), str(log), "2", "inf", "0.02", "0.02"]
        workers = subprocess.Popen([sys.executable, WORKER, *arguments], start_new_session=True)
        try:
            doomed, process = first_begun(log)
            os.kill(process, signal.SIGKILL)
            assert workers.wait(300) == 0
        finally:
            if workers.poll() is None:
                os.killpg(workers.pid, signal.SIGKILL)
                workers.wait()
        study = Study(url, "shared", ["maximize"], {"spec": 1})
        trials = study.trials()
        study.close()

    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    assert sorted(trial.user_attrs[SLOT] for trial in complete) == list(range(SLOTS))
    lost = [trial for trial in trials if trial.state == TrialState.FAIL]
    assert doomed in [trial.number for trial in lost]  # and one that the machine let wait too long
    for trial in lost:
        assert trial.user_attrs[INTERRUPTED] == "its process ended before it did"
        (again,) = (each for each in trials if each.user_attrs.get(INSTEAD_OF) == trial.number)
        assert again.params == trial.params
    # As the processes tell it themselves: each was begun once, and none ended that was lost.
    lines = [line.split() for line in log.read_text().splitlines()]
    begun = Counter(int(number) for word, number, *_ in lines if word == "begin")
    ended = Counter(int(number) for word, number, *_ in lines if word == "end")
    assert {*begun.values()} == {1}
    assert ended == Counter(trial.number for trial in complete)


def first_begun(log: Path) -> tuple[int, int]:
    """The first trial, and its process."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        if log.exists() and (text := log.read_text()).endswith("\n"):
            _, number, _, process = text.splitlines()[0].split()
            return int(number), int(process)
        time.sleep(0.02)
    raise AssertionError("no trial was begun")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (
            "journal:///{folder}/nowhere/study.log",
            "--storage {url}: cannot be opened: No such file or directory",
        ),
        (
            "journal:///{folder}/weights.bin",
            "--storage {url}: this is no journal of Optuna: name another file",
        ),
        (
            "journal://shared/study.log",
            (
                "--storage {url}: a journal is a file that all processes see, such as "
                "journal:////shared/study.log, or journal:///study.log beside the command"
            ),
        ),
        (
            "grpc://host/study",
            "--storage {url}: a gRPC proxy is grpc://HOST:PORT, such as grpc://10.0.0.1:13000",
        ),
    ],
)
def test_a_storage_that_cannot_be_used(url: str, text: str, tmp_path: Path) -> None:
    other = tmp_path / "weights.bin"
    other.write_bytes(b"\x00\xff no line")
    url = url.format(folder=tmp_path)
    with pytest.raises(UsageError) as caught:
        Study(url, "x", ["maximize"], {})
    assert str(caught.value) == text.format(url=url)
    assert other.read_bytes() == b"\x00\xff no line"


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError) as caught:
        Study("postgresql+psycopg://me:secret@host/db", "x", ["maximize"], {})
    assert str(caught.value) == (
        "--storage postgresql+psycopg://me:***@host/db needs psycopg, which is not installed: pip "
        "install 'psycopg[binary]'"
    )
