"""The steps as pure functions: what one step does, and on which examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnnkit.spec.reading import load
from cnnkit.training.compute.state import ExamplePool, Feed, State
from cnnkit.training.compute.step import Steps, make_steps

INPUTS = np.random.default_rng(0).normal(size=(10, 5)).astype(np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0], np.int32)


class Jitted:
    """The functions of steps, compiled."""

    def __init__(self, steps: Steps) -> None:
        self.init = jax.jit(steps.init)
        self.order = jax.jit(steps.order)
        self.update = jax.jit(steps.update)
        self.advance = jax.jit(steps.advance)
        self.evaluate = jax.jit(steps.evaluate)
        self.evaluated = steps.evaluated


@cache
def linear(batch_size: int = 4, examples: int = 10, recipe: str = "") -> Jitted:
    """A softmax regression: five numbers to three classes."""
    text = f"""
input: 5
layers: [{{dense: {{units: 3}}}}]
train:
  optimizer: sgd
  learning_rate: 0.5
  {recipe}
"""
    spec = load(text)
    assert spec.train is not None
    return Jitted(make_steps(spec, spec.train, examples=examples, batch_size=batch_size))


def feed_of(inputs: Any = INPUTS, indices: Any = range(10), seed: int = 0) -> Feed:
    return Feed(
        pool=ExamplePool(jnp.asarray(inputs), jnp.asarray(LABELS)),
        train=jnp.array(list(indices), jnp.int32),
        mean=jnp.zeros(5),
        deviation=jnp.ones(5),
        class_weights=jnp.ones(3),
        seed=jnp.uint32(seed),
    )


def weights(state: State) -> tuple[np.ndarray, np.ndarray]:
    bias, kernel = (np.asarray(leaf) for leaf in jax.tree.leaves(state.params))
    return kernel, bias


def softmax(scores: np.ndarray) -> np.ndarray:
    exponents = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(-1, keepdims=True))


def by_hand(
    kernel: np.ndarray, bias: np.ndarray, rows: np.ndarray, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """A step of gradient descent on the mean cross-entropy, from its formula."""
    error = softmax(INPUTS[rows] @ kernel + bias) - np.eye(3)[LABELS[rows]]
    return kernel - rate * INPUTS[rows].T @ error / len(rows), bias - rate * error.mean(0)


def test_a_step_is_gradient_descent_on_the_mean_cross_entropy() -> None:
    steps, feed = linear(), feed_of()
    state = steps.init(feed.seed)
    order = steps.order(feed, 0)
    expected = by_hand(*weights(state), np.asarray(order)[:4], 0.5)
    after = steps.update(state, feed, order)
    for ours, theirs in zip(weights(after), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert int(after.step) == 1


def test_the_last_batch_is_filled_up_from_the_beginning_of_the_order() -> None:
    steps, feed = linear(), feed_of()
    state, order = steps.init(feed.seed), steps.order(feed, 0)
    rows = np.asarray(order)
    for batch in (rows[:4], rows[4:8], np.r_[rows[8:], rows[:2]]):
        expected = by_hand(*weights(state), batch, 0.5)
        state = steps.update(state, feed, order)
        np.testing.assert_allclose(weights(state)[0], expected[0], rtol=1e-4, atol=1e-6)


def test_totals_count_each_example_of_an_epoch_once_and_begin_anew() -> None:
    steps, feed = linear(), feed_of()
    state = steps.init(feed.seed)
    for epoch in range(2):
        order = steps.order(feed, epoch)
        for _ in range(3):
            state = steps.update(state, feed, order)
        assert int(state.totals.examples) == 10
        assert np.asarray(state.totals.confusion).sum(1).tolist() == [4, 3, 3]


def test_the_order_is_a_permutation_that_seed_and_epoch_determine() -> None:
    steps = linear()
    feed = feed_of(indices=[3, 5, 7, 8])
    orders = [np.asarray(steps.order(feed, epoch)).tolist() for epoch in range(6)]
    assert all(sorted(order) == [3, 5, 7, 8] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert orders[4] == np.asarray(steps.order(feed, 4)).tolist()
    others = [
        np.asarray(steps.order(replace(feed, seed=jnp.uint32(9)), epoch)) for epoch in range(6)
    ]
    assert [order.tolist() for order in others] != orders


def test_many_steps_in_one_call_end_in_the_bits_of_single_ones() -> None:
    steps, feed = linear(), feed_of()
    order = steps.order(feed, 0)
    whole = steps.advance(steps.init(feed.seed), feed, order, np.int32(3))
    parts = steps.advance(
        steps.advance(steps.init(feed.seed), feed, order, np.int32(1)), feed, order, np.int32(2)
    )
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(parts), strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


def test_a_batch_without_numbers_is_named_and_changes_nothing() -> None:
    inputs = INPUTS.copy()
    inputs[6] = np.inf
    steps, feed = linear(), feed_of(inputs)
    order = steps.order(feed, 0)
    bad = int(np.flatnonzero(np.asarray(order) == 6)[0]) // 4
    state = steps.init(feed.seed)
    states = [state]
    for _ in range(3):
        states.append(steps.update(states[-1], feed, order))
    assert int(states[-1].failed) == bad
    assert int(states[-1].step) == bad
    np.testing.assert_array_equal(weights(states[-1])[0], weights(states[bad])[0])
    assert np.isfinite(weights(states[-1])[0]).all()


def test_every_example_is_judged_once_whatever_the_batch() -> None:
    feed = feed_of()
    indices = jnp.arange(7, dtype=jnp.int32)
    totals = []
    for size in (3, 4, 16):
        steps = linear(batch_size=size)
        found = steps.evaluate(steps.init(feed.seed), feed, feed.pool, indices)
        assert int(found.examples) == 7
        assert np.asarray(found.confusion).sum() == 7
        totals.append(found)
    kernel, bias = weights(linear().init(feed.seed))
    scores = softmax(INPUTS[:7] @ kernel + bias)
    expected = -np.log(scores[np.arange(7), LABELS[:7]]).sum()
    for found in totals:
        assert float(found.loss) == pytest.approx(expected, rel=1e-5)
        np.testing.assert_array_equal(found.confusion, totals[0].confusion)


def test_class_weights_weigh_the_gradient() -> None:
    steps = linear(batch_size=10, recipe="class_weights: [1.0, 1.0, 3.0]")
    feed = replace(feed_of(), class_weights=jnp.array([1.0, 1.0, 3.0]))
    state = steps.init(feed.seed)
    kernel, bias = weights(state)
    error = softmax(INPUTS @ kernel + bias) - np.eye(3)[LABELS]
    weighted = error * np.array([1, 1, 3])[LABELS][:, None]
    after = steps.update(state, feed, steps.order(feed, 0))
    np.testing.assert_allclose(
        weights(after)[0], kernel - 0.5 * INPUTS.T @ weighted / 10, rtol=1e-4, atol=1e-6
    )


def test_class_weights_do_not_enter_the_loss_that_is_shown() -> None:
    plain, weighted = (
        linear(batch_size=10),
        linear(batch_size=10, recipe="class_weights: [1.0, 2.0, 30.0]"),
    )
    feed = replace(feed_of(), class_weights=jnp.array([1.0, 2.0, 30.0]))
    state = plain.init(feed.seed)
    kernel, bias = weights(state)
    scores = INPUTS @ kernel + bias
    by_hand = -np.log(softmax(scores)[np.arange(10), LABELS]).sum()
    order = plain.order(feed, 0)
    for steps in (plain, weighted):
        everything = steps.evaluate(state, feed, feed.pool, jnp.arange(10, dtype=jnp.int32))
        assert float(everything.loss) == pytest.approx(by_hand, rel=1e-5)
        assert float(steps.update(state, feed, order).totals.loss) == pytest.approx(
            by_hand, rel=1e-5
        )


def test_the_average_follows_the_weights_and_is_what_is_judged() -> None:
    steps, feed = linear(recipe="ema: 0.9"), feed_of()
    state = steps.init(feed.seed)
    order = steps.order(feed, 0)
    after = steps.update(state, feed, order)
    # After one update the decay is min(0.9, 2 / 11).
    expected = 2 / 11 * weights(state)[0] + 9 / 11 * weights(after)[0]
    averaged = np.asarray(jax.tree.leaves(steps.evaluated(after))[1])
    np.testing.assert_allclose(averaged, expected, rtol=1e-5)


def test_accumulated_batches_make_the_step_of_one_large_batch() -> None:
    feed = feed_of(indices=range(8))
    small = linear(batch_size=4, examples=8, recipe="accumulate: 2")
    large = linear(batch_size=8, examples=8)
    order = small.order(feed, 0)
    state = small.init(feed.seed)
    halfway = small.update(state, feed, order)
    np.testing.assert_array_equal(weights(halfway)[0], weights(state)[0])
    after = small.update(halfway, feed, order)
    whole = large.update(large.init(feed.seed), feed, order)
    np.testing.assert_allclose(weights(after)[0], weights(whole)[0], rtol=1e-5, atol=1e-6)


def test_runs_that_differ_in_their_examples_can_be_mapped_over() -> None:
    spec = load({"input": 5, "layers": [{"dense": {"units": 3}}], "train": {"optimizer": "sgd"}})
    assert spec.train is not None
    steps = make_steps(spec, spec.train, examples=6, batch_size=4)
    feeds = [
        feed_of(indices=[0, 1, 2, 3, 4, 5], seed=0),
        feed_of(indices=[4, 5, 6, 7, 8, 9], seed=1),
    ]
    stacked: Any = jax.tree.map(lambda *leaves: jnp.stack(leaves), *feeds)
    stacked = replace(stacked, pool=feeds[0].pool)
    axes: Any = Feed(pool=None, train=0, mean=0, deviation=0, class_weights=0, seed=0)  # type: ignore[arg-type]
    state = jax.jit(jax.vmap(steps.init))(stacked.seed)
    order = jax.jit(jax.vmap(steps.order, in_axes=(axes, None)))(stacked, 0)
    together = jax.jit(jax.vmap(steps.update, in_axes=(0, axes, 0)))(state, stacked, order)
    one = Jitted(steps)
    for index, feed in enumerate(feeds):
        alone = one.update(one.init(feed.seed), feed, one.order(feed, 0))
        np.testing.assert_allclose(
            weights(jax.tree.map(lambda leaf, index=index: leaf[index], together))[0],
            weights(alone)[0],
            rtol=1e-5,
            atol=1e-6,
        )


def test_bytes_are_scaled_then_standardised() -> None:
    steps = linear(batch_size=2)
    inputs = np.array([[0, 51, 102, 153, 255]] * 10, np.uint8)
    feed = replace(feed_of(inputs), mean=jnp.full(5, 0.2), deviation=jnp.full(5, 0.5))
    state = steps.init(feed.seed)
    kernel, bias = weights(state)
    scores = softmax(((np.array([0, 0.2, 0.4, 0.6, 1.0]) - 0.2) / 0.5) @ kernel + bias)
    totals = steps.evaluate(state, feed, feed.pool, jnp.array([0], jnp.int32))
    assert float(totals.loss) == pytest.approx(-np.log(scores[LABELS[0]]), rel=1e-4)


SIDE: Callable[[float], dict[str, Any]] = lambda weight: {  # noqa: E731
    "head": {"layers": [{"dense": {"units": 3}}], "loss_weight": weight}
}


def test_a_side_output_pulls_by_its_weight() -> None:
    def gradient_size(weight: float) -> float:
        spec = load(
            {
                "input": 5,
                "layers": [SIDE(weight), {"dense": {"units": 3}}],
                "train": {"optimizer": "sgd", "learning_rate": 1.0},
            }
        )
        assert spec.train is not None
        steps, feed = Jitted(make_steps(spec, spec.train, examples=10, batch_size=10)), feed_of()
        state = steps.init(feed.seed)
        after = steps.update(state, feed, steps.order(feed, 0))
        moved = jax.tree_util.tree_flatten_with_path(
            jax.tree.map(lambda a, b: jnp.abs(a - b).max(), after.params, state.params)
        )[0]
        return float(
            max(size for path, size in moved if "head" in str(path) or "0" in str(path[1]))
        )

    assert gradient_size(0.6) == pytest.approx(2 * gradient_size(0.3), rel=1e-4)
