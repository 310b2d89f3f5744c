"""One process at a time writes to a directory."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from cnnkit.errors import TrainingError, UsageError

_NAME: Final = "lock"


class Lock:
    """The right to write to a directory; the kernel takes it back where its process ends.

    Args:
        folder: The directory, in which a file stands for the right.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: IO[str] | None = None

    @property
    def taken(self) -> bool:
        """Whether a process has it now."""
        try:
            import fcntl

            with (self.folder / _NAME).open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except ImportError:
            return False
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def take(self) -> None:
        """Keeps other processes from writing here, until ``release`` or the process's end.

        Raises:
            UsageError: Another process has it.
        """
        try:
            import fcntl
        except ImportError:  # Windows has no flock; there a user is to take care
            return
        try:
            file = (self.folder / _NAME).open("a+")
        except OSError as error:
            raise UsageError(f"{self.folder} can't be written to: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            who = file.read().strip()
            file.close()
            process = f" (process {who})" if who.isdecimal() else ""
            raise UsageError(
                f"{self.folder} is in use: another cnnkit{process} trains in it"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def require_there(self) -> None:
        """Raises where the directory that this process has locked is no longer at its path.

        Raises:
            TrainingError: It was moved or deleted, or another is in its place.
        """
        if self._file is None:
            return
        ours = os.fstat(self._file.fileno())
        try:
            there = (self.folder / _NAME).stat()
        except OSError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            raise TrainingError(
                f"{self.folder} was moved or deleted while it was trained, so nothing more can be "
                f"kept there: where it was moved, `cnnkit train --resume` goes on with it at its "
                f"new place"
            )

    def release(self) -> None:
        """Lets other processes write here."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
