"""Packed data sets at a URL: their shards are copied once, and known by what is in them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from cnnkit.data.index import INDEX, LARGEST, Index, IndexedColumn, IndexedFile, parsed
from cnnkit.errors import DataError, MissingExtraError, UsageError

_COPIES: Final = "packed"
_BLOCK: Final = 2**20
ColumnKind = TypeVar("ColumnKind", bound=IndexedColumn)


def fetched(url: str, folder: Path) -> tuple[Path, Index]:
    """The folder of the copies of the files of a packed data set, and its index.

    A copy is named by the SHA-256 of its file, so that one that is there is not fetched again,
    and one that was changed at its URL is.

    Args:
        url: The folder of the set, in any file system that fsspec knows.
        folder: The folder of data sets.

    Returns:
        The folder, and the index with the names that the files have there.

    Raises:
        DataError: A file cannot be read, or is not the one that the index names.
        UsageError: There is no file system of this name.
        MissingExtraError: fsspec is not installed, or what it reads this one with.
    """
    system, root = _file_system(url)
    index = _index(system, root, url)
    copies = folder / _COPIES
    try:
        copies.mkdir(parents=True, exist_ok=True)
        for each in index.files:
            _copy(system, f"{root}/{each.file}", f"{url}/{each.file}", each, copies)
    except OSError as error:
        raise DataError(
            f"{error.filename or copies} cannot be written: {error.strerror or error}; the shards "
            f"of {url} are copied there, name another folder with --data-dir"
        ) from None
    columns = {name: _renamed(column) for name, column in index.columns.items()}
    return copies, _renamed(index).model_copy(update={"columns": columns})


def index_at(url: str) -> Index:
    """The index of a packed data set at a URL; errors are those of ``fetched``."""
    return _index(*_file_system(url), url)


def _index(system: Any, root: str, url: str) -> Index:
    with _reading(f"{url}/{INDEX}"), system.open(f"{root}/{INDEX}", "rb") as stream:
        content = stream.read(LARGEST + 1)
    return parsed(content, f"{url}/{INDEX}")


def _renamed(column: ColumnKind) -> ColumnKind:
    """A column with the names that its files have as copies."""

    def copied(file: IndexedFile) -> IndexedFile:
        return file.model_copy(update={"file": file.sha256})

    shards = tuple(map(copied, column.shards))
    return column.model_copy(update={"examples": copied(column.examples), "shards": shards})


def _copy(system: Any, source: str, shown: str, due: IndexedFile, folder: Path) -> None:
    """Copies a file, whole or not at all."""
    target = folder / due.sha256
    if target.is_file() and target.stat().st_size == due.bytes:
        return  # its contents are looked at as those of all files are
    handle, name = tempfile.mkstemp(prefix=".copy-", dir=folder)
    try:
        known, size = hashlib.sha256(), 0
        with os.fdopen(handle, "wb") as copy:
            for block in _blocks(system, source, shown):
                size += len(block)
                if size > due.bytes:  # or a file without an end would fill the disk
                    raise DataError(
                        f"{shown} has more than the {due.bytes:,} bytes that {INDEX} says: copy it "
                        f"there once more, or pack the data again"
                    )
                known.update(block)
                copy.write(block)
        if (found := known.hexdigest()) != due.sha256:
            raise DataError(
                f"{shown} has other contents than {INDEX} says, of the SHA-256 {found[:12]}… in "
                f"place of {due.sha256[:12]}…: copy it there once more, or pack the data again"
            )
        Path(name).chmod(0o644)
        Path(name).replace(target)
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def _blocks(system: Any, source: str, shown: str) -> Iterator[bytes]:
    with _reading(shown), system.open(source, "rb") as stream:
        while block := stream.read(_BLOCK):
            yield block


def _file_system(url: str) -> tuple[Any, str]:
    """What reads a URL, and the path in it."""
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{url} is read by fsspec: pip install 'cnnkit[remote]'") from error
    if "::" in url:
        raise UsageError(f"{url} chains file systems, which is not read: name the folder itself")
    try:
        system, root = url_to_fs(url.rstrip("/"))
    except ImportError as error:
        raise MissingExtraError(f"{url} cannot be read: {error}") from error
    except ValueError as error:
        raise UsageError(f"{url} cannot be read: {error}") from None
    return system, str(root)


@contextmanager
def _reading(shown: str) -> Iterator[None]:
    """Says what a file system says of a file, whatever exception that comes as."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"there is no {shown}") from None
    except DataError:
        raise
    except Exception as error:  # each of them has its own
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"{shown} cannot be read: {said}") from None
