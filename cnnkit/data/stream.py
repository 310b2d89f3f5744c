"""Batches of a data set that is too large for the device, read ahead of their use by Grain.

What a batch holds is a function of its step alone, given by the caller: a run that goes on at
step n sees what it would have seen.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cnnkit.data.dataset import ExampleArrays, Examples, Indices
from cnnkit.errors import MissingExtraError

# Batches that are ready before they are asked for: one is in use, one on its way to the device.
_AHEAD = 4


@dataclass(frozen=True, eq=False)
class Batch:
    """The examples of one step.

    Attributes:
        step: Which step it is.
        inputs: ``[B, *spatial, C]``, as in ``Examples``; of several a mapping of names.
        targets: int32 ``[B]`` or float32 ``[B, K]``; of several outputs a mapping of names.
    """

    step: int
    inputs: Any
    targets: Any


def imported_grain() -> Any:
    """The package that reads ahead; it takes a second to import.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import grain
    except ModuleNotFoundError as error:  # small data sets do without it
        raise MissingExtraError(
            "a data set that is too large for the device is streamed by grain: "
            "pip install 'cnnkit[train]'"
        ) from error
    return grain


def stream(
    examples: ExampleArrays | Examples,
    chosen: Callable[[int], Indices],
    *,
    start: int,
    stop: int,
    ahead: int = _AHEAD,
    told: Callable[[int], object] = lambda _: None,
) -> Iterator[Batch]:
    """The batches of the steps from ``start`` up to, but not, ``stop``, in order.

    Args:
        examples: What is chosen from.
        chosen: The indices of a step's examples, int64 ``[B]``; called in any order, and by
            several threads.
        start: The first step.
        stop: The step before which it ends.
        ahead: Batches that are read before they are asked for.
        told: Is told of each step whose batch is read, by the thread that has read it.

    Raises:
        DataError: A file cannot be decoded.
        MissingExtraError: grain is not installed.
    """
    grain = imported_grain()

    def batch(step: int) -> Batch:
        found = Batch(step, *table.at(chosen(step)))
        told(step)
        return found

    table = ExampleArrays(examples.inputs, examples.targets)
    threads = max(1, min(ahead, os.cpu_count() or 1))
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=ahead)
    batches = iter(grain.MapDataset.range(start, stop).map(batch).to_iter_dataset(options))
    try:
        yield from batches
    finally:  # also where the caller stops early: threads that read ahead end with it
        batches.close()
