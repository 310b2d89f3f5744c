"""One side of the training benchmark as a process: a line asks for steps, a line answers.

It imports nothing of this project, so that any interpreter that has the peer can run it. The
command line names the network (a Python file that `cnnkit convert` wrote, or for cnnkit a spec),
the examples of a batch, the extents of the input, the device, the precision, and whether each pixel
has a class.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

BATCHES = 8
"""Batches of random examples that the steps go round."""
CLASSES = 10
OF_PIXELS = 2
"""The classes of random pixels."""

Advance = Callable[[int], None]
"""Takes so many steps and waits for the last."""


class Task(NamedTuple):
    """What a side is to train, and on what."""

    network: Path
    batch: int
    shape: tuple[int, ...]
    gpu: bool
    bfloat16: bool
    flags: tuple[str, ...]
    maps: bool

    @property
    def classes(self) -> int:
        """How many there are of the random labels."""
        return OF_PIXELS if self.maps else CLASSES


def task() -> Task:
    """What the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("network", type=Path)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--shape", type=int, nargs="+", required=True)
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--flags", nargs="*", default=[])
    parser.add_argument("--maps", action="store_true")
    given = parser.parse_args()
    return Task(
        given.network,
        given.batch,
        tuple(given.shape),
        given.device == "gpu",
        given.precision == "bfloat16",
        tuple(given.flags),
        given.maps,
    )


def examples(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs, float32 [N, *spatial, C] in 0..1, and their labels, int32 [N].

    Of maps they are [N, *spatial].
    """
    generator = np.random.default_rng(0)
    count = BATCHES * task.batch
    inputs = generator.random((count, *task.shape), np.float32)
    extents = task.shape[:-1] if task.maps else ()
    return inputs, generator.integers(0, task.classes, (count, *extents), np.int32)


def module(path: Path) -> ModuleType:
    """A file of source code, imported."""
    spec = importlib.util.spec_from_file_location("network", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules["network"] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def network_class(path: Path, base: type) -> Any:
    """The network of a file: the last class of a kind that it defines."""
    loaded = module(path)
    classes = [
        value
        for value in vars(loaded).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == "network"
    ]
    return classes[-1]


def serve(start: Callable[[], Advance], device_memory: Callable[[], int] | None = None) -> None:
    """Compiles, then answers each line, a number of steps, with the seconds of one.

    Args:
        start: Makes everything ready; the first steps after it compile.
        device_memory: The most bytes that were in use on the device; by default the process's.
    """
    began = time.perf_counter()
    advance = start()
    advance(1)
    _answer(compile=time.perf_counter() - began)
    for line in sys.stdin:
        steps = int(line)
        began, busy = time.perf_counter(), time.process_time()
        advance(steps)
        seconds = (time.perf_counter() - began) / steps
        cores = (time.process_time() - busy) / steps
        _answer(seconds=seconds, cores=cores, memory=(device_memory or _process_memory)())


def _process_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _answer(**said: float) -> None:
    print(json.dumps(said), flush=True)
