"""The epochs of a run as events for TensorBoard."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from cnnkit.training.store.directory import EVENTS, RunDirectory
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.view.display import Display


class Events:
    """Writes each epoch's figures; a run that is resumed writes the earlier epochs anew.

    Where tensorboardX is not installed nothing is written, and a line says so.
    """

    def __init__(self, run: RunDirectory, history: Sequence[RunEpoch], display: Display) -> None:
        self._writer: Any = None
        folder = run.path / EVENTS
        try:
            writer = _summary_writer()
        except ModuleNotFoundError:
            display.note("no events for TensorBoard: tensorboardX is not installed")
            return
        shutil.rmtree(folder, ignore_errors=True)
        self._writer = writer(str(folder))
        for record in history:
            self.add(record)

    def add(self, record: RunEpoch) -> None:
        """The figures of one epoch."""
        if self._writer is None:
            return
        step = record.step
        parts: Mapping[str, Mapping[str, float | None] | None] = {
            "train": record.train,
            "validation": record.validation,
            "run": {
                "learning_rate": record.learning_rate,
                "images_per_second": record.time["images_per_second"],
            },
        }
        for part, figures in parts.items():
            for name, value in (figures or {}).items():
                if value is not None:
                    self._writer.add_scalar(f"{part}/{name}", value, step)
        self._writer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()


def _summary_writer() -> Any:
    """TensorboardX's writer, without PyTorch: it imports that where it is there, for seconds."""
    hidden = "torch" not in sys.modules
    if hidden:
        sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        from tensorboardX import SummaryWriter
    finally:
        if hidden:
            del sys.modules["torch"]
    return SummaryWriter
