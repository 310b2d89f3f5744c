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
from cnnkit.tasks.metric import default_metric, metric_of, of_output
from cnnkit.training.compute.boundary import Borders
from cnnkit.training.compute.maps import aimed, on_grid
from cnnkit.training.compute.metrics import summarize_pixels
from cnnkit.training.compute.objective import ONLY
from cnnkit.training.compute.similarity import MOST_PSNR
from cnnkit.training.compute.state import State
from cnnkit.training.prepare.material import Material, SplitName
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
            have, or ``psnr``; of several outputs with the output's name.
        value: How well; NaN of one without a pixel that counts.
        part: The name of the output; "" where it is alone.
    """

    split: SplitName
    place: int
    example: str
    metric: str
    value: float
    part: str = ONLY


def ranked(engine: Engine, state: State, name: SplitName, part: str = ONLY) -> list[Ranked]:
    """The examples of a split by the map that an output gives, the worst first."""
    examples, indices = engine.material.examples(name), engine.material.indices(name)
    of = engine.steps.parts[part]
    own = default_metric(of.train.tasks)
    metric = of_output(part, own) if part else own
    found = []
    for places, maps in engine.maps(state, name, part):
        truths = _asked(engine, name, part, places)
        for place, said, true in zip(places.tolist(), maps, truths, strict=True):
            value = _iou(said, true, of.outputs) if of.train.loss.of_classes else _psnr(said, true)
            example = name_of(examples, int(indices[place])).removeprefix("example ")
            found.append(Ranked(name, place, example, metric, value, part))
    return sorted(found, key=lambda each: (math.isnan(each.value), each.value, each.place))


def borders_of(engine: Engine, state: State, name: SplitName) -> dict[str, Borders]:
    """How well the borders of a split are met, of each output whose pixels are of classes."""
    found = {}
    for part in engine.steps.objective.maps:
        of = engine.steps.parts[part]
        if of.train.loss.of_classes:
            pairs = (
                (true, said)
                for places, maps in engine.maps(state, name, part)
                for true, said in zip(_asked(engine, name, part, places), maps, strict=True)
            )
            found[part] = Borders.of(pairs, max(of.outputs, 2))
    return found


def samples(engine: Engine, state: State, rows: Sequence[Ranked]) -> list[Sample]:
    """The best, the median and the worst of some examples that are ranked; of signals none.

    Args:
        engine: What judged them.
        state: The weights.
        rows: Examples of one split and one output.
    """
    sound = [row for row in rows if not math.isnan(row.value)]
    if not sound:
        return []
    name, part = sound[0].split, sound[0].part
    axes = len(engine.steps.objective.parts[part].grid.extents)
    shown = _shown(engine, axes)
    if axes not in (2, 3) or shown is None:
        return []
    chosen = {"best": sound[-1], "median": sound[len(sound) // 2], "worst": sound[0]}
    unique = {each.place: (word, each) for word, each in reversed(chosen.items())}
    kept = [each for each in chosen.items() if unique[each[1].place][0] == each[0]]
    places = np.array([row.place for _, row in kept])
    inputs = shown.examples(name).inputs[engine.material.indices(name)[places]]
    found = [maps for _, maps in engine.maps(state, name, part, places)]
    maps, truths = np.concatenate(found), _asked(engine, name, part, places)
    of = f"{part}, " if part else ""
    classes = tuple(engine.material.of_output(part).dataset.classes)
    return [
        Sample(f"{of}{word}: {metric_of(row.metric).shown(row.value)}", image, true, said, classes)
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


def _shown(engine: Engine, axes: int) -> Material | None:
    """The first input that has so many spatial axes."""
    material = engine.material
    inputs = material.inputs.values() or (material,)
    return next((each for each in inputs if len(each.dataset.shape) == axes + 1), None)


def _asked(engine: Engine, name: SplitName, part: str, places: NDArray[Any]) -> NDArray[Any]:
    """What an output is asked for of some examples of a split."""
    examples = engine.material.of_output(part).examples(name)
    targets = jnp.asarray(examples.targets[engine.material.indices(name)[places]])
    return np.asarray(on_grid(aimed(targets), engine.steps.objective.parts[part].grid))


def _iou(said: NDArray[Any], true: NDArray[Any], outputs: int) -> float:
    classes, there = max(outputs, 2), true >= 0
    if not there.any():
        return math.nan
    pairs = classes * true[there].astype(np.int64) + said[there]
    counts = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    return summarize_pixels(counts).mean_iou


def _psnr(said: NDArray[Any], true: NDArray[Any]) -> float:
    error = float(np.square(said.astype(np.float64) - true).mean())
    return MOST_PSNR if error <= 10 ** (-MOST_PSNR / 10) else -10 * math.log10(error)
