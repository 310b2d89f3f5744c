"""What a trained network says of files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.inputs import Input, inputs_of
from cnnkit.data.listing import Refused
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.data.several import inputs_by_name
from cnnkit.errors import CnnkitError, UsageError
from cnnkit.spec.model.training import Arrays
from cnnkit.training.compute.augmentation.views import views_of
from cnnkit.training.compute.loss import probabilities
from cnnkit.training.compute.maps import Grid, on_grid
from cnnkit.training.use.mapping import namings_of
from cnnkit.training.use.naming import REFUSAL, Naming, Prediction, no_numbers
from cnnkit.training.use.trained import Trained
from cnnkit.training.use.whole_files import is_whole, whole_maps

__all__ = ["Prediction", "Refused", "compiled", "predict"]

Answer = Callable[[NDArray[np.float32]], jax.Array]
"""``inputs [N, *shape], scaled and not standardized -> probabilities or numbers [N, K]``."""


def predict(
    trained: Trained,
    files: Iterable[str | Path | Refused],
    top: int | None = 3,
    *,
    threshold: float = 0.0,
    refusal: str = REFUSAL,
    augment: bool = False,
) -> Iterator[Prediction | Refused]:
    """The predictions of files, in their order; files that cannot be read do not end them.

    They are read and computed some at a time, so that any number of them takes the same memory.

    Args:
        trained: The network of a run.
        files: Images, arrays and tables; each is brought to the network's input as the recipe's
            data were. What is refused already is handed on.
        top: How many classes to name; None for all.
        threshold: The probability that the most probable class needs to be decided for.
        refusal: What is decided where it has less.
        augment: Whether to average over the views of ``views_of``.

    Raises:
        UsageError: There is a threshold and no class, the class of refusal is one that the
            network knows, or its recipe has no views.
    """
    if trained.several or trained.of_maps:
        if threshold or augment:
            raise UsageError(_of_one_vector(trained, threshold=threshold))
        for whole, some in groupby(files, partial(is_whole, trained)):
            if whole:
                yield from whole_maps(trained, some, trained.batch_size)
            else:
                yield from _by_output(trained, some)
        return
    naming = Naming.of(trained, top, threshold, refusal)
    answer, views = compiled(trained, augment=augment)
    shape = trained.preprocessing.shape
    size = max(1, trained.batch_size // views)
    none = np.zeros((0, len(naming.names)), np.float32)
    # One batch is computed while the next one is read.
    begun: deque[tuple[Sequence[str | Refused], Any]] = deque()
    for entries, inputs in _batches(
        inputs_of(files, trained.preprocessing, trained.table), size, shape
    ):
        begun.append((entries, answer(inputs) if len(inputs) else none))
        if len(begun) > 1:
            yield from naming.named(*begun.popleft())
    while begun:
        yield from naming.named(*begun.popleft())


def _of_one_vector(trained: Trained, *, threshold: float) -> str:
    """Says what a threshold and views are for."""
    if trained.several:
        return (
            "a threshold and test-time augmentation are for a network of one input and one output"
        )
    option = "a threshold" if threshold else "test-time augmentation"
    return f"{option} is of classes of whole examples: the network gives maps"


def _by_output(
    trained: Trained, files: Iterable[str | Path | Refused]
) -> Iterator[Prediction | Refused]:
    """What a network of several inputs or outputs, or of maps, says: all that each output does.

    Several inputs are the arrays of a file ``.npz``, by the names that the recipe's data give them,
    or by those of the inputs.
    """
    namings, parts = namings_of(trained), trained.objective.parts
    answer = _told(trained)
    for entries, values in _together(trained, files, trained.batch_size):
        if isinstance(values, Refused):
            yield values
            continue
        said, sound = answer(values)
        told = [
            _with_images(
                naming.named(entries, said[naming.output]), values, parts[naming.output].grid
            )
            for naming in namings
        ]
        rows = iter(sound.tolist())
        for entry, found in zip(entries, zip(*told, strict=True), strict=True):
            if isinstance(entry, Refused):
                yield entry
            elif next(rows):
                yield from found
            else:
                yield no_numbers(entry)


Told = tuple[Mapping[str, NDArray[Any]], NDArray[np.bool_]]


def _told(trained: Trained) -> Callable[[Any], Told]:
    """What each output answers to inputs that are scaled, by its name, compiled.

    Beside it whether all that an example is told of are numbers, ``[N]``: the class of a pixel
    does not show it.
    """
    arrays, outputs = trained.scoring

    @jax.jit
    def forward(arrays: Any, values: Any) -> tuple[dict[str, jax.Array], jax.Array]:
        given = outputs(arrays, trained.standardized(values)).named
        sound = [jnp.isfinite(each).all(tuple(range(1, each.ndim))) for each in given.values()]
        told = trained.objective.told(trained.objective.scores(given))
        return told, jnp.stack(sound).all(0)

    def answer(values: Any) -> Told:
        found, sound = forward(arrays, values)
        return {name: np.asarray(each) for name, each in found.items()}, np.asarray(sound)

    return answer


def _with_images(
    found: Iterable[Prediction | Refused], values: Any, grid: Grid
) -> Iterator[Prediction | Refused]:
    """The predictions of maps with the images that they lie over, where there are such."""
    images = iter(_images(values, grid))
    for each in found:
        if isinstance(each, Refused) or each.map is None:
            yield each
        else:
            yield replace(each, image=next(images, None))


def _images(values: Any, grid: Grid) -> NDArray[Any] | tuple[()]:
    """The first input with as many spatial axes as a map, at the cells of it."""
    axes = len(grid.extents)
    arrays = values.values() if isinstance(values, Mapping) else (values,)
    images = next((each for each in arrays if each.ndim == axes + 2), None)
    if not axes or images is None:
        return ()
    inside = all(a <= b for a, b in zip(grid.extents, images.shape[1:], strict=False))
    return np.asarray(on_grid(images, grid)) if inside else ()


def _together(
    trained: Trained, files: Iterable[str | Path | Refused], size: int
) -> Iterator[tuple[Sequence[str | Refused], Any]]:
    """Batches of examples with all their inputs, scaled, and their names; or what is refused."""
    records = trained.prepared_by
    if isinstance(records, Preprocessing):
        read = inputs_of(files, records, trained.table)
        for entries, batch in _batches(read, size, records.shape):
            if len(batch):
                yield entries, batch
            else:
                yield from (((), each) for each in entries)
        return
    data = trained.source
    given = data.inputs if isinstance(data, Arrays) and isinstance(data.inputs, Mapping) else {}
    for file in files:
        if isinstance(file, Refused):
            yield (), file
            continue
        try:
            arrays = inputs_by_name(Path(file), records, given)
        except CnnkitError as error:
            yield (), Refused(str(file), str(error))
            continue
        count = len(next(iter(arrays.values())))
        for start in range(0, count, size):
            stop = min(start + size, count)
            names = [f"{file}[{index}]" for index in range(start, stop)]
            # A batch that is not full is filled up, so that one program serves them all.
            places = np.minimum(np.arange(start, start + size), count - 1)
            yield names, {name: array[places] for name, array in arrays.items()}


def compiled(trained: Trained, *, augment: bool = False) -> tuple[Answer, int]:
    """What a network says of inputs that are scaled, compiled, and over how many views.

    Raises:
        UsageError: Views are asked for, and its recipe has none.
    """
    if not augment:
        return trained.compute, 1
    views = views_of(trained.train.augment, trained.spec.input)
    if len(views) == 1:
        raise UsageError(
            "the recipe neither moves nor mirrors its examples, so that the network has not "
            "learnt to see through it: `augment: [{flip: horizontal}]` and the like come before "
            "test-time augmentation"
        )
    arrays, outputs = trained.scoring

    @jax.jit
    def forward(arrays: Any, values: jax.Array) -> jax.Array:
        seen = trained.standardized(jnp.concatenate([view(values) for view in views]))
        scores = outputs(arrays, seen).scores
        found = probabilities(scores, trained.train, trained.network.final)
        return found.reshape(len(views), *values.shape[:1], -1).mean(0)

    return lambda values: forward(arrays, values), len(views)


def _batches(
    inputs: Iterable[Input | Refused], size: int, shape: Sequence[int]
) -> Iterator[tuple[Sequence[str | Refused], NDArray[np.float32]]]:
    """Batches of one size, filled up with zeros, and who stands in each; empty where none does."""
    entries: list[str | Refused] = []
    batch, count = np.zeros((size, *shape), np.float32), 0
    for each in inputs:
        if isinstance(each, Refused):
            entries.append(each)
        else:
            entries.append(each.name)
            batch[count] = each.values
            count += 1
        if count == size or len(entries) == 16 * size:
            yield entries, batch if count else batch[:0]
            entries, batch, count = [], np.zeros((size, *shape), np.float32), 0
    if entries:
        yield entries, batch if count else batch[:0]
