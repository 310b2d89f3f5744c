"""Runs a command in this process, as a shell would."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from cnnkit.__main__ import main


class Completed(NamedTuple):
    """What a command gave."""

    code: int
    out: str
    err: str


Run = Callable[..., Completed]


def runner(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `cnnkit` with arguments, and bytes as its standard input."""

    def run(*arguments: str, stdin: bytes = b"") -> Completed:
        monkeypatch.setattr(sys, "argv", ["cnnkit", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        sys.stdout.flush()
        return Completed(code, *capfd.readouterr())

    return run
