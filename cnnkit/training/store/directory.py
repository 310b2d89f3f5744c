"""The directory of a run: what lies in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cnnkit.errors import TrainingError, UsageError
from cnnkit.training.store.data_record import DataRecord
from cnnkit.training.store.environment import Environment
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.files import write_atomic, write_json
from cnnkit.training.store.folder import make_folder
from cnnkit.training.store.kinds import ENVIRONMENT as ENVIRONMENT
from cnnkit.training.store.kinds import SPEC as SPEC
from cnnkit.training.store.kinds import SPLIT as SPLIT
from cnnkit.training.store.kinds import Kind, kind_of, refuse_other
from cnnkit.training.store.lock import Lock
from cnnkit.training.store.record import DamagedRecordError, parse
from cnnkit.training.store.summary import Summary

if TYPE_CHECKING:
    from cnnkit.spec.model.spec import Spec

FILES = "files.json"
INIT = "init.json"
METRICS = "metrics.jsonl"
SUMMARY = "summary.json"
CURVES = "curves.png"
CONFUSION = "confusion.png"
WRONG = "wrong.csv"
WRONG_IMAGES = "wrong.png"
ATTRIBUTIONS = "attributions.png"
FILTERS = "filters.png"
EXAMPLES = "examples.csv"
SAMPLES = "samples.png"
REPORT = "report.html"
CHECKPOINTS = "checkpoints"
EVENTS = "events"
T = TypeVar("T")


class RunDirectory:
    """The files of a run.

    Args:
        path: The directory, which is there.

    Attributes:
        lock: The right to write here.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = Lock(path)

    @classmethod
    def create(
        cls, path: Path | None, name: str, spec: Mapping[str, Any], environment: Environment
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

        def fill(folder: Path) -> None:
            run = cls(folder)
            run.write_spec(spec)
            run.write_json(ENVIRONMENT, environment.to_dict())

        wanted = path or Path("runs") / name
        files = (SPEC, ENVIRONMENT)
        made = make_folder(wanted, fill, files=files, numbered=path is None)
        if made is None:
            raise UsageError(_taken(wanted))
        return cls(made)

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

    def read_record(
        self, name: str, reader: Callable[[str], T], needed: Iterable[str] = ()
    ) -> T | None:
        """The record in a file of the run; None where it has none.

        Args:
            name: The file.
            reader: What makes the record of JSON.
            needed: The keys without which it is not as it was written.

        Raises:
            TrainingError: It is damaged.
        """
        found = self.read_json(name, needed)
        if found is None:
            return None
        try:
            return reader(json.dumps(found))
        except DamagedRecordError as error:
            raise _damaged(self.path / name, str(error)) from error

    def read_summary(self, needed: Iterable[str] = ()) -> Summary | None:
        """What the run came to; None where it has not come to its end.

        Args:
            needed: The keys that it must have.

        Raises:
            TrainingError: It is damaged.
        """
        return self.read_record(SUMMARY, partial(parse, Summary), needed)

    def read_split(self, needed: Iterable[str] = ("multi_label", "classes")) -> DataRecord | None:
        """What the run recorded of its data; None where it has none yet.

        Args:
            needed: The keys that it must have.

        Raises:
            TrainingError: It is damaged.
        """
        return self.read_record(SPLIT, partial(parse, DataRecord), needed)

    def read_environment(self) -> Environment:
        """What the run was made with; an empty one where it has none.

        Raises:
            TrainingError: It is damaged.
        """
        return self.read_record(ENVIRONMENT, Environment.from_json) or Environment()

    def write_metrics(self, history: Sequence[RunEpoch]) -> None:
        """Writes the epochs so far, a line each."""
        lines = [json.dumps(epoch.to_dict(), allow_nan=False) + "\n" for epoch in history]
        write_atomic(self.path / METRICS, "".join(lines))

    def read_metrics(self) -> list[RunEpoch]:
        """The epochs so far; a line that is damaged, or no epoch, ends them."""
        try:
            lines = (self.path / METRICS).read_text("utf-8").splitlines()
        except (OSError, ValueError):
            return []
        history = []
        for line in lines:
            try:
                history.append(RunEpoch.from_json(line))
            except DamagedRecordError:
                break
        return history


def _taken(wanted: Path) -> str:
    """Why no run is begun where something is, and what to do."""
    kind = kind_of(wanted)
    what = f" and holds a {kind}" if kind else ""
    ours = kind in ("training", None) and (wanted / SPEC).is_file()
    way_on = f"go on with its run by --resume {wanted}, or " if ours else ""
    return (
        f"{wanted} is there already{what}, and nothing is overwritten: {way_on}give another "
        f"--run-dir"
    )


def _damaged(path: Path, why: str) -> TrainingError:
    return TrainingError(
        f"{path} is damaged: {why}. Delete it, and go on with the run by the command that began it "
        f"or by `cnnkit train --resume {path.parent}`: what it held is made again"
    )
