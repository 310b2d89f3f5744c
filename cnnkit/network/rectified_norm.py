"""A batch norm in training with what lies behind it, an addition and a rectifier, in one pass.

On CPUs the extension computes it; elsewhere, and for second derivatives, XLA does.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from cnnkit.network.kernels.choice import by_platform, may_be_foreign
from cnnkit.network.kernels.onednn import normalization as foreign
from cnnkit.network.kernels.onednn.normalization import Bounds, Kept
from cnnkit.network.standardization import gradients, with_kept

UNBOUNDED: Bounds = (-math.inf, math.inf)


class Tail(NamedTuple):
    """The static arguments.

    Attributes:
        epsilon: Added to the variance.
        bounds: Between which a rectifier brings the result.
        added: Whether there is a residual.
    """

    epsilon: float
    bounds: Bounds = UNBOUNDED
    added: bool = False


Forward = tuple[Array, Array, Array, Array]
Gradients = tuple[Array, Array, Array, Array | None]


def gains(x: Array) -> bool:
    """Whether ``normalize`` is faster here than one operation after the other."""
    return may_be_foreign() and foreign.gains(x)


def normalize(
    x: Array, scale: Array, shift: Array, residual: Array | None, tail: Tail
) -> tuple[Array, Array, Array]:
    """clip(scale·(x − mean)/√(variance + epsilon) + shift + residual), computed in float32.

    Args:
        x: Maps [N, …, C].
        scale: Factors [C], float32.
        shift: What is added to each channel [C], float32.
        residual: What is added to each element, as ``x``; None for nothing.
        tail: What else is known.

    Returns:
        An array like ``x``, and the mean and the variance of each channel [C], which are not to be
        differentiated.
    """
    y, mean, _, variance = _normalize(tail, x, scale, shift, residual)
    return y, mean, variance


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _normalize(tail: Tail, x: Array, scale: Array, shift: Array, residual: Array | None) -> Forward:
    def on_cpu(x: Array, scale: Array, shift: Array, residual: Array | None) -> Forward:
        return foreign.forward(x, scale, shift, residual, tail.epsilon, tail.bounds)

    plain = partial(plain_forward, tail)
    if not gains(x):
        return plain(x, scale, shift, residual)
    given: Forward = by_platform(x, scale, shift, residual, cpu=on_cpu, default=plain)
    return given


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _gradients(tail: Tail, kept: Kept, dy: Array) -> Gradients:
    def on_cpu(kept: Kept, dy: Array) -> Gradients:
        return foreign.backward(kept, dy, tail.epsilon, tail.bounds, residual=tail.added)

    plain = partial(plain_gradients, tail)
    if not gains(kept.x):
        return plain(kept, dy)
    given: Gradients = by_platform(kept, dy, cpu=on_cpu, default=plain)
    return given


def plain_forward(
    tail: Tail, x: Array, scale: Array, shift: Array, residual: Array | None
) -> Forward:
    """As ``foreign.forward``, of XLA's own operations."""
    wide, over = x.astype(jnp.float32), tuple(range(x.ndim - 1))
    (y, mean, variance), (_, _, _, rest, _) = with_kept(wide, scale, shift, over, tail.epsilon)
    if residual is not None:
        y += residual
    if tail.bounds != UNBOUNDED:
        y = jnp.clip(y, *tail.bounds)
    return y.astype(x.dtype), mean.reshape(-1), rest.reshape(-1), variance.reshape(-1)


def plain_gradients(tail: Tail, kept: Kept, dy: Array) -> Gradients:
    """As ``foreign.backward``, of XLA's own operations."""
    x, y, scale, *statistics = kept
    if y is not None:
        low, high = tail.bounds
        dy = jnp.where((y > low) & (y < high), dy, jnp.zeros((), dy.dtype))
    mean, rest, variance = (each.reshape((1,) * (x.ndim - 1) + (-1,)) for each in statistics)
    factor = lax.rsqrt(variance + tail.epsilon)
    over = tuple(range(x.ndim - 1))
    dx, dscale, dshift = gradients(
        over, tail.epsilon, (x, scale, mean, rest, factor), (dy, mean, variance)
    )
    return dx, dscale, dshift, dy if tail.added else None


def _forward(
    tail: Tail, x: Array, scale: Array, shift: Array, residual: Array | None
) -> tuple[Forward, Kept]:
    given = _normalize(tail, x, scale, shift, residual)
    y, mean, rest, variance = given
    return given, Kept(x, None if tail.bounds == UNBOUNDED else y, scale, mean, rest, variance)


def _backward(tail: Tail, kept: Kept, cts: Forward) -> Gradients:
    return _gradients(tail, kept, cts[0])


def _second_backward(tail: Tail, given: tuple[Kept, Array], cts: Gradients) -> tuple[Kept, Array]:
    kept, dy = given

    def anew(x: Array, scale: Array, dy: Array) -> Gradients:
        _, *statistics = plain_forward(Tail(tail.epsilon), x, scale, scale, None)
        return plain_gradients(tail, Kept(x, kept.y, scale, *statistics), dy)

    _, pull = jax.vjp(anew, kept.x, kept.scale, dy)
    dx, dscale, ddy = pull(cts)
    # The statistics are of x, whose derivative holds theirs.
    nothing = jax.tree.map(jnp.zeros_like, kept)
    return nothing._replace(x=dx, scale=dscale), ddy


_normalize.defvjp(_forward, _backward)
_gradients.defvjp(lambda tail, kept, dy: (_gradients(tail, kept, dy), (kept, dy)), _second_backward)
