"""The pools: value, gradient and ties as XLA's own have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jax.typing import DTypeLike

from cnnkit.network import kernels
from cnnkit.network.kernels import plain

NONE = ((0, 0), (0, 0))
CASES = [
    ((2, 8, 8, 16), (2, 2), (2, 2), NONE),
    ((2, 9, 7, 3), (2, 2), (2, 2), NONE),
    ((2, 9, 7, 16), (2, 3), (2, 3), NONE),
    ((2, 9, 9, 4), (3, 3), (2, 2), ((0, 1), (1, 2))),
    ((2, 9, 9, 4), (2, 2), (3, 3), NONE),
    ((2, 9, 4), (3,), (3,), ((0, 0),)),
    ((2, 7, 6, 5, 16), (2, 2, 2), (2, 1, 2), ((0, 1), (0, 0), (1, 0))),
    ((1, 8, 8, 2), (6, 6), (1, 1), NONE),  # more cells than are taken apart
]
Pool = Callable[..., Array]


def value_and_gradient(pool: Pool, x: Array, windows: Sequence[object]) -> tuple[Array, Array]:
    def one(x: Array) -> tuple[Array, Array]:
        y, pull = jax.vjp(lambda x: pool(x, *windows), x)
        weights = jnp.arange(y.size, dtype=y.dtype).reshape(y.shape) % 7
        return y, pull(weights)[0]

    pooled: tuple[Array, Array] = jax.jit(jax.vmap(one))(x)
    return pooled


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize(("shape", "size", "stride", "padding"), CASES)
@pytest.mark.parametrize("name", ["max_pool", "mean_pool"])
def test_equals_the_plain_one_also_under_vmap(
    name: str, shape: Sequence[int], size: object, stride: object, padding: object, dtype: DTypeLike
) -> None:
    # Few values, so that most windows hold their maximum more than once.
    x = jnp.asarray(np.random.default_rng(0).integers(-2, 3, (2, *shape)), dtype)
    windows = (size, stride, padding)
    ours = value_and_gradient(getattr(kernels, name), x, windows)
    theirs = value_and_gradient(getattr(plain, name), x, windows)
    for found, expected in zip(ours, theirs, strict=True):
        assert found.dtype == dtype
        tolerance = 2**-6 if dtype == jnp.bfloat16 else 1e-6
        np.testing.assert_allclose(
            np.float32(found), np.float32(expected), tolerance, tolerance * 8
        )


def test_the_first_of_equal_cells_has_the_gradient() -> None:
    x = jnp.zeros((1, 4, 4, 16)).at[0, 1, 0].set(5.0).at[0, 1, 1].set(5.0)
    gradient = jax.grad(lambda x: jnp.sum(kernels.max_pool(x, (2, 2), (2, 2), NONE)))(x)
    assert gradient[0, :, :, 0].tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]


def test_what_is_not_a_number_stays_so() -> None:
    x = jnp.zeros((1, 4, 4, 1)).at[0, 1, 0].set(jnp.nan)
    y = kernels.max_pool(x, (2, 2), (2, 2), NONE)
    assert jnp.isnan(y).tolist() == [[[[True], [False]], [[False], [False]]]]


def test_a_mean_counts_the_cells_that_it_is_told_to() -> None:
    x = jnp.ones((1, 3, 16))
    inside = kernels.mean_pool(x, (3,), (1,), ((1, 1),))
    assert inside[0, :, 0].tolist() == [1, 1, 1]
    counted = kernels.mean_pool(x, (3,), (1,), ((1, 1),), ((1, 0),))
    np.testing.assert_allclose(counted[0, :, 0], [2 / 3, 1, 1])


def test_a_window_outside_of_everything_gives_zero() -> None:
    assert kernels.mean_pool(jnp.ones((1, 2, 16)), (2,), (2,), ((2, 0),))[0, :, 0].tolist() == [
        0,
        1,
    ]
