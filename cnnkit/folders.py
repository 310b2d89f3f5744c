"""Paths: how they are given, and where cnnkit keeps what it can fetch or make again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

StrPath: TypeAlias = str | os.PathLike[str]
"""A path as callers have it: a text or a ``Path``."""


def user_cache() -> Path:
    """The user's cache folder of cnnkit, ``~/.cache/cnnkit`` unless ``XDG_CACHE_HOME`` is set.

    The folder need not exist.
    """
    home = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    base = Path(home) if Path(home).is_absolute() else Path("~/.cache").expanduser()
    return base / "cnnkit"


def make_private(folder: Path) -> str | None:
    """Make a folder that nobody else may write to or read, with its parents.

    What is kept there is run as code, so a folder of someone else's, or one that others may
    write to, is not to be used.

    Returns:
        None where the folder is there and private, else why it can't be used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.stat()
    except OSError as error:
        return f"{folder} can't be made: {error.strerror}"
    if os.name != "posix":
        return None
    if state.st_uid != os.geteuid():
        return f"{folder} belongs to another user"
    if state.st_mode & 0o077:
        return f"{folder} is open to other users: `chmod 700 {folder}`"
    return None if os.access(folder, os.W_OK) else f"{folder} can't be written to"
