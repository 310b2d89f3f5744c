"""Slow weights, to which the weights of any method return every so often.

Source: Zhang, Lucas, Hinton and Ba, "Lookahead optimizer: k steps forward, 1 step back", 2019.
Optax has it round an optimizer whose weights are pairs; here it is the last of a chain, and its
state is part of the optimizer's, so that a checkpoint holds it as all else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from cnnkit.spec.model.training.optimizer import Lookahead

Tree = Any


class LookaheadState(NamedTuple):
    """What is kept from update to update.

    Attributes:
        updates: int32 ``[]``, the updates so far.
        slow: The slow weights.
    """

    updates: Array
    slow: Tree


def lookahead(settings: Lookahead, updates: int) -> optax.GradientTransformation:
    """Steps of which each last one of a period leads to the slow weights.

    Args:
        settings: The period and how far the slow weights go.
        updates: Those of the whole training, over which the way falls where it has a `power`.
    """

    def init(params: Tree) -> LookaheadState:
        # Copies: a state is given away as a whole, and no buffer can be given away twice.
        return LookaheadState(jnp.zeros((), jnp.int32), jax.tree.map(jnp.copy, params))

    def update(
        steps: Tree, state: LookaheadState, params: Tree | None = None
    ) -> tuple[Tree, LookaheadState]:
        count = state.updates + 1
        due = count % settings.sync_period == 0
        way = 1 - (1 - settings.slow_step_size) * jnp.minimum(count / updates, 1) ** settings.power

        def returned(step: Array, slow: Array, fast: Array) -> Array:
            return jnp.where(due, slow + way * (fast + step - slow) - fast, step)

        steps = jax.tree.map(returned, steps, state.slow, params)
        slow = jax.tree.map(
            lambda old, fast, step: jnp.where(due, fast + step, old), state.slow, params, steps
        )
        return steps, LookaheadState(count, slow)

    return optax.GradientTransformation(init, update)
