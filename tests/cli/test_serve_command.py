"""`cnnkit serve`, as a shell sees it: it begins, and ends when it is told to."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cnnkit.errors import MissingExtraError
from tests.cli.command import runner

pytest.importorskip("starlette", reason="the extra `serve` is not installed")
pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
pytest.importorskip("python_multipart", reason="the extra `serve` is not installed")
pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")
pytest.importorskip("safetensors", reason="the extra `export` is not installed")

import cnnkit.serving
from tests.serving.served import Client
from tests.training.asked import write_network

SERVE = ("serve", "spec.yaml", "--weights", "weights.safetensors")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_what_was_begun_is_ended_before_it_ends(tmp_path: Path) -> None:
    write_network(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "cnnkit", *SERVE, "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(cnnkit.serving.__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(
            r"serving spec at http://127\.0\.0\.1:(\d+); end it with Ctrl\+C\n", line
        )
        assert found, line
        client = Client(int(found[1]))
        client.until_ready()
        body = json.dumps({"inputs": [[[0], [255], [0]]]}).encode()
        head = (
            f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        with socket.create_connection(("127.0.0.1", client.port), timeout=60) as connection:
            connection.sendall(head + body[:-5])
            client.until(lambda: client.metric("cnnkit_active_requests") == 1)
            process.send_signal(signal.SIGTERM)
            client.until(lambda: not _listens(client.port))
            connection.sendall(body[-5:])
            answer = connection.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b'"class":"middle"' in answer
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, "", "")
    finally:
        process.kill()
        process.communicate()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60):
            return True
    except ConnectionError:
        return False


def test_an_address_that_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_network(tmp_path)
    monkeypatch.chdir(tmp_path)
    run = runner(monkeypatch, capfd)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run(*SERVE, "--port", port)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"cnnkit: cannot listen at 127.0.0.1, port {port}: Address already in use; --port 0 takes "
        f"a free one\n"
    )
    done = run(*SERVE, "--host", "192.0.2.1")  # an address of documentation, which none has
    assert done.code == 2
    assert done.err.startswith("cnnkit: cannot listen at 192.0.2.1, port 8000: ")


@pytest.mark.parametrize(
    ("package", "named"),
    [("starlette", "starlette"), ("python_multipart", "python-multipart"), ("uvicorn", "uvicorn")],
)
def test_a_missing_package_is_named(
    package: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else found(name)
    )
    with pytest.raises(MissingExtraError) as caught:
        importlib.reload(cnnkit.serving)
    assert str(caught.value) == f"serving needs {named}: pip install 'cnnkit[serve]'"
