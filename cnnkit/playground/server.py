"""The page on the loopback, for the browser of who asked for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from typing_extensions import override

from cnnkit.presentation.loopback import HOST, listener, of_this_machine


class _Handler(SimpleHTTPRequestHandler):
    """Gives the files of one folder to who asks for this machine by its own name."""

    extensions_map = {  # noqa: RUF012 - as the library has it
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        ".json": "application/json",
    }

    @override
    def send_head(self) -> BytesIO | BinaryIO | None:
        if not of_this_machine(self.headers.get("Host", "")):
            self.send_error(403, "the playground is for this machine alone")
            return None
        return super().send_head()

    @override
    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    @override
    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing: a line for each file is of no use to anyone."""


def server_of(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of a folder on the loopback; port 0 takes one that is free.

    Raises:
        UsageError: The port cannot be had.
    """
    return listener(partial(_Handler, directory=str(folder)), port)


def serve(folder: Path, port: int, listening: Callable[[str], None]) -> None:
    """Serves a folder until it is interrupted.

    Args:
        folder: What ``site.write`` has filled.
        port: The port; 0 takes one that is free.
        listening: Is told the address when connections are taken.

    Raises:
        UsageError: The port cannot be had.
    """
    with server_of(folder, port) as server:
        listening(f"http://{HOST}:{server.server_address[1]}/")
        server.serve_forever()
