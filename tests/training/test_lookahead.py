"""Slow weights: Optax's own lookahead as another witness, and the way by hand."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cnnkit.spec.model.training import Train
from cnnkit.training.compute.optimizer import make_optimizer

GRADIENTS = [np.array([g, -2 * g, 0.5]) for g in (1.0, 0.25, -0.5, 2.0, -1.0, 0.125, 3.0)]


def walked(optimizer: optax.GradientTransformation, params: Any) -> list[Any]:
    """The weights after each of the gradients."""
    state, found = optimizer.init(params), []
    for gradient in GRADIENTS:
        given = {"kernel": jnp.asarray(gradient, jnp.float32)}
        updates, state = optimizer.update(given, state, params)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return found


@pytest.mark.parametrize("period", [1, 2, 3])
def test_it_is_optaxs(period: int) -> None:
    start = {"kernel": jnp.array([1.0, 2.0, 3.0])}
    recipe = Train.model_validate(
        {
            "optimizer": {"momentum": {"momentum": 0.9}},
            "learning_rate": 0.1,
            "lookahead": {"sync_period": period, "slow_step_size": 0.25},
        }
    )
    ours = walked(make_optimizer(recipe, 10, start), start)
    theirs = walked(
        optax.lookahead(optax.sgd(0.1, 0.9), period, 0.25),
        optax.LookaheadParams.init_synced(start),
    )
    for own, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(own["kernel"], other.fast["kernel"], rtol=1e-5, atol=1e-6)


def test_the_way_falls_as_a_power_of_the_training_that_is_done() -> None:
    """Of 10 updates, every second one back, power 1 and 0.5 at the end: 0.9, 0.8, 0.7 of the way.

    Plain steps of 1: 0 → 1 → 2, back at 0 + 0.9·2 = 1.8; on to 3.8, back at 1.8 + 0.8·2 = 3.4; on
    to 5.4, back at 3.4 + 0.7·2 = 4.8.
    """
    recipe = Train.model_validate(
        {
            "optimizer": "sgd",
            "learning_rate": 1.0,
            "epochs": 2,
            "lookahead": {"sync_period": 2, "slow_step_size": 0.5, "power": 1},
        }
    )
    params = {"kernel": jnp.zeros(())}
    optimizer = make_optimizer(recipe, 5, params)
    state, found = optimizer.init(params), []
    for _ in range(6):
        updates, state = optimizer.update({"kernel": jnp.array(-1.0)}, state, params)
        params = optax.apply_updates(params, updates)
        found.append(float(params["kernel"]))
    assert found == pytest.approx([1, 1.8, 2.8, 3.4, 4.4, 4.8])


def test_frozen_weights_have_no_slow_ones() -> None:
    recipe = Train.model_validate(
        {
            "data": "digits",
            "freeze": ["layers.stem"],
            "lookahead": {},
            "optimizer": "sgd",
            "accumulate": 2,
        }
    )
    params = {"layers": {n: {"kernel": jnp.ones(3)} for n in ("stem", "head")}}
    optimizer = make_optimizer(recipe, 10, params)
    state = optimizer.init(params)
    for _ in range(20):
        updates, state = optimizer.update(params, state, params)
        params = optax.apply_updates(params, updates)
    assert params["layers"]["stem"]["kernel"].tolist() == [1, 1, 1]
    assert (params["layers"]["head"]["kernel"] < 1).all()
