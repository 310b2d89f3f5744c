"""The memory that XLA plans for a network: compiled for a batch, never run.

XLA's own operations are compiled, not the ``kernels`` that are faster on some machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from cnnkit.network.build import build
from cnnkit.network.kernels import plain_only
from cnnkit.network.model import Batch, Network

if TYPE_CHECKING:
    import optax

    from cnnkit.spec.model.spec import Spec


@dataclass(frozen=True)
class Planned:
    """The bytes of a compiled program.

    Attributes:
        arguments: What it is given: weights, state, the batch.
        outputs: What it gives that does not take the place of an argument.
        temporary: What it needs beside them.
    """

    arguments: int
    outputs: int
    temporary: int

    @property
    def total(self) -> int:
        """All that must be there while it runs."""
        return self.arguments + self.outputs + self.temporary


def inference_memory(spec: Spec, batch: int, compute_dtype: Any = jnp.float32) -> Planned:
    """What XLA plans for the prediction of a batch."""
    network = nnx.eval_shape(lambda: build(spec, compute_dtype=compute_dtype))
    graphdef, params, stats = network.parts()

    def predict(params: Any, stats: Any, x: Batch) -> Any:
        copy: Network = nnx.merge(graphdef, params, stats)
        return copy(x)

    return _planned(jax.jit(predict), params, stats, network.batch_of(batch))


def training_memory(
    spec: Spec,
    batch: int,
    optimizer: optax.GradientTransformation,
    compute_dtype: Any = jnp.float32,
) -> Planned:
    """What XLA plans for one step of training, all state being given away to the next.

    The loss is the mean square of the scores: what a loss takes by itself is next to nothing.
    """
    network = nnx.eval_shape(lambda: build(spec, compute_dtype=compute_dtype))
    graphdef, params, stats = network.parts()
    state = jax.eval_shape(optimizer.init, params)

    def step(params: Any, stats: Any, state: Any, x: Batch, key: Array) -> tuple[Any, ...]:
        def loss(params: Any) -> tuple[Array, Any]:
            # A variable moves only in the trace that it was made in: this one, for its gradient.
            copy: Network = nnx.merge(graphdef, params, stats, copy=True)
            outputs = copy.outputs(x, train=True, key=key)
            ends = [(scores, 1.0) for scores in outputs.named.values()]
            parts = [*ends, *outputs.sides]
            total = sum((weight * jnp.mean(scores**2) for scores, weight in parts), jnp.zeros(()))
            return total, nnx.state(copy, nnx.BatchStat)

        (value, moved), gradients = jax.value_and_grad(loss, has_aux=True)(params)
        updates, after = optimizer.update(gradients, state, params)
        trained = jax.tree.map(jnp.add, params, updates)
        return trained, moved, after, value

    key = jax.eval_shape(lambda: jax.random.key(0))
    compiled = jax.jit(step, donate_argnums=(0, 1, 2))
    return _planned(compiled, params, stats, state, network.batch_of(batch), key)


def _planned(function: Any, *arguments: Any) -> Planned:
    with plain_only():  # what makes a layer faster on one machine takes memory of its own
        analysis: Any = function.lower(*arguments).compile().memory_analysis()
    return Planned(
        analysis.argument_size_in_bytes,
        analysis.output_size_in_bytes - analysis.alias_size_in_bytes,
        analysis.temp_size_in_bytes,
    )
