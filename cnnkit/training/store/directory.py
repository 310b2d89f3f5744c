"""The directory of a run: what lies in it, who may write to it."""

from __future__ import annotations

import glob
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cnnkit.errors import TrainingError, UsageError
from cnnkit.training.store.files import told_of_full_disk, write_atomic, write_json
from cnnkit.training.store.kinds import ENVIRONMENT as ENVIRONMENT
from cnnkit.training.store.kinds import SPEC as SPEC
from cnnkit.training.store.kinds import SPLIT as SPLIT
from cnnkit.training.store.kinds import Kind, kind_of, refuse_other

if TYPE_CHECKING:
    from cnnkit.spec.model.spec import Spec

FILES = "files.json"
INIT = "init.json"
METRICS = "metrics.jsonl"
SUMMARY = "summary.json"
CURVES = "curves.png"
CONFUSION = "confusion.png"
REPORT = "report.html"
CHECKPOINTS = "checkpoints"
EVENTS = "events"
_LOCK = "lock"
_MOST_RUNS = 10_000
_ABANDONED = 3600.0
"""The seconds after which no process is still making a directory."""


class RunDirectory:
    """The files of a run.

    Args:
        path: The directory, which is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    @classmethod
    def create(
        cls, path: Path | None, name: str, spec: Mapping[str, Any], environment: Mapping[str, Any]
    ) -> RunDirectory:
        """A new directory, which is there with its spec or not at all; nothing is overwritten.

        Args:
            path: Where the user wants it; by default `runs/NAME`, or `runs/NAME-2` and so on
                where that is taken.
            name: What the run is called.
            spec: The resolved spec.
            environment: What the run is made with.

        Raises:
            UsageError: There is something at the path, or it can't be made.
            TrainingError: The disk is full.
        """
        wanted = path or Path("runs") / name
        try:
            wanted.parent.mkdir(parents=True, exist_ok=True)
            _clear_leftovers(wanted)
            pending = Path(tempfile.mkdtemp(prefix=f".{wanted.name}-", dir=wanted.parent))
        except OSError as error:
            raise UsageError(f"{wanted} can't be made: {error.strerror}") from error
        try:
            pending.chmod(0o755)
            run = cls(pending)
            run.write_spec(spec)
            run.write_json(ENVIRONMENT, environment)
            for number in range(1, _MOST_RUNS):
                target = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
                if _renamed(pending, target):
                    return cls(target)
                if path is not None:
                    break
        finally:
            shutil.rmtree(pending, ignore_errors=True)
        kind = kind_of(wanted)
        what = f" and holds a {kind}" if kind else ""
        ours = kind in ("training", None) and (wanted / SPEC).is_file()
        way_on = f"go on with its run by --resume {wanted}, or " if ours else ""
        raise UsageError(
            f"{wanted} is there already{what}, and nothing is overwritten: {way_on}give another "
            f"--run-dir"
        )

    @classmethod
    def open(cls, path: Path, *kinds: Kind) -> RunDirectory:
        """The directory of a run that was begun.

        Args:
            path: Where it is.
            kinds: What it may be a run of; none for any.

        Raises:
            UsageError: There is none, or it is of another kind.
        """
        refuse_other(path, kinds)
        return cls(path)

    @property
    def kind(self) -> Kind | None:
        """What it is a run of; None where it ended before it was any."""
        return kind_of(self.path)

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / CHECKPOINTS

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return (self.path / SUMMARY).is_file()

    @property
    def locked(self) -> bool:
        """Whether a process writes here now."""
        try:
            import fcntl

            with (self.path / _LOCK).open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except ImportError:
            return False
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def lock(self) -> None:
        """Keeps other processes from writing here, until ``release`` or the process's end.

        Raises:
            UsageError: Another process has it.
        """
        try:
            import fcntl
        except ImportError:  # Windows has no flock; there a user is to take care
            return
        try:
            file = (self.path / _LOCK).open("a+")
        except OSError as error:
            raise UsageError(f"{self.path} can't be written to: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            who = file.read().strip()
            file.close()
            process = f" (process {who})" if who.isdecimal() else ""
            raise UsageError(
                f"{self.path} is in use: another cnnkit{process} trains in it"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._lock = file

    def require_there(self) -> None:
        """Raises where the directory that this process has locked is no longer at its path.

        Raises:
            TrainingError: It was moved or deleted, or another is in its place.
        """
        if self._lock is None:
            return
        ours = os.fstat(self._lock.fileno())
        try:
            there = (self.path / _LOCK).stat()
        except OSError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            raise TrainingError(
                f"{self.path} was moved or deleted while it was trained, so nothing more can be "
                f"kept there: where it was moved, `cnnkit train --resume` goes on with it at its "
                f"new place"
            )

    def release(self) -> None:
        """Lets other processes write here."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def write_spec(self, spec: Mapping[str, Any]) -> None:
        """Writes the resolved spec."""
        import yaml

        text = yaml.safe_dump(
            dict(spec), sort_keys=False, allow_unicode=True, default_flow_style=None, width=100
        )
        write_atomic(self.path / SPEC, text)

    def read_spec(self) -> Spec:
        """The resolved spec.

        Raises:
            SpecError: It was changed, and is none any more.
        """
        from cnnkit.spec.reading import load

        return load(self.path / SPEC)

    def write_json(self, name: str, value: Any) -> None:
        """Writes plain data to a file of the run."""
        write_json(self.path / name, value)

    def read_json(self, name: str, needed: Iterable[str] = ()) -> Any:
        """The mapping in a file of the run; None where it has none.

        Args:
            name: The file.
            needed: The keys without which it is not as it was written.

        Raises:
            TrainingError: It is damaged.
        """
        path = self.path / name
        try:
            found = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TrainingError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise _damaged(path, str(error)) from error
        if not isinstance(found, dict):
            raise _damaged(path, "it holds no mapping")
        if missing := [key for key in needed if key not in found]:
            raise _damaged(path, f"it has no {', '.join(missing)}")
        return found

    def read_split(self) -> Any:
        """What the run recorded of its data; None where it has none yet.

        Raises:
            TrainingError: It is damaged.
        """
        return self.read_json(SPLIT, ("multi_label", "classes"))

    def write_metrics(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Writes the epochs so far, a line each."""
        lines = [json.dumps(record, allow_nan=False) + "\n" for record in history]
        write_atomic(self.path / METRICS, "".join(lines))

    def read_metrics(self) -> list[dict[str, Any]]:
        """The epochs so far; a line that is damaged, or no epoch, ends them."""
        try:
            lines = (self.path / METRICS).read_text("utf-8").splitlines()
        except (OSError, ValueError):
            return []
        history = []
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                break
            if not _is_epoch(record):
                break
            history.append(record)
        return history


def _clear_leftovers(wanted: Path) -> None:
    """Removes what processes left that were killed while they made a directory of this name."""
    for path in wanted.parent.glob(f".{glob.escape(wanted.name)}-????????"):
        ours = path.is_dir() and not path.is_symlink()
        if not ours or time.time() - path.stat().st_mtime < _ABANDONED:
            continue
        if all(file.name.lstrip(".").startswith((SPEC, ENVIRONMENT)) for file in path.iterdir()):
            shutil.rmtree(path, ignore_errors=True)


def _damaged(path: Path, why: str) -> TrainingError:
    return TrainingError(
        f"{path} is damaged: {why}. Delete it, and go on with the run by the command that began it "
        f"or by `cnnkit train --resume {path.parent}`: what it held is made again"
    )


def _is_epoch(record: object) -> bool:
    """Whether a line of the metrics has what the curves are drawn from."""
    return (
        isinstance(record, dict)
        and isinstance(record.get("epoch"), int)
        and isinstance(record.get("train"), dict)
        and isinstance(record.get("validation", ""), dict | None)
    )


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
