"""The directory of a run: what lies in it, who may write to it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cnnkit.errors import TrainingError, UsageError
from cnnkit.training.files import told_of_full_disk, write_atomic, write_json

if TYPE_CHECKING:
    from cnnkit.spec.model import Spec

SPEC = "spec.yaml"
ENVIRONMENT = "environment.json"
SPLIT = "split.json"
METRICS = "metrics.jsonl"
SUMMARY = "summary.json"
CURVES = "curves.png"
CONFUSION = "confusion.png"
REPORT = "report.html"
CHECKPOINTS = "checkpoints"
EVENTS = "events"
_LOCK = "lock"
_MOST_RUNS = 10_000


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
        raise UsageError(
            f"{wanted} is there already, and nothing is overwritten: go on with its run by "
            f"--resume {wanted}, or give another --run-dir"
        )

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """The directory of a run that was begun.

        Raises:
            UsageError: There is none.
        """
        if not path.is_dir():
            raise UsageError(f"there is no run {path}")
        if not (path / SPEC).is_file():
            raise UsageError(f"{path} is no run: it has no {SPEC}")
        return cls(path)

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

    def read_json(self, name: str) -> Any:
        """The plain data of a file of the run; None where it has none.

        Raises:
            TrainingError: It is damaged.
        """
        path = self.path / name
        try:
            return json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise TrainingError(f"{path} cannot be read: {error}") from error

    def write_metrics(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Writes the epochs so far, a line each."""
        lines = [json.dumps(record, allow_nan=False) + "\n" for record in history]
        write_atomic(self.path / METRICS, "".join(lines))

    def read_metrics(self) -> list[dict[str, Any]]:
        """The epochs so far; a line that is damaged ends them."""
        try:
            lines = (self.path / METRICS).read_text("utf-8").splitlines()
        except (OSError, ValueError):
            return []
        history = []
        for line in lines:
            try:
                history.append(json.loads(line))
            except ValueError:
                break
        return history


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
