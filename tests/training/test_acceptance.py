"""A step whose numbers are not finite leaves all arrays as they were, be they small or large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from cnnkit.network.kernels import on_platform
from cnnkit.training.compute.acceptance import SMALL, chosen, size

Trees = dict[str, Any]


def tree(start: float) -> Trees:
    """Small arrays of several types and ranks, and a large one."""
    return {
        "kernel": jnp.full((2, 3), start, jnp.float32),
        "count": jnp.int32(start),
        "key": jnp.uint32([start, start + 1]),
        "large": jnp.arange(SMALL + 1, dtype=jnp.float32) + start,
    }


def compiled(platform: str | None) -> Callable[[Array, Trees, Trees], Trees]:
    """``chosen``, for any platform or for one."""

    def function(accepted: Array, after: Trees, before: Trees) -> Trees:
        if platform is None:
            return chosen(accepted, after, before)
        with on_platform(platform):
            return chosen(accepted, after, before)

    return jax.jit(function)


@pytest.mark.parametrize("platform", [None, "cpu", "cuda"])
@pytest.mark.parametrize("accepted", [True, False])
def test_one_of_two_states_goes_on(platform: str | None, accepted: bool) -> None:
    after, before = tree(5), tree(2)
    found = compiled(platform)(jnp.bool_(accepted), after, before)
    assert found.keys() == after.keys()
    apart = chosen(jnp.bool_(accepted), after, before, whole=False)
    for name, each in (after if accepted else before).items():
        for one in (found[name], apart[name]):
            assert one.dtype == each.dtype
            np.testing.assert_array_equal(one, each)


def test_each_of_several_runs_goes_on_by_itself() -> None:
    after, before = (
        jax.tree.map(lambda *each: jnp.stack(each), *map(tree, starts))
        for starts in ((5, 6, 7), (1, 2, 3))
    )
    with on_platform("cpu"):
        found = jax.vmap(chosen)(jnp.array([True, False, True]), after, before)
    expected = jax.tree.map(lambda *each: jnp.stack(each), *map(tree, (5, 2, 7)))
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_the_size_is_the_sum_of_the_norms() -> None:
    first = {"a": jnp.full((2, 2), 3.0), "b": jnp.full(SMALL + 4, 0.5)}
    second = [jnp.array([3.0, 4.0])]
    expected = pytest.approx(np.sqrt(36 + (SMALL + 4) / 4) + 5, rel=1e-6)  # √(4·9 + 65,540/4) + 5
    assert float(size(first, second)) == expected
    assert float(size(first, second, whole=False)) == expected
    assert float(size({})) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2e19])
@pytest.mark.parametrize("name", ["kernel", "large"])
def test_a_number_that_is_not_finite_is_seen(value: float, name: str) -> None:
    arrays = {each: tree(1)[each] for each in ("kernel", "large")}
    arrays[name] = arrays[name].reshape(-1).at[-1].set(value)
    assert not np.isfinite(size({}, arrays))
