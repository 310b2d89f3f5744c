"""The totals of batches, by hand."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from cnnkit.spec.model.training import Train
from cnnkit.training.compute.accumulator import Accumulator
from cnnkit.training.compute.loss import make_loss

SCORES = jnp.array([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
TARGETS = jnp.array([0, 0, 1], jnp.int32)


def accumulator(loss: str, *, outputs: int = 2, multi_label: bool = False) -> Accumulator:
    train = Train(loss=loss)
    return Accumulator(train, make_loss(train, None), outputs, None, multi_label)


def test_of_no_examples_there_is_nothing() -> None:
    totals = accumulator("categorical_cross_entropy").empty()
    assert (int(totals.examples), float(totals.loss), int(totals.top5)) == (0, 0.0, 0)
    assert totals.confusion.tolist() == [[0, 0], [0, 0]]
    labels = accumulator("binary_cross_entropy", outputs=3, multi_label=True)
    assert labels.empty().confusion.shape == (3, 2, 2)
    assert accumulator("mean_squared_error").empty().confusion.tolist() == [0.0, 0.0]


def test_examples_that_fill_a_batch_up_are_left_out() -> None:
    """ln(1 + e⁻²) and ln(1 + e); the third, ln(1 + e³), is not counted."""
    adder = accumulator("categorical_cross_entropy")
    totals = adder.added(adder.empty(), SCORES, TARGETS, jnp.array([True, True, False]))
    assert int(totals.examples) == 2
    assert float(totals.loss) == pytest.approx(np.log1p(np.exp(-2)) + np.log1p(np.exp(1)))
    assert totals.confusion.tolist() == [[1, 1], [0, 0]]
    assert int(totals.top5) == 2
    again = adder.added(totals, SCORES, TARGETS, jnp.ones(3, bool))
    assert int(again.examples) == 5
    assert again.confusion.tolist() == [[2, 2], [1, 0]]


def test_of_values_the_errors_are_added_up() -> None:
    """The squares 1 and 4, 0 and 0, over two outputs: 2.5; the absolute errors 1.5."""
    adder = accumulator("mean_squared_error")
    scores, targets = jnp.array([[1.0, 2.0], [3.0, 3.0]]), jnp.array([[0.0, 4.0], [3.0, 3.0]])
    totals = adder.added(adder.empty(), scores, targets, jnp.ones(2, bool))
    assert totals.confusion.tolist() == [2.5, 1.5]
    assert float(totals.loss) == pytest.approx(2.5)
