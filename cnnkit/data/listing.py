"""The files that words name: a file, the files of a folder, or those that match a pattern."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnkit.data.layout import is_litter
from cnnkit.spec.text.scalars import shortened


@dataclass(frozen=True)
class Refused:
    """An input of which nothing can be said.

    Attributes:
        file: The file, or an example in it.
        problem: What is wrong with it, in a sentence that names it.
    """

    file: str
    problem: str

    def to_dict(self) -> dict[str, Any]:
        """The refusal as JSON takes it."""
        return {"file": self.file, "class": None, "predictions": [], "error": self.problem}


def files_of(names: Iterable[str], suffixes: Collection[str]) -> Iterator[Path | Refused]:
    """The files that words name, in their order; those of a folder in the order of their names.

    Args:
        names: Files, folders, whose subfolders are looked through too, and patterns with ``*``,
            ``?``, ``[…]`` and ``**`` for any folders.
        suffixes: How files of a folder end, in small letters; others are passed over.
    """
    for name in names:
        path = Path(name)
        try:
            folder, there = path.is_dir(), path.exists()
        except OSError as error:
            yield Refused(name, f"cannot read {shortened(name)}: {error.strerror}")
            continue
        if not name:
            yield Refused(name, "there is no file without a name")
        elif folder:
            yield from _within(path, suffixes)
        elif there or not glob.has_magic(name):
            yield path
        else:
            yield from _matching(name)


def _within(folder: Path, suffixes: Collection[str]) -> Iterator[Path | Refused]:
    problems: list[Refused] = []

    def unreadable(error: OSError) -> None:
        name = str(error.filename)
        problems.append(Refused(name, f"{name} cannot be read: {error.strerror}"))

    found = False
    for parent, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        for name in sorted(files):
            if not is_litter(name) and name.lower().endswith(tuple(suffixes)):
                found = True
                yield Path(parent, name)
        yield from problems
        found = found or bool(problems)
        problems.clear()
    yield from problems
    if not found and not problems:
        yield Refused(str(folder), f"{folder} is a folder without files that are inputs")


def _matching(pattern: str) -> Iterator[Path | Refused]:
    found = False
    for name in sorted(glob.iglob(pattern, recursive=True)):  # noqa: PTH207 - keeps it as written
        path = Path(name)
        if not path.is_dir():
            found = True
            yield path
    if not found:
        yield Refused(pattern, f"no file matches {pattern}")
