"""Standardizing sets of elements, with a gradient that keeps the input alone.

With u = (x − mean)·r, r = 1/√(variance + epsilon), y = scale·u + shift and the gradient g of
scale·u, that of x is r·(g − mean(g) − u·mean(g·u)), the means over the set (Ioffe and Szegedy,
2015, section 3). JAX's own derivation keeps several tensors as large as x.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from cnnkit.network.kernels.choice import is_plain

Axes = tuple[int, ...]


class Moments(NamedTuple):
    """Of sets of elements, in float32; the axes of a set are kept, with extent 1.

    Attributes:
        mean: The mean.
        rest: What its rounding to float32 took from it, which is much beside small deviations.
        variance: The biased variance.
    """

    mean: Array
    rest: Array
    variance: Array


def moments(x: Array, over: Axes) -> Moments:
    """Mean and variance in two passes, each around a value near the mean.

    A sum of values far from zero loses digits, and so does mean(x²) − mean(x)²: 10,000 deviations
    away no digit of the variance is left.
    """
    wide = x.astype(jnp.float32)
    place = (slice(1) if axis in over else slice(None) for axis in range(x.ndim))
    # The sum of one element; of none it is 0.
    first = lax.stop_gradient(wide[tuple(place)].sum(over, keepdims=True))
    # A bit less than float32 has: XLA may compute the mean anew in several places, and round it
    # otherwise where it joins this product with the sum; `rest` would be that of another mean.
    offset = lax.reduce_precision(jnp.mean(wide - first, over, keepdims=True), 8, 22)
    mean = first + offset
    rest = (first - mean) + offset
    squares = jnp.mean(jnp.square(wide - mean), over, keepdims=True)
    return Moments(mean, rest, jnp.maximum(squares - jnp.square(rest), 0))


Standardized = tuple[Array, Array, Array]
Kept = tuple[Array, Array, Array, Array, Array]


def standardize(x: Array, scale: Array, shift: Array, over: Axes, epsilon: float) -> Standardized:
    """scale·(x − mean)/√(variance + epsilon) + shift, computed in float32.

    Args:
        x: The elements, [N, …, C] or [N, …, groups, channels of a group].
        scale: Factors for the last axes, [C] or [groups, channels of a group].
        shift: What is added, of the same shape.
        over: The axes of a set.
        epsilon: Added to the variance.

    Returns:
        An array of the shape and type of ``x``, and the mean and the variance of each set, which
        are not to be differentiated.
    """
    if is_plain():  # JAX's derivation has a forward mode too
        standardized: Standardized = jax.checkpoint(_standardized, static_argnums=(3, 4))(
            x, scale, shift, over, epsilon
        )
        return standardized
    return _with_own_gradient(x, scale, shift, over, epsilon)


def _standardized(x: Array, scale: Array, shift: Array, over: Axes, epsilon: float) -> Standardized:
    return with_kept(x, scale, shift, over, epsilon)[0]


_with_own_gradient = jax.custom_vjp(_standardized, nondiff_argnums=(3, 4))


def with_kept(
    x: Array, scale: Array, shift: Array, over: Axes, epsilon: float
) -> tuple[Standardized, Kept]:
    """What ``standardize`` gives, and what ``gradients`` is computed from."""
    mean, rest, variance = moments(x, over)
    factor = lax.rsqrt(variance + epsilon)
    scaled = factor * scale
    y = _around(x, mean) * scaled + (shift - rest * scaled)
    return (y.astype(x.dtype), mean, variance), (x, scale, mean, rest, factor)


def _around(x: Array, mean: Array) -> Array:
    """The difference x − mean, written as a sum.

    For CPUs XLA computes a difference within the sum over it, but not if others read it too.
    """
    return x + (-mean)


def gradients(
    over: Axes, epsilon: float, kept: Kept, cts: Standardized
) -> tuple[Array, Array, Array]:
    """Those of x, scale and shift, from that of the standardized array."""
    del epsilon
    # The barrier keeps XLA from taking what the forward pass computed, and so from keeping it.
    x, scale, mean, rest, factor = lax.optimization_barrier(kept)
    ct = cts[0].astype(mean.dtype)
    others = tuple(range(x.ndim - scale.ndim))  # all but the axes of the scale

    def sums(g: Array) -> tuple[Array, Array]:
        """Of g and of g·u over each set."""
        total = g.sum(over, keepdims=True)
        product = (g * (x - mean)).sum(over, keepdims=True)
        return total, (product - rest * total) * factor

    if all(axis in others or x.shape[axis] == 1 for axis in over):  # one scale for all of a set
        dshift, dscale = sums(ct)
        total, product = scale * dshift, scale * dscale
    else:
        dshift, dscale = ct, ct * (_around(x, mean) - rest) * factor
        total, product = sums(ct * scale)
    size = x.size // max(mean.size, 1)
    slope = -factor * factor * product / size
    dx = factor * (ct * scale) + (_around(x, mean) * slope - rest * slope - factor * total / size)
    return dx.astype(x.dtype), dscale.sum(others), dshift.sum(others)


_with_own_gradient.defvjp(with_kept, gradients)
