"""The right to write to a directory: one process has it, as long as the directory is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cnnkit.errors import TrainingError, UsageError
from cnnkit.training.store.lock import Lock

pytest.importorskip("fcntl")


def test_nobody_has_it_at_first(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    assert not lock.taken
    assert list(tmp_path.iterdir()) == []
    lock.require_there()


def test_another_process_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from cnnkit.training.store.lock import Lock\n"
        f"lock = Lock(Path({str(tmp_path)!r})); lock.take()\n"
        "print('taken', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "taken\n"
        lock = Lock(tmp_path)
        assert lock.taken
        with pytest.raises(UsageError) as caught:
            lock.take()
        assert str(caught.value) == (
            f"{tmp_path} is in use: another cnnkit (process {other.pid}) trains in it"
        )
        other.kill()  # it gives nothing back itself
    lock.take()
    lock.release()
    assert not lock.taken


def test_it_is_given_back_after_a_block_that_fails(tmp_path: Path) -> None:
    def failing() -> None:
        with Lock(tmp_path) as lock:
            assert lock.taken
            raise ValueError("in the midst")

    with pytest.raises(ValueError, match="in the midst"):
        failing()
    assert not Lock(tmp_path).taken


@pytest.mark.parametrize("fate", ["moved", "deleted", "replaced"])
def test_a_directory_that_is_gone_is_noticed(tmp_path: Path, fate: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    with Lock(folder) as lock:
        lock.require_there()
        if fate == "deleted":
            shutil.rmtree(folder)
        else:
            folder.rename(tmp_path / "elsewhere")
        if fate == "replaced":
            folder.mkdir()
            (folder / "lock").write_text("")
        with pytest.raises(TrainingError) as caught:
            lock.require_there()
        assert str(caught.value).startswith(f"{folder} was moved or deleted while it was trained")


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Lock(tmp_path / "nowhere").take()
    assert (
        str(caught.value)
        == f"{tmp_path / 'nowhere'} can't be written to: No such file or directory"
    )
