"""Where data sets lie, and what is said of a file that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnkit.errors import DataError, UsageError

VARIABLE = "CNNKIT_DATA"


def data_directory(given: str | os.PathLike[str] | None = None) -> Path:
    """The folder of the published data sets: the one given, ``CNNKIT_DATA``, or the cache's."""
    if given is not None:
        return Path(given)
    if named := os.environ.get(VARIABLE):
        return Path(named)
    return Path.home() / ".cache" / "cnnkit"


def sought(source: str, folder: Path, names: Iterable[str]) -> Path:
    """The first of some files that a folder has.

    Raises:
        DataError: The folder cannot be looked into.
        UsageError: It has none of them.
    """
    names = tuple(names)
    with readable(folder):
        for name in names:
            if (folder / name).is_file():
                return folder / name
    raise UsageError(
        f"{source} is not in {folder}: there is no {' or '.join(names)}; fetch it with "
        f"`cnnkit data fetch {source}`, or name the folder that holds {folder.name}/ with "
        f"--data-dir or {VARIABLE}"
    )


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Says of a file that the system does not let us read, in a sentence, why."""
    try:
        yield
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
