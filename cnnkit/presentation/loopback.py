"""Pages on the loopback, for the browser of who asked for them and for no one else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from typing_extensions import override

from cnnkit.errors import UsageError

HOST: Final = "127.0.0.1"


class _Listener(ThreadingHTTPServer):
    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a browser that has left before it had the whole answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def of_this_machine(host: str) -> bool:
    """Whether a request names this machine in its ``Host``.

    A page of elsewhere whose name was made to point here is not to read anything.
    """
    return host.rpartition(":")[0] in (HOST, "localhost")


def listener(handler: Callable[..., BaseHTTPRequestHandler], port: int) -> ThreadingHTTPServer:
    """A server on the loopback; port 0 takes one that is free.

    Raises:
        UsageError: The port cannot be had.
    """
    kind: Any = handler
    try:
        return _Listener((HOST, port), kind)
    except OSError as error:
        raise UsageError(f"cannot listen at {HOST}:{port}: {error.strerror}") from None
