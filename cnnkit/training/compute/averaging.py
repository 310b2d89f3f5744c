"""Running means of the weights, which a recipe with ``ema`` is judged by."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

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

    def moved(mean: Array, new: Array) -> Array:
        # The mean of equal values is rounded, and frozen weights are to stay as they are.
        return jnp.where(mean == new, new, mean * decay + new * (1 - decay))

    return jax.tree.map(moved, state.average, (params, stats))
