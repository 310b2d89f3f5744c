"""The looks at a test split: each network that was measured on it, among the runs of a folder.

A look is recorded before it is taken, so that one that is interrupted counts as well. The same
weights measured again say nothing new, and are no further look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from cnnkit.errors import TrainingError, UsageError
from cnnkit.training.store.data_record import DataRecord, SplitPart
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.kinds import SPLIT
from cnnkit.training.store.record import parse

LOOKS: Final = "looks.json"
_FORMAT: Final = 1
_FIGURES: Final = ("accuracy", "macro_f1", "mean_squared_error", "mean_absolute_error", "loss")


@dataclass(frozen=True)
class Look:
    """One look at the test split.

    Attributes:
        run: The directory of the run whose network was measured.
        checkpoint: The checkpoint that its weights are of.
        when: The time, ISO 8601.
        figures: What came out; empty where the look was begun and never came to its end.
    """

    run: str
    checkpoint: str
    when: str
    figures: Mapping[str, float]


@dataclass(frozen=True)
class _File:
    """What ``looks.json`` holds."""

    looks: tuple[Look, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The looks as JSON takes them."""
        return {"format": _FORMAT, "looks": [asdict(look) for look in self.looks]}


class RunLooks:
    """The test split of a run, shared with the runs beside it that were cut from the same data.

    Args:
        run: The run.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run

    def looks(self) -> list[Look]:
        """All looks at the split, the first of them first."""
        wanted = _split(self.run)
        folder = self.run.path.resolve().parent
        found = [
            look
            for path in _trainings(folder)
            if wanted is not None and _split(RunDirectory(path)) == wanted
            for look in _kept(self.run if path.samefile(self.run.path) else RunDirectory(path))
        ]
        return sorted(found, key=lambda look: look.when)

    def open(self, checkpoint: str) -> int:
        """Breaks the seal for the weights of a checkpoint.

        Returns:
            The number of the look, counted from 1.
        """
        own = _kept(self.run)
        if checkpoint not in [look.checkpoint for look in own]:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._write([*own, Look(str(self.run.path), checkpoint, now, {})])
        ours = [look for look in _kept(self.run) if look.checkpoint == checkpoint]
        return 1 + [look.when for look in self.looks()].index(ours[0].when)

    def close(self, checkpoint: str, figures: Mapping[str, Any]) -> None:
        """Keeps what a look saw."""
        seen = {name: figures[name] for name in _FIGURES if figures.get(name) is not None}
        self._write(
            [
                replace(look, figures=seen) if look.checkpoint == checkpoint else look
                for look in _kept(self.run)
            ]
        )

    def _write(self, looks: list[Look]) -> None:
        if looks == _kept(self.run):
            return
        try:
            self.run.write_json(LOOKS, _File(tuple(looks)).to_dict())
        except OSError as error:
            raise UsageError(
                f"{self.run.path} can't be written to, so that a look at its test split would not "
                f"be counted: {error.strerror}"
            ) from error


def look_text(number: int, looks: list[Look]) -> str:
    """What a look at the test split is worth, by those before it."""
    if number == 1:
        return "test split: look number 1, the first of its runs"
    before = ", ".join(dict.fromkeys(look.run for look in looks[: number - 1]))
    return (
        f"test split: look number {number}, after {before}. A network that was chosen with "
        f"knowledge of the looks before is no longer judged on unseen data"
    )


def last_look(run: RunDirectory) -> Look | None:
    """The last look for a run's own network that came to its end."""
    return next((look for look in reversed(_kept(run)) if look.figures), None)


def _trainings(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if (path / LOOKS).is_file() and (path / SPLIT).is_file():
            yield path


def _split(run: RunDirectory) -> tuple[str | None, SplitPart | None] | None:
    """What two runs have in common that share a test split."""
    try:
        record = run.read_split(()) or DataRecord()
    except TrainingError:
        return None
    return record.sha256, record.test


def _kept(run: RunDirectory) -> list[Look]:
    """The looks for a run's own network; none where their file is damaged."""
    try:
        file = run.read_record(LOOKS, partial(parse, _File)) or _File()
    except TrainingError:
        return []
    return [replace(look, run=str(run.path)) for look in file.looks]  # it may have been moved
