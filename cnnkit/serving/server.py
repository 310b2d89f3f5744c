"""The process that listens: where it does, and how it ends."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from cnnkit.errors import UsageError

_CONNECTIONS = 1024  # each is a few kilobytes; more are answered with 503 at once
_ENDING = 30  # seconds that requests have to end in


def serve(
    app: ASGIApp, host: str, port: int, *, listening: Callable[[str], None] = lambda _: None
) -> None:
    """Serves until SIGTERM or SIGINT: then no connection is taken, and what was begun is ended.

    Args:
        app: The application.
        host: The address to listen at.
        port: The port; 0 takes one that is free.
        listening: Is told the address when connections are taken.

    Raises:
        UsageError: The address cannot be had.
    """
    door = bound(host, port)
    # uvicorn catches the signal, ends, and raises it again, which is no fault of ours.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        address, taken = door.getsockname()[:2]
        listening(f"http://{f'[{address}]' if ':' in address else address}:{taken}")
        server_of(app).run(sockets=[door])
    finally:
        signal.signal(signal.SIGTERM, before)
        door.close()


def server_of(app: ASGIApp) -> uvicorn.Server:
    """uvicorn, as an application is served."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="on",
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=_ENDING,
        )
    )


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at an address.

    Raises:
        UsageError: The address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        door = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"cannot listen at {host}: {error.strerror or error}") from None
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
        door.listen(2048)  # uvicorn's own length of the queue
    except OSError as error:
        door.close()
        raise UsageError(
            f"cannot listen at {host}, port {port}: {error.strerror}; --port 0 takes a free one"
        ) from None
    return door
