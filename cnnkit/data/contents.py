"""What is in the files of a data set: files that are opened, or records that stand for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from cnnkit.data.dataset import Sources
from cnnkit.data.sources import sources_of


class Contents(Protocol):
    """Where the contents of files come from."""

    def of(self, path: Path) -> bytes | None:
        """What is in a file; None where it is to be opened.

        Raises:
            DataError: It cannot be read.
        """
        ...

    def sources(self, paths: Sequence[Path], folder: Path) -> Sources:
        """The files of some examples, an example each, named as they are seen from a folder.

        Raises:
            DataError: A file cannot be read.
        """
        ...


class _OnDisk:
    """Files that are opened."""

    def of(self, _path: Path) -> None:
        """Nothing: they are opened by whoever reads them."""

    def sources(self, paths: Sequence[Path], folder: Path) -> Sources:
        """Their names, and the SHA-256 of each."""
        return sources_of(paths, folder)


ON_DISK: Final[Contents] = _OnDisk()
