"""Normalizations. Statistics are taken in float32, whatever the rest is computed in.

They are modules of ours, where Flax has most of them, for the names that the language gives
their arrays, and for ``standardize``, which keeps the digits of values far from zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax
from jax.typing import DTypeLike

from cnnkit import layers
from cnnkit.layers.normalization import Affine
from cnnkit.layers.shape import Shape
from cnnkit.network.initialization import filled
from cnnkit.network.kernels.onednn.normalization import Bounds
from cnnkit.network.operation import BuildSite, Computation, Mode
from cnnkit.network.rectified_norm import Tail, gains, normalize
from cnnkit.network.standardization import standardize


class Normalization(nnx.Module):
    """A normalization that ends in a learnt factor and a learnt shift a channel."""

    def __init__(
        self, learnt: int | Shape, epsilon: float, dtype: DTypeLike, *, scale: bool, shift: bool
    ) -> None:
        if scale:
            self.scale = nnx.Param(filled(learnt, 1))
        if shift:
            self.shift = nnx.Param(filled(learnt, 0))
        self.learnt = learnt
        self.has_scale = scale
        self.has_shift = shift
        self.epsilon = epsilon
        self.dtype = dtype

    @property
    def factors(self) -> Array:
        """The learnt factors, or ones."""
        return self.scale[...] if self.has_scale else jnp.ones(self.learnt, jnp.float32)

    @property
    def offsets(self) -> Array:
        """What is learnt to be added, or zeros."""
        return self.shift[...] if self.has_shift else jnp.zeros(self.learnt, jnp.float32)


class BatchNorm(Normalization):
    """Statistics of the batch in training, where it learns; else their running averages."""

    def __init__(self, site: BuildSite[layers.BatchNorm]) -> None:
        layer = site.layer
        super().__init__(
            site.channels, layer.epsilon, site.dtype, scale=layer.scale, shift=layer.shift
        )
        self.mean = nnx.BatchStat(filled(site.channels, 0))
        self.variance = nnx.BatchStat(filled(site.channels, 1))
        self.momentum = layer.momentum
        self.settled = not layer.learnt

    def in_mode(self, x: Array, mode: Mode) -> Array:
        """An array [N, …, C] to one of the same shape; training moves the running averages."""
        if self.settled or not mode.train:
            factor = lax.rsqrt(self.variance[...] + self.epsilon) * self.factors
            return ((x - self.mean[...]) * factor + self.offsets).astype(self.dtype)
        y, *batch = self._standardized(x, mode.parts)
        self._move(batch)
        return y.astype(self.dtype)

    def with_tail(self, x: Array, residual: Array | None, bounds: Bounds) -> Array:
        """In training, what is added behind it and the clipping of a rectifier in the same pass.

        Args:
            x: An array [N, …, C].
            residual: What is added, like ``x``; None for nothing.
            bounds: Between which the sum is brought.
        """
        tail = Tail(self.epsilon, bounds, residual is not None)
        y, *batch = normalize(x, self.factors, self.offsets, residual, tail)
        self._move(batch)
        return y

    def _standardized(self, x: Array, parts: int) -> tuple[Array, Array, Array]:
        """As ``in_mode``, and the mean and variance: those of the parts of a batch on average."""
        over = tuple(range(x.ndim - 1))
        if parts > 1:
            cut = x.reshape(parts, -1, *x.shape[1:])
            y, *batch = standardize(
                cut, self.factors, self.offsets, tuple(range(1, x.ndim)), self.epsilon
            )
            mean, variance = (each.reshape(parts, -1).mean(0) for each in batch)
            return y.reshape(x.shape), mean, variance
        if gains(x):
            return normalize(x, self.factors, self.offsets, None, Tail(self.epsilon))
        return standardize(x, self.factors, self.offsets, over, self.epsilon)

    def _move(self, batch: Sequence[Array]) -> None:
        for running, moment in zip((self.mean, self.variance), batch, strict=True):
            moved = self.momentum * running[...] + (1 - self.momentum) * moment.reshape(-1)
            # Not by an index: under a trace Flax then searches the whole program so far.
            running.set_value(lax.stop_gradient(moved))


def batch_norm(site: BuildSite[layers.BatchNorm]) -> Computation:
    """Standardized over the batch."""
    return BatchNorm(site)


class Standardized(Normalization):
    """Each example's groups of channels, over its positions or at each of them."""

    def __init__(self, site: BuildSite[Affine], groups: int, *, positions: bool) -> None:
        layer = site.layer
        super().__init__(
            site.channels, layer.epsilon, site.dtype, scale=layer.scale, shift=layer.shift
        )
        self.groups = groups
        self.positions = positions

    def __call__(self, x: Array) -> Array:
        """An array [N, …, C] to one of the same shape."""
        shape = (self.groups, x.shape[-1] // self.groups)
        scale, shift = self.factors.reshape(shape), self.offsets.reshape(shape)
        over = (*range(1, x.ndim - 1), x.ndim) if self.positions else (x.ndim,)
        groups = x.reshape((*x.shape[:-1], *shape))
        return standardize(groups, scale, shift, over, self.epsilon)[0].reshape(x.shape)


class WholeNorm(Normalization):
    """Each example over all its elements, with a factor and a shift of each element."""

    def __init__(self, site: BuildSite[layers.LayerNorm]) -> None:
        layer = site.layer
        super().__init__(
            site.shape, layer.epsilon, site.dtype, scale=layer.scale, shift=layer.shift
        )

    def __call__(self, x: Array) -> Array:
        """An array [N, …, C] to one of the same shape."""
        over = tuple(range(1, x.ndim))
        return standardize(x, self.factors, self.offsets, over, self.epsilon)[0]


def layer_norm(site: BuildSite[layers.LayerNorm]) -> Computation:
    """Each position over its channels, or all elements."""
    if site.layer.over == "all":
        return WholeNorm(site)
    return Standardized(site, 1, positions=False)


def group_norm(site: BuildSite[layers.GroupNorm]) -> Computation:
    """Groups of channels over all positions."""
    return Standardized(site, site.layer.groups, positions=True)


def instance_norm(site: BuildSite[layers.InstanceNorm]) -> Computation:
    """Each channel over its positions."""
    return Standardized(site, site.channels, positions=True)


class RmsNorm(nnx.Module):
    """The root of the mean square of the channels made 1."""

    def __init__(self, site: BuildSite[layers.RmsNorm]) -> None:
        self.has_scale = site.layer.scale
        if self.has_scale:
            self.scale = nnx.Param(filled(site.channels, 1))
        self.epsilon = site.layer.epsilon
        self.dtype = site.dtype

    def __call__(self, x: Array) -> Array:
        """An array [N, …, C] to one of the same shape."""
        y: Array = jax.checkpoint(self._scaled)(x)
        return y

    def _scaled(self, x: Array) -> Array:
        wide = x.astype(jnp.float32)
        squares = jnp.mean(wide * wide, -1, keepdims=True)
        y = wide * lax.rsqrt(squares + self.epsilon)
        return (y * self.scale[...] if self.has_scale else y).astype(self.dtype)


def rms_norm(site: BuildSite[layers.RmsNorm]) -> Computation:
    """The root mean square of the channels made 1."""
    return RmsNorm(site)


@dataclass(frozen=True)
class LocalResponseNorm:
    """x/(k + alpha/size·Σx²)^beta over neighbouring channels."""

    size: int
    alpha: float
    beta: float
    k: float

    def __call__(self, x: Array) -> Array:
        """An array [N, …, C] to one of the same shape."""
        y: Array = jax.checkpoint(self._divided)(x)
        return y

    def _divided(self, x: Array) -> Array:
        wide = x.astype(jnp.float32)
        ones = (1,) * (x.ndim - 1)
        neighbours = [(0, 0)] * (x.ndim - 1) + [(self.size // 2, (self.size - 1) // 2)]
        squares: Array = lax.reduce_window(
            wide * wide, 0.0, lax.add, (*ones, self.size), (*ones, 1), neighbours
        )
        return (wide * (self.k + self.alpha / self.size * squares) ** -self.beta).astype(x.dtype)


def local_response_norm(site: BuildSite[layers.LocalResponseNorm]) -> Computation:
    """Each channel by the sum of its neighbours' squares."""
    layer = site.layer
    return LocalResponseNorm(layer.size, layer.alpha, layer.beta, layer.k)


class GlobalResponseNorm(nnx.Module):
    """Each channel by its norm beside the mean norm of all, added to what comes in."""

    def __init__(self, site: BuildSite[layers.GlobalResponseNorm]) -> None:
        self.scale = nnx.Param(filled(site.channels, 0))
        self.shift = nnx.Param(filled(site.channels, 0))
        self.epsilon = site.layer.epsilon
        self.dtype = site.dtype

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to maps of the same shape."""
        y: Array = jax.checkpoint(self._responding)(x)
        return y

    def _responding(self, x: Array) -> Array:
        wide = x.astype(jnp.float32)
        squares = jnp.sum(wide * wide, tuple(range(1, x.ndim - 1)), keepdims=True)
        # The root's slope at 0 is infinite; the norm of what is 0 everywhere is left as it is.
        norms = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)
        beside = norms / (jnp.mean(norms, -1, keepdims=True) + self.epsilon)
        return (self.scale[...] * (wide * beside) + self.shift[...] + wide).astype(self.dtype)


def global_response_norm(site: BuildSite[layers.GlobalResponseNorm]) -> Computation:
    """Each channel by its norm beside the others'."""
    return GlobalResponseNorm(site)


@dataclass(frozen=True)
class Rescale:
    """(x − mean)/deviation with constants, in float32."""

    mean: float | tuple[float, ...]
    deviation: float | tuple[float, ...]

    def __call__(self, x: Array) -> Array:
        """An array [N, …, C] to one of the same shape."""
        wide = x.astype(jnp.float32)
        return ((wide - jnp.array(self.mean)) / jnp.array(self.deviation)).astype(x.dtype)


def rescale(site: BuildSite[layers.Rescale]) -> Computation:
    """Given constants, such as a data set's."""
    return Rescale(site.layer.mean, site.layer.deviation)
