"""Whether a spec with a model's weights computes what the model computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from cnnkit.errors import MissingExtraError
from cnnkit.importing.model import Model, NotRunError
from cnnkit.spec.model.spec import Spec

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

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
    """Runs the model by its own runtime and the spec by JAX on one random input."""
    import numpy as np

    given = np.random.default_rng(0).standard_normal(model.input_shape, np.float32)
    try:
        theirs = model.runtime(given)
    except NotRunError as error:
        return Proof(None, str(error))
    ours = given if model.channels_last else np.moveaxis(given, 1, -1)
    try:
        outputs = _outputs(spec, arrays, ours)
    except MissingExtraError as error:
        return Proof(None, str(error))
    order = model.output.order()
    expected = theirs.reshape(len(given), -1)[:, order]
    got = outputs.reshape(len(given), -1)
    if got.shape != expected.shape or not np.isfinite(got).all():
        finite = np.isfinite(expected).all()
        return Proof(float("inf")) if finite else Proof(None, "its outputs are not finite")
    largest = float(np.abs(expected).max())
    return Proof(float(np.abs(got - expected).max()) / (largest or 1.0))


def _outputs(spec: Spec, arrays: Mapping[str, Array], batch: Array) -> Array:
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
    applied = jax.jit(lambda state, x: nnx.merge(graphdef, state).outputs(x).scores)
    scores = applied(nnx.from_flat_state(values), batch)
    return np.asarray(scores if network.final is None else FUNCTIONS[network.final](scores))
