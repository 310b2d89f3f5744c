"""What a trained network says of files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
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
from cnnkit.training.use.trained import Trained

__all__ = ["Prediction", "Refused", "compiled", "names_of", "predict"]

_BATCH = 64
_BATCH_BYTES = 2**26
REFUSAL = "unknown"
"""What an input is called whose most probable class is not probable enough."""

Answer = Callable[[NDArray[np.float32]], jax.Array]
"""``inputs [N, *shape], scaled and not standardized -> probabilities or numbers [N, K]``."""


@dataclass(frozen=True)
class Prediction:
    """What a network says of one input.

    Attributes:
        file: The file, or the example in it.
        classes: The most probable classes, the first first; of a regression the outputs.
        values: Their probabilities; of a regression the numbers.
        decision: The class that it is taken for: the most probable, or that of refusal where it
            is not probable enough; None of a regression.
    """

    file: str
    classes: tuple[str, ...]
    values: tuple[float, ...]
    decision: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The prediction as JSON takes it."""
        found = zip(self.classes, self.values, strict=True)
        named = [{"name": name, "value": value} for name, value in found]
        return {"file": self.file, "class": self.decision, "predictions": named, "error": None}


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
    names = names_of(trained)
    of_classes = trained.train.loss.of_classes
    if threshold and not of_classes:
        raise UsageError("a threshold is for the probability of a class: the run predicts numbers")
    if threshold and refusal in names:
        raise UsageError(f"`{refusal}` is a class of the network: call the refusal otherwise")
    answer, views = compiled(trained, augment=augment)
    count = len(names) if top is None or not of_classes else min(top, len(names))

    def named(entries: Sequence[str | Refused], outputs: Any) -> Iterator[Prediction | Refused]:
        """The entries of a batch, those that have an output with their names."""
        values = _of_all_classes(trained, np.asarray(outputs))
        order = np.tile(np.arange(len(names)), (len(values), 1))
        if of_classes:
            order = np.argsort(-values, axis=1, kind="stable")[:, :count]
        rows = iter(zip(order.tolist(), np.take_along_axis(values, order, 1).tolist(), strict=True))
        for entry in entries:
            if isinstance(entry, Refused):
                yield entry
                continue
            chosen, found = next(rows)
            classes = tuple(names[each] for each in chosen)
            decision = None
            if of_classes:
                decision = classes[0] if found[0] >= threshold else refusal
            yield Prediction(entry, classes, tuple(found), decision)

    shape = trained.preprocessing.shape
    size = max(1, min(_BATCH, _BATCH_BYTES // (4 * int(np.prod(shape)))) // views)
    # One batch is computed while the next one is read.
    begun: deque[tuple[Sequence[str | Refused], Any]] = deque()
    for entries, inputs in _batches(
        inputs_of(files, trained.preprocessing, trained.table), size, shape
    ):
        begun.append((entries, answer(inputs)))
        if len(begun) > 1:
            yield from named(*begun.popleft())
    while begun:
        yield from named(*begun.popleft())


def names_of(trained: Trained) -> tuple[str, ...]:
    """The names of the classes, or of the outputs where there are none."""
    outputs = jax.eval_shape(
        lambda x: trained.network.outputs(x).scores,
        jax.ShapeDtypeStruct((1, *trained.spec.input), np.float32),
    ).shape[-1]
    if _tells_two(trained, outputs):
        return trained.classes
    more = (f"output {index}" for index in range(len(trained.classes), outputs))
    return (*trained.classes[:outputs], *more)


def compiled(trained: Trained, *, augment: bool = False) -> tuple[Answer, int]:
    """What a network says of inputs that are scaled, compiled, and over how many views.

    Raises:
        UsageError: Views are asked for, and its recipe has none.
    """
    views = views_of(trained.train.augment if augment else (), trained.spec.input)
    if augment and len(views) == 1:
        raise UsageError(
            "the recipe neither moves nor mirrors its examples, so that the network has not "
            "learnt to see through it: `augment: [{flip: horizontal}]` and the like come before "
            "test-time augmentation"
        )
    graphdef, params, stats = trained.network.parts()

    @jax.jit
    def forward(params: Any, stats: Any, values: jax.Array) -> jax.Array:
        network = nnx.merge(graphdef, params, stats)
        seen = jnp.concatenate([view(values) for view in views]) if augment else values
        scores = network.outputs(trained.standardized(seen)).scores
        found = probabilities(scores, trained.train, network.final)
        return found.reshape(len(views), *values.shape[:1], -1).mean(0) if augment else found

    return lambda values: forward(params, stats, values), len(views)


def _batches(
    inputs: Iterable[Input | Refused], size: int, shape: Sequence[int]
) -> Iterator[tuple[Sequence[str | Refused], NDArray[np.float32]]]:
    """Batches of one size, the last one filled with zeros, and who stands in each."""
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
            yield entries, batch
            entries, batch, count = [], np.zeros((size, *shape), np.float32), 0
    if entries:
        yield entries, batch


def _tells_two(trained: Trained, outputs: int) -> bool:
    """Whether one output tells two classes apart."""
    return trained.train.loss.of_classes and outputs == 1 and len(trained.classes) == 2


def _of_all_classes(trained: Trained, values: NDArray[np.float32]) -> NDArray[np.float32]:
    if _tells_two(trained, values.shape[1]):
        return np.concatenate([1 - values, values], 1)
    return values
