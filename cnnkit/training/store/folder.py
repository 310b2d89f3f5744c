"""A new folder that is there with its files or not at all."""

from __future__ import annotations

import glob
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cnnkit.errors import UsageError
from cnnkit.training.store.files import told_of_full_disk

_MOST: Final = 10_000
_ABANDONED: Final = 3600.0
"""The seconds after which no process is still making a folder."""


def make_folder(
    wanted: Path, fill: Callable[[Path], None], *, files: Sequence[str], numbered: bool
) -> Path | None:
    """Makes a folder under a name that is free; nothing is overwritten.

    What processes left that were killed while they made a folder of this name is removed.

    Args:
        wanted: Its path.
        fill: Writes its files, into a folder that gets its name when they are there.
        files: What these are called.
        numbered: Whether it may be called `NAME-2`, `NAME-3` and so on where the name is taken.

    Returns:
        Its path; None where the name is taken.

    Raises:
        UsageError: It can't be made.
        TrainingError: The disk is full.
    """
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(wanted, tuple(files))
        pending = Path(tempfile.mkdtemp(prefix=f".{wanted.name}-", dir=wanted.parent))
    except OSError as error:
        raise UsageError(f"{wanted} can't be made: {error.strerror}") from error
    try:
        pending.chmod(0o755)
        fill(pending)
        for number in range(1, _MOST if numbered else 2):
            target = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
            if _renamed(pending, target):
                return target
    finally:
        shutil.rmtree(pending, ignore_errors=True)
    return None


def _clear_leftovers(wanted: Path, files: tuple[str, ...]) -> None:
    for path in wanted.parent.glob(f".{glob.escape(wanted.name)}-????????"):
        ours = path.is_dir() and not path.is_symlink()
        if not ours or time.time() - path.stat().st_mtime < _ABANDONED:
            continue
        if all(file.name.lstrip(".").startswith(files) for file in path.iterdir()):
            shutil.rmtree(path, ignore_errors=True)


def _renamed(pending: Path, target: Path) -> bool:
    """Whether a folder could be given a name that was free."""
    if target.exists() or target.is_symlink():
        return False
    try:
        with told_of_full_disk(target):
            pending.rename(target)
    except OSError:  # another process was faster
        return False
    return True
