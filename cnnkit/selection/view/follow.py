"""Runs that are still training, followed in a browser: their pages on the loopback.

A page is made anew when it is asked for and a file of its run has changed; the page itself asks
every two seconds. Nothing is written, and nothing but pages of the runs is given away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from typing_extensions import override

from cnnkit.errors import CnnkitError, UsageError
from cnnkit.folders import StrPath
from cnnkit.pages import page as pages
from cnnkit.pages.table import PageTable, TableCell
from cnnkit.presentation.loopback import HOST, listener, of_this_machine
from cnnkit.presentation.numbers import plural
from cnnkit.selection.view import report
from cnnkit.tasks.metric import metric_of
from cnnkit.training.store.directory import METRICS, SUMMARY, RunDirectory
from cnnkit.training.store.kinds import kind_of
from cnnkit.training.store.listing import RunRow, folders_in, runs_of
from cnnkit.training.view import page as run_page
from cnnkit.training.view.overlay import time_cell

_FILES: Final = (METRICS, SUMMARY, "results.json", "nested.json", "lock")
_GROUPS: Final = ("cross-validation", "search")
_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)


class FollowedRuns:
    """The runs in some folders, as they are now.

    Args:
        folders: Runs, or folders that hold some.

    Raises:
        UsageError: One of them is no folder.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise UsageError(f"there is no folder {folder}: `cnnkit train` makes it")
        self.folders = folders

    def rows(self) -> list[RunRow]:
        """The trainings, those that were begun last first."""
        there = [folder for folder in self.folders if folder.is_dir()]  # it may be deleted
        return [row for folder in there for row in runs_of(folder, "started")]

    def groups(self) -> dict[str, RunDirectory]:
        """The cross-validations and searches, by their paths."""
        found = (path for folder in self.folders for path in _groups(folder))
        return {str(path): RunDirectory(path) for path in found}

    def version(self, path: str) -> str:
        """What changes when a page does."""
        known = [*(row.run for row in self.rows()), *self.groups()]
        names = known if path == "/" else [name for name in known if path == f"/run/{name}"]
        digest = hashlib.sha256()
        for name in names:
            for file in _FILES:
                digest.update(f"{name}\0{file}\0{_changed(Path(name, file))}\0".encode())
        return f'"{digest.hexdigest()[:16]}"'

    def page(self, path: str) -> str | None:
        """The page of a path; None where there is none."""
        if path == "/":
            return self._list()
        name, groups = path.removeprefix("/run/"), self.groups()
        if name in groups:
            return _told(name, partial(report.page, groups[name]))
        if any(row.run == name for row in self.rows()):
            return _told(name, partial(run_page.page, RunDirectory(Path(name))))
        return None

    def _list(self) -> str:
        rows, groups = self.rows(), self.groups()
        cells = [_cells(row) for row in rows]
        cells += [
            [_link(name), str(run.kind), *[""] * 6, _status(run)] for name, run in groups.items()
        ]
        heads = ["run", "kind", "epochs", "best epoch", "validation", "test", "verdict", "time"]
        running = sum(row.status == "running" for row in rows)
        return pages.write(
            "list",
            title="Runs",
            flow=f"{plural(len(rows), 'training')}, {running:,} of them running",
            runs=PageTable([*heads, "status"], cells, sortable=True, caption="Runs"),
        )


def server_of(folders: Sequence[Path], port: int) -> ThreadingHTTPServer:
    """A server of the pages of runs on the loopback; port 0 takes one that is free.

    Raises:
        UsageError: There is no such folder, or the port cannot be had.
    """
    return listener(partial(_Handler, FollowedRuns(folders)), port)


def follow(folders: Sequence[StrPath], port: int, listening: Callable[[str], None]) -> None:
    """Serves the pages of runs until it is interrupted.

    Args:
        folders: Runs, or folders that hold some.
        port: The port; 0 takes one that is free.
        listening: Is told the address when connections are taken.

    Raises:
        UsageError: There is no such folder, or the port cannot be had.
    """
    with server_of([Path(each) for each in folders], port) as server:
        listening(f"http://{HOST}:{server.server_address[1]}/")
        server.serve_forever()


class _Handler(BaseHTTPRequestHandler):
    """Gives the pages to who asks for this machine by its own name."""

    def __init__(self, runs: FollowedRuns, *arguments: object) -> None:
        self.runs = runs
        super().__init__(*arguments)  # type: ignore[arg-type]  # as the server gives them

    def do_GET(self) -> None:
        """A page, or that it has not changed."""
        if not of_this_machine(self.headers.get("Host", "")):
            self._send(HTTPStatus.FORBIDDEN, "the runs are for this machine alone")
            return
        path = unquote(urlsplit(self.path).path)
        version = self.runs.version(path)
        if self.headers.get("If-None-Match") == version:
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.end_headers()
            return
        found = self.runs.page(path)
        if found is None:
            told = pages.write("message", title="No such run", told=path, back=True)
            self._send(HTTPStatus.NOT_FOUND, told)
            return
        self._send(HTTPStatus.OK, pages.followed(found, version), version)

    def _send(self, status: HTTPStatus, text: str, version: str = "") -> None:
        body = text.encode("utf-8", "backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        if version:
            self.send_header("ETag", version)
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing: a line every two seconds is of no use to anyone."""


def _groups(folder: Path) -> Iterator[Path]:
    """The directories of cross-validations and searches, in a folder and below it."""
    if kind_of(folder) in _GROUPS:
        yield folder
        return
    for path in folders_in(folder):
        yield from _groups(path)


def _changed(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _told(name: str, made: Callable[[], str]) -> str:
    """A page, or why there is none yet."""
    try:
        return made()
    except (CnnkitError, OSError) as error:
        return pages.write("message", title=name, told=str(error), back=True)


def _link(name: str) -> TableCell:
    return TableCell(name, link=f"/run/{quote(name, safe='/')}")


def _status(run: RunDirectory) -> str:
    return "running" if run.lock.taken else "finished" if run.finished else ""


def _cells(row: RunRow) -> list[TableCell | str]:
    """What is said of a training; what it does not have is a dash."""
    metric = metric_of(row.metric)
    return [
        _link(row.run),
        "training",
        str(row.epochs),
        "—" if row.best_epoch is None else str(row.best_epoch),
        metric.shown(row.validation),
        metric.shown(row.test),
        row.verdict or "—",
        time_cell(row.seconds),
        row.status,
    ]
