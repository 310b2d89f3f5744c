"""The runs of a folder, and their figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cnnkit.errors import TrainingError, UsageError
from cnnkit.tasks.metric import headline, metric_of
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.history import best
from cnnkit.training.store.kinds import ENVIRONMENT, SPEC
from cnnkit.training.store.looks import last_look
from cnnkit.training.store.summary import Summary


@dataclass(frozen=True)
class RunRow:
    """What a table says of a run; None for what it does not have.

    Attributes:
        run: Its directory.
        status: ``finished``, ``running`` or ``ended``, by the user or a fault.
        data: Its data set.
        epochs: The epochs that are done.
        best_epoch: The one with the best validation.
        metric: What its figures are: the accuracy, or the loss where there are no classes.
        validation: That of the best epoch.
        test: That of the test.
        verdict: The diagnosis in a word.
        seconds: How long it trained.
        started: When it was begun.
    """

    run: str
    status: str
    data: str | None
    epochs: int
    best_epoch: int | None
    metric: str
    validation: float | None
    test: float | None
    verdict: str | None
    seconds: float | None
    started: str | None

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON takes it."""
        return asdict(self)


COLUMNS: tuple[str, ...] = tuple(RunRow.__dataclass_fields__)
_FIGURES = ("validation", "test")
_LAST_FIRST = {"started", "epochs"}


def runs_of(folder: Path, sort: str = "validation") -> list[RunRow]:
    """The runs in a folder and below it, sorted by a column; figures with the best first.

    Raises:
        UsageError: There is no such folder, or no such column.
    """
    if sort not in COLUMNS:
        raise UsageError(f"--sort {sort}: the columns are {', '.join(COLUMNS)}")
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: `cnnkit train` makes it")
    rows = [_row(RunDirectory(path)) for path in _found(folder)]
    known = [row for row in rows if getattr(row, sort) is not None]
    if sort in _FIGURES:  # of each metric the best first; accuracies and losses do not mix
        known.sort(key=lambda row: (row.metric, -metric_of(row.metric).rank(getattr(row, sort))))
    else:
        known.sort(key=lambda row: getattr(row, sort), reverse=sort in _LAST_FIRST)
    return known + [row for row in rows if getattr(row, sort) is None]


def _found(folder: Path) -> Iterator[Path]:
    """The directories that hold a training; the last one of a search lies in that of the search."""
    made = (folder / SPEC).is_file() and (folder / ENVIRONMENT).is_file()
    if made and RunDirectory(folder).kind in ("training", None):
        yield folder
        return
    for path in folders_in(folder):
        yield from _found(path)


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder that may hold runs; none where it is gone or cannot be read."""
    try:
        return sorted(
            path
            for path in folder.iterdir()
            if path.is_dir() and not path.is_symlink() and not path.name.startswith(".")
        )
    except OSError:
        return []


def _row(run: RunDirectory) -> RunRow:
    ended = _summary(run)
    summary = ended or Summary()
    history = run.read_metrics()
    metric = headline((history[0].validation or history[0].train) if history else ())
    chosen = best(history, summary.monitor or metric) if history else None
    validation = (chosen and chosen.validation) or {}
    look = last_look(run)
    test = look.figures if look else summary.test or {}
    return RunRow(
        run=str(run.path),
        status="finished" if ended else "running" if run.lock.taken else "ended",
        data=_data(run),
        epochs=len(history),
        best_epoch=chosen.epoch if chosen and validation else None,
        metric=metric,
        validation=validation.get(metric),
        test=test.get(metric),
        verdict=summary.diagnosis.verdict if summary.diagnosis else None,
        seconds=summary.seconds,
        started=_started(run),
    )


def _summary(run: RunDirectory) -> Summary | None:
    """What a run came to; None where its file is missing or damaged, which a table can bear."""
    try:
        return run.read_summary()
    except TrainingError:
        return None


def _data(run: RunDirectory) -> str | None:
    """The name of its data; None where the file is missing or damaged."""
    try:
        record = run.read_split(())
    except TrainingError:
        return None
    return record.data if record else None


def _started(run: RunDirectory) -> str | None:
    """When it was begun; None where the file is missing or damaged."""
    try:
        return run.read_environment().started
    except TrainingError:
        return None
