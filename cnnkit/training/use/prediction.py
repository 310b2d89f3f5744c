"""What a trained network says of files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from cnnkit.data.inputs import Input, inputs_of
from cnnkit.data.listing import Refused
from cnnkit.errors import UsageError
from cnnkit.training.compute.augmentation.views import views_of
from cnnkit.training.compute.loss import probabilities
from cnnkit.training.compute.maps import grids_of, on_grid
from cnnkit.training.compute.metrics import predictions
from cnnkit.training.use.mapping import Mapping
from cnnkit.training.use.naming import REFUSAL, Naming, Prediction
from cnnkit.training.use.trained import Trained

__all__ = ["Prediction", "Refused", "compiled", "predict"]

_BATCH = 64
_BATCH_BYTES = 2**26

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
    if trained.of_maps:
        yield from _maps(trained, files, threshold=threshold, augment=augment)
        return
    naming = Naming.of(trained, top, threshold, refusal)
    answer, views = compiled(trained, augment=augment)
    shape = trained.preprocessing.shape
    size = max(1, min(_BATCH, _BATCH_BYTES // (4 * int(np.prod(shape)))) // views)
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


def _maps(
    trained: Trained, files: Iterable[str | Path | Refused], *, threshold: float, augment: bool
) -> Iterator[Prediction | Refused]:
    """What a network of maps says of files."""
    if threshold or augment:
        option = "a threshold" if threshold else "test-time augmentation"
        raise UsageError(f"{option} is of classes of whole examples: the network gives maps")
    mapping, shape = Mapping.of(trained), trained.preprocessing.shape
    graphdef, params, stats = trained.network.parts()
    grid, _ = grids_of(trained.spec)

    @jax.jit
    def answer(params: Any, stats: Any, values: jax.Array) -> jax.Array:
        network = nnx.merge(graphdef, params, stats)
        scores = network.outputs(trained.standardized(values)).scores
        if mapping.of_classes:
            return predictions(scores).astype(jnp.int16)
        return probabilities(scores, trained.train, network.final)

    cells = max(int(np.prod(shape)), int(np.prod(grid.extents)) * len(mapping.names))
    size = max(1, min(_BATCH, _BATCH_BYTES // (4 * cells)))
    inside = all(small <= large for small, large in zip(grid.extents, shape, strict=False))
    for entries, inputs in _batches(
        inputs_of(files, trained.preprocessing, trained.table), size, shape
    ):
        outputs = np.asarray(answer(params, stats, inputs)) if len(inputs) else inputs
        images = iter(on_grid(inputs, grid) if inside else ())
        for found in mapping.named(entries, outputs):
            if isinstance(found, Refused):
                yield found
            else:
                yield replace(found, image=next(images, None))


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
    arrays, scores = trained.scoring

    @jax.jit
    def forward(arrays: Any, values: jax.Array) -> jax.Array:
        seen = trained.standardized(jnp.concatenate([view(values) for view in views]))
        found = probabilities(scores(arrays, seen), trained.train, trained.network.final)
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
