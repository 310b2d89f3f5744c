"""How well a network of maps answers each example of a split, and the examples to look at."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.maps import name_of
from cnnkit.tasks.metric import METRICS, default_metric
from cnnkit.training.compute.maps import aimed, on_grid
from cnnkit.training.compute.metrics import summarize_pixels
from cnnkit.training.compute.similarity import MOST_PSNR
from cnnkit.training.compute.state import State
from cnnkit.training.prepare.material import SplitName
from cnnkit.training.store.files import write_atomic
from cnnkit.training.view.samples import Sample

if TYPE_CHECKING:
    from cnnkit.training.engine import Engine


class Ranked(NamedTuple):
    """An example and how well it was answered.

    Attributes:
        split: The split that it is of.
        place: Its place in the split.
        example: Its file, or its number.
        metric: What it is judged by: ``mean_iou``, over the classes that it has or is said to
            have, or ``psnr``.
        value: How well; NaN of one without a pixel that counts.
    """

    split: SplitName
    place: int
    example: str
    metric: str
    value: float


def ranked(engine: Engine, state: State, name: SplitName) -> list[Ranked]:
    """The examples of a split, the worst first."""
    examples, indices = engine.material.examples(name), engine.material.indices(name)
    of_classes = engine.steps.train.loss.of_classes
    metric = default_metric(engine.steps.train.tasks)
    found = []
    for places, maps in engine.maps(state, name):
        truths = _asked(engine, name, places)
        for place, said, true in zip(places.tolist(), maps, truths, strict=True):
            value = _iou(said, true, engine) if of_classes else _psnr(said, true)
            example = name_of(examples, int(indices[place])).removeprefix("example ")
            found.append(Ranked(name, place, example, metric, value))
    return sorted(found, key=lambda each: (math.isnan(each.value), each.value, each.place))


def samples(engine: Engine, state: State, rows: Sequence[Ranked]) -> list[Sample]:
    """The best, the median and the worst of some examples that are ranked; of signals none."""
    sound = [row for row in rows if not math.isnan(row.value)]
    if not sound or len(engine.steps.grid.extents) not in (2, 3):
        return []
    chosen = {"best": sound[-1], "median": sound[len(sound) // 2], "worst": sound[0]}
    unique = {each.place: (word, each) for word, each in reversed(chosen.items())}
    kept = [each for each in chosen.items() if unique[each[1].place][0] == each[0]]
    name = sound[0].split
    places = np.array([row.place for _, row in kept])
    inputs = engine.material.examples(name).inputs[engine.material.indices(name)[places]]
    (_, maps), *_ = engine.maps(state, name, places)
    truths = _asked(engine, name, places)
    return [
        Sample(f"{word}: {METRICS[row.metric].shown(row.value)}", image, true, said)
        for (word, row), image, true, said in zip(kept, inputs, truths, maps, strict=True)
    ]


def write_ranked(path: Path, rows: Iterable[Ranked]) -> None:
    """Writes examples that are ranked as a CSV file.

    Raises:
        DiskFullError: The disk is full.
    """
    write_atomic(path, "".join(_lines(rows)).encode("utf-8", "surrogateescape"))


def _lines(rows: Iterable[Ranked]) -> Iterator[str]:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("split", "example", "metric", "value"))
    for row in rows:
        value = "" if math.isnan(row.value) else f"{row.value:.6f}"
        writer.writerow((row.split, row.example, row.metric, value))
    yield stream.getvalue()


def _asked(engine: Engine, name: SplitName, places: NDArray[Any]) -> NDArray[Any]:
    """What the network is asked for of some examples of a split."""
    examples, indices = engine.material.examples(name), engine.material.indices(name)
    targets = jnp.asarray(examples.targets[indices[places]])
    return np.asarray(on_grid(aimed(targets), engine.steps.grid))


def _iou(said: NDArray[Any], true: NDArray[Any], engine: Engine) -> float:
    classes, there = max(engine.steps.classes, 2), true >= 0
    if not there.any():
        return math.nan
    pairs = classes * true[there].astype(np.int64) + said[there]
    counts = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    return summarize_pixels(counts).mean_iou


def _psnr(said: NDArray[Any], true: NDArray[Any]) -> float:
    error = float(np.square(said.astype(np.float64) - true).mean())
    return MOST_PSNR if error <= 10 ** (-MOST_PSNR / 10) else -10 * math.log10(error)
