"""Whether a spec with a model's weights computes what the model computes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from cnnkit.errors import MissingExtraError
from cnnkit.importing.graph import INPUT, OperationGraph
from cnnkit.importing.model import Model, NotRunError
from cnnkit.spec.model.spec import Spec

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.view import View

    Batch = Array | Mapping[str, Array]

LARGEST = 1e-4
"""The largest difference, relative to the largest output, of networks that are the same."""


class Proof(NamedTuple):
    """What came of a comparison.

    Attributes:
        difference: The largest difference between outputs, relative to the largest of the model's;
            None where nothing was compared.
        reason: Why not.
    """

    difference: float | None
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against it."""
        return self.difference is None or self.difference <= LARGEST


def compare(model: Model, spec: Spec, arrays: Mapping[str, Array]) -> Proof:
    """Runs the model by its own runtime and the spec by JAX on one random batch of each input."""
    import numpy as np

    try:
        batch, theirs = _theirs(model)
        outputs = outputs_of(spec, arrays, batch)
    except (NotRunError, MissingExtraError) as error:
        return Proof(None, str(error))
    several = len(outputs) > 1  # else the output has no name
    ours = [outputs[name] for name in theirs] if several else list(outputs.values())
    worst = 0.0
    for got, expected in zip(ours, theirs.values(), strict=True):
        got = got.reshape(len(got), -1)
        if got.shape != expected.shape or not np.isfinite(got).all():
            finite = np.isfinite(expected).all()
            return Proof(float("inf")) if finite else Proof(None, "its outputs are not finite")
        largest = float(np.abs(expected).max())
        worst = max(worst, float(np.abs(got - expected).max()) / (largest or 1.0))
    return Proof(worst)


def _theirs(model: Model) -> tuple[Batch, Mapping[str, Array]]:
    """A random batch of each input in our layout, and each output with its elements in our order.

    Raises:
        NotRunError: The model cannot be run here.
    """
    import numpy as np

    random = np.random.default_rng(0)
    entries = _entries(model.graph)
    if model.ends is None:
        batch = random.standard_normal(model.input_shape, np.float32)
        if INPUT in entries:
            batch = random.integers(0, entries[INPUT], model.input_shape).astype(np.float32)
        given = model.runtime(batch)
        ours = batch if model.channels_last else np.moveaxis(batch, 1, -1)
        return ours, {"": in_order(given, model.output)}
    ends = model.ends
    fed = {
        name: random.standard_normal(view.whole(ends.batch), np.float32)
        for name, view in ends.inputs.items()
    }
    for name, view in ends.inputs.items():
        if (count := entries.get(view.source)) is not None:
            fed[name] = random.integers(0, count, fed[name].shape).astype(np.float32)
    found = ends.runtime.run(fed)
    theirs = {name: in_order(found[name], view) for name, view in ends.outputs.items()}
    batches = {
        name: in_order(array, ends.inputs[name]).reshape(ends.batch, *ends.inputs[name].shape)
        for name, array in fed.items()
    }
    return batches if len(batches) > 1 else next(iter(batches.values())), theirs


def _entries(graph: OperationGraph) -> dict[int, int]:
    """How many entries the whole numbers of an input number, of those that an embedding reads."""
    found = {}
    for operation in graph.operations.values():
        number = INPUT if operation.kind != "embedding" else operation.inputs[0]
        while number > INPUT:
            number = graph.operations[number].inputs[0]
        if operation.kind == "embedding":
            found[number] = int(operation.fields["entries"])
    return found


def in_order(array: Array, view: View) -> Array:
    """A batch of the model's as rows of the elements in our order."""
    import numpy as np

    first = array if view.batch is None else np.moveaxis(array, view.batch, 0)
    rows = first.reshape(-1, math.prod(view.shape))
    ordered: Array = rows[:, view.order()]
    return ordered


def outputs_of(spec: Spec, arrays: Mapping[str, Array], batch: Batch) -> dict[str, Array]:
    """What the spec computes with these arrays; a last softmax is not compiled with the rest.

    XLA may compute twice what a softmax reads, with other roundings: of the huge scores that a
    network of random weights gives, the exponentials would then be infinite.
    """
    import jax
    import numpy as np
    from flax import nnx

    from cnnkit.network import build
    from cnnkit.network.activation import FUNCTIONS

    network = nnx.eval_shape(lambda: build(spec, precision="float32"))
    graphdef, state = nnx.split(network)
    values = dict(nnx.to_flat_state(state))
    for path, variable in values.items():
        variable.set_value(np.asarray(arrays[".".join(map(str, path))]))
    applied = jax.jit(lambda state, x: nnx.merge(graphdef, state).outputs(x).named)
    scores = applied(nnx.from_flat_state(values), batch)
    finals = {name: network.plan.final(step) for name, step in network.plan.outputs}
    return {
        name: np.asarray(given if (final := finals[name]) is None else FUNCTIONS[final](given))
        for name, given in scores.items()
    }
