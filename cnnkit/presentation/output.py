"""Where a report goes: a file, a pipe, or a terminal in its width and colours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from cnnkit.errors import UsageError
from cnnkit.folders import StrPath
from cnnkit.presentation.lines import Line, plain, styled


def put_lines(lines: Callable[[int | None], Iterable[Line]], output: StrPath | None) -> None:
    """Writes lines that are made for a width, or for none where there is no terminal.

    Raises:
        UsageError: The file cannot be written.
    """
    if output is None and sys.stdout.isatty():
        from rich.console import Console

        console = Console()
        console.print(styled(lines(console.width)), soft_wrap=True, highlight=False)
        return
    put_text(plain(lines(None)) + "\n", output)


def put_text(text: str, output: StrPath | None) -> None:
    """Writes a text.

    Raises:
        UsageError: The file cannot be written.
    """
    if output is None:
        # A terminal or a log that is not in Unicode gets escapes, not an exception.
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return
    try:
        Path(output).write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror or error}") from error


def put_bytes(data: bytes, output: StrPath | None) -> None:
    """Writes what is no text: to a file, or to a pipe.

    Raises:
        UsageError: The file cannot be written, or standard output is a terminal.
    """
    if output is None:
        if sys.stdout.isatty():
            raise UsageError("this is no text for a terminal: name a file by --output")
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        Path(output).write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror or error}") from error
