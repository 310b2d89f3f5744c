"""Batches have one shape, and each example counts once."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from cnnkit.training.compute.batches import Batches

ORDER = jnp.array([7, 3, 9, 1, 5], jnp.int32)


@pytest.mark.parametrize(("examples", "count"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 3)])
def test_so_many_batches_see_all_examples(examples: int, count: int) -> None:
    assert Batches(4).count(examples) == count


def test_the_last_batch_of_an_epoch_begins_the_order_anew() -> None:
    batches = Batches(4)
    first, counted = batches.wrapped(ORDER, 0)
    assert (first.tolist(), counted.tolist()) == ([7, 3, 9, 1], [True] * 4)
    last, counted = batches.wrapped(ORDER, 1)
    assert (last.tolist(), counted.tolist()) == ([5, 7, 3, 9], [True, False, False, False])


def test_a_batch_larger_than_the_data_goes_round_more_than_once() -> None:
    found, counted = Batches(12).wrapped(ORDER, 0)
    assert found.tolist() == [7, 3, 9, 1, 5, 7, 3, 9, 1, 5, 7, 3]
    assert int(counted.sum()) == 5


def test_the_last_batch_that_is_judged_repeats_the_last_example() -> None:
    batches = Batches(4)
    last, counted = batches.clipped(ORDER, 1)
    assert (last.tolist(), counted.tolist()) == ([5, 5, 5, 5], [True, False, False, False])
    beyond, counted = batches.clipped(ORDER, 2)
    assert (beyond.tolist(), counted.tolist()) == ([5, 5, 5, 5], [False] * 4)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_each_example_counts_once(size: int) -> None:
    batches = Batches(size)
    for cut in (batches.wrapped, batches.clipped):
        seen = [cut(ORDER, number) for number in range(batches.count(len(ORDER)))]
        kept = np.concatenate([np.asarray(found)[np.asarray(counted)] for found, counted in seen])
        assert kept.tolist() == ORDER.tolist()
