"""The epochs of a run as events for TensorBoard."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple, Self

from cnnkit.training.store.directory import EVENTS, RunDirectory
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.files import told_of_full_disk
from cnnkit.training.view.display import Display


class Events:
    """Writes each epoch's figures; a run that is resumed writes the earlier epochs anew.

    Where tensorboardX is not installed nothing is written, and a line says so. Its file is written
    here and now: where a disk is full, a thread of its own would tell nobody who can act on it.
    """

    def __init__(self, run: RunDirectory, history: Sequence[RunEpoch], display: Display) -> None:
        self._file: Any = None
        self._folder = folder = run.path / EVENTS
        try:
            self._library = _tensorboard()
        except ModuleNotFoundError:
            display.note("no events for TensorBoard: tensorboardX is not installed")
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self._file = self._library.EventsWriter(str(folder / "events"))
        for record in history:
            self.add(record)

    def add(self, record: RunEpoch) -> None:
        """The figures of one epoch.

        Raises:
            DiskFullError: There is no room for them.
        """
        if self._file is None:
            return
        parts: Mapping[str, Mapping[str, float | None] | None] = {
            "train": record.train,
            "validation": record.validation,
            "run": {
                "learning_rate": record.learning_rate,
                "images_per_second": record.time["images_per_second"],
            },
        }
        figures = {
            f"{part}/{name}": value
            for part, named in parts.items()
            for name, value in (named or {}).items()
            if value is not None
        }
        with told_of_full_disk(self._folder):
            self._file.write_event(self._library.event(figures, record.step, time.time()))
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            with suppress(OSError):  # all that was added is there, or was told
                self._file.close()


class _Library(NamedTuple):
    """What is used of tensorboardX: its writer of a file, and what makes an event."""

    EventsWriter: Any
    Event: Any
    Summary: Any

    def event(self, figures: Mapping[str, float], step: int, wall_time: float) -> Any:
        """An event of scalars."""
        values = [
            self.Summary.Value(tag=name, simple_value=value) for name, value in figures.items()
        ]
        return self.Event(wall_time=wall_time, step=step, summary=self.Summary(value=values))


def _tensorboard() -> _Library:
    """TensorboardX, without PyTorch: it imports that where it is there, for seconds."""
    hidden = "torch" not in sys.modules
    if hidden:
        sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary
    finally:
        if hidden:
            del sys.modules["torch"]
    return _Library(EventsWriter, Event, Summary)
