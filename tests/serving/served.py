"""An application behind a real socket, in a thread of this process."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from starlette.types import ASGIApp

from cnnkit.serving.server import bound, server_of

_PATIENCE = 60.0  # of a machine that is busy; a sound server needs a moment


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Asks a server at a port of the loopback."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            method = "GET" if body is None else "POST"
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.read())
        finally:
            connection.close()

    def json(self, value: object, path: str = "/predict") -> Answer:
        return self.ask(path, json.dumps(value), {"Content-Type": "application/json"})

    def image(self, content: bytes) -> Answer:
        return self.ask("/predict", content, {"Content-Type": "image/png"})

    def metric(self, name: str) -> float:
        lines = self.ask("/metrics").body.decode().splitlines()
        found = [line for line in lines if line.startswith(f"{name} ")]
        return float(found[0].split()[1]) if found else 0.0

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something holds, which it will."""
        begun = time.monotonic()
        while not holds():
            assert time.monotonic() - begun < _PATIENCE, "it never came to be"
            time.sleep(0.005)

    def until_ready(self) -> None:
        self.until(lambda: self.ask("/ready").status == 200)


@contextmanager
def served(app: ASGIApp, *, ready: bool = True) -> Iterator[Client]:
    door = bound("127.0.0.1", 0)
    server = server_of(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
    thread.start()
    try:
        client = Client(door.getsockname()[1])
        if ready:
            client.until_ready()
        yield client
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
        door.close()
        assert not thread.is_alive()
