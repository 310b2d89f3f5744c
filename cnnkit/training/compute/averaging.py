"""Running means of the weights, which a recipe with ``ema`` is judged by."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from cnnkit.spec.model.training import Train
from cnnkit.training.compute.state import State, Tree


def averaged(train: Train, state: State, params: Tree, stats: Tree) -> Tree:
    """The running means after an update; None where the recipe asks for none.

    The decay starts low and rises to the recipe's, ``min(decay, (1 + n) / (10 + n))``, as in
    TensorFlow's ExponentialMovingAverage, so that the first weights are soon forgotten.

    Args:
        train: The recipe.
        state: The state before the step.
        params: The weights after it.
        stats: The statistics after it.
    """
    if not train.ema:
        return None
    updates = (state.step + 1) // train.accumulate
    decay = jnp.minimum(train.ema, (1 + updates) / (10 + updates))
    decay = jnp.where((state.step + 1) % train.accumulate == 0, decay, 1.0)
    return jax.tree.map(
        lambda mean, new: mean * decay + new * (1 - decay), state.average, (params, stats)
    )
