"""Files of a run, written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cnnkit.errors import TrainingError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# What Orbax and TensorStore say of the same, in the text of their exceptions.
_FULL_TEXTS = ("No space left", "Disk quota exceeded", "File too large", "ENOSPC", "EFBIG")

_DESCRIPTORS = Path("/proc/self/fd")  # Linux: the open files and folders, by their numbers


class DiskFullError(TrainingError):
    """A file could not be written for want of space."""


def write_atomic(path: Path, data: bytes | str) -> None:
    """Writes a file that is there with all its bytes or as it was before.

    Raises:
        DiskFullError: The disk is full.
    """
    pending = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with told_of_full_disk(path), pending.open("wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        pending.replace(path)
    finally:
        pending.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Writes plain data as JSON, a key a line; a file's name that is no text keeps its bytes."""
    text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2, allow_nan=False)
    write_atomic(path, text + "\n")


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last through a loss of power, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def held_folder(folder: Path) -> Iterator[Path]:
    """The path of a folder that stays its own while it is moved, where the system has one.

    What makes missing parents, as TensorStore does, makes none at the place that a run was moved
    from. Elsewhere it is the path that is given.

    Raises:
        OSError: There is no such folder.
    """
    if not _DESCRIPTORS.is_dir():
        yield folder
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _DESCRIPTORS / str(handle)
    finally:
        os.close(handle)


def require_space(folder: Path, sizes: Sequence[int]) -> None:
    """Raises where a disk, or a quota or limit on it, has no room for files of so many bytes.

    To be asked before a save by Orbax: where one fails midway, the writes that it had begun print
    a traceback each.

    Raises:
        OSError: There is no room.
    """
    trial = folder / ".room"
    try:
        with trial.open("wb") as file:
            _reserve(file.fileno(), max(sizes, default=0))
            try:
                _reserve(file.fileno(), sum(sizes))
            except OSError as error:
                if error.errno != errno.EFBIG:  # together they need not fit into one file
                    raise
    finally:
        trial.unlink(missing_ok=True)


def _reserve(handle: int, size: int) -> None:
    if not size or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # a system that cannot reserve
            raise


@contextmanager
def told_of_full_disk(path: Path) -> Iterator[None]:
    """Says in a sentence that a disk is full, whatever exception that comes as.

    Raises:
        DiskFullError: The disk that holds ``path`` is full.
    """
    try:
        yield
    except Exception as error:
        if is_full_disk(error):
            raise DiskFullError(
                f"the disk is full: {path} could not be written; free some space there"
            ) from error
        raise


def is_full_disk(error: BaseException) -> bool:
    """Whether an exception, or what caused it, is of a disk without space left."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return True
        if any(text in str(seen) for text in _FULL_TEXTS):
            return True
        if isinstance(seen, BaseExceptionGroup):
            return any(is_full_disk(inner) for inner in seen.exceptions)
        seen = seen.__cause__ or seen.__context__
    return False
