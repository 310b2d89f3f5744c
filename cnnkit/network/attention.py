"""Attention: products of queries, keys and values, and what is added to positions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from cnnkit import layers
from cnnkit.layers.attention import DotProductAttention as Layer
from cnnkit.layers.resample import PartitionWindow
from cnnkit.network.initialization import filled, normal
from cnnkit.network.operation import BuildSite, Computation, Mode

BIAS_DEVIATION = 0.02
"""How relative biases start (Liu et al., 2021)."""


class DotProductAttention(nnx.Module):
    """softmax(Q·Kᵀ/√d + bias)·V of each head, in windows."""

    def __init__(self, site: BuildSite[Layer]) -> None:
        layer = site.layer
        windows = layer.partition(site.shape[:-1])
        assert isinstance(windows, tuple)  # noqa: S101 - a graph without errors has its windows
        self.heads = layer.heads
        self.windows = windows
        self.whole = layer.window is None
        self.dropout = layer.dropout
        self.has_bias = layer.relative_bias
        if layer.relative_bias:
            shape = site.node.effect.weights[0].shape
            started = normal(BIAS_DEVIATION)(site.rngs.params(), shape)
            self.relative_bias = nnx.Param(started)

    def in_mode(self, query: Array, key: Array, value: Array, mode: Mode) -> Array:
        """Maps of queries [N, *spatial, U], of keys and values, to maps [N, *spatial, U]."""
        drop = mode.key if mode.train and self.dropout else None
        y: Array = jax.checkpoint(self._attended)(query, key, value, drop)
        return y

    def _attended(self, query: Array, key: Array, value: Array, drop: Array | None) -> Array:
        shape = query.shape
        q, k, v = (self._parted(each) for each in (query, key, value))
        scores = jnp.einsum("ngqhd,ngkhd->nghqk", q / math.sqrt(q.shape[-1]), k)
        scores = scores.astype(jnp.float32)
        if self.has_bias:
            scores = scores + self._bias()
        if any(window.shift for window in self.windows):
            scores = jnp.where(_together(self.windows)[:, None], scores, -jnp.inf)
        weights = jax.nn.softmax(scores, axis=-1)
        if drop is not None:
            kept = jax.random.bernoulli(drop, 1 - self.dropout, weights.shape)
            weights = jnp.where(kept, weights / (1 - self.dropout), 0)
        y = jnp.einsum("nghqk,ngkhd->ngqhd", weights.astype(value.dtype), v)
        return self._joined(y, shape)

    def _parted(self, x: Array) -> Array:
        """A map [N, *spatial, U] as windows and heads, [N, windows, cells, heads, d]."""
        batch, *_, units = x.shape
        split = (self.heads, units // self.heads)
        if self.whole:
            return x.reshape((batch, 1, -1, *split))
        pairs = _pairs(self.windows)
        x = _rolled(x, self.windows, -1).reshape((batch, *(n for pair in pairs for n in pair), -1))
        x = x.transpose(_windows_first(len(pairs)))
        return x.reshape((batch, -1, math.prod(window.size for window in self.windows), *split))

    def _joined(self, y: Array, shape: Sequence[int]) -> Array:
        """The inverse of ``_parted``."""
        if self.whole:
            return y.reshape(shape)
        counts, sizes = zip(*_pairs(self.windows), strict=True)
        y = y.reshape((shape[0], *counts, *sizes, shape[-1]))
        y = y.transpose(np.argsort(_windows_first(len(counts)))).reshape(shape)
        return _rolled(y, self.windows, 1)

    def _bias(self) -> Array:
        """[heads, cells, cells]: the learnt number of the distance of two cells of a window."""
        return jnp.moveaxis(self.relative_bias[...][distances(self.windows)], -1, 0)


def _pairs(windows: Sequence[PartitionWindow]) -> list[tuple[int, int]]:
    """How many windows an axis has, and their size."""
    return [(window.extent // window.size, window.size) for window in windows]


def _windows_first(rank: int) -> tuple[int, ...]:
    """The order of [N, windows, cells, windows, cells, …, U] with all windows, then all cells."""
    return (0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1)


def _rolled(x: Array, windows: Sequence[PartitionWindow], sign: int) -> Array:
    if not any(window.shift for window in windows):
        return x
    axes = tuple(range(1, len(windows) + 1))
    return jnp.roll(x, tuple(sign * window.shift for window in windows), axes)


def distances(windows: Sequence[PartitionWindow]) -> tuple[np.ndarray, ...]:
    """For each axis the distance of two cells of a window, from 0 on, [cells, cells]."""
    sizes = [window.size for window in windows]
    cells = np.indices(sizes).reshape(len(sizes), -1)
    apart = cells[:, :, None] - cells[:, None, :]
    return tuple(each + size - 1 for each, size in zip(apart, sizes, strict=True))


def _together(windows: Sequence[PartitionWindow]) -> np.ndarray:
    """Whether two cells of a window are of one part of the map, [windows, cells, cells]."""
    parts = np.zeros([window.extent for window in windows], int)
    for axis, window in enumerate(windows):
        place = np.arange(window.extent).reshape(
            [-1 if axis == at else 1 for at in range(parts.ndim)]
        )
        parts = 2 * parts + (place >= window.extent - window.shift)
    pairs = _pairs(windows)
    order = np.array(_windows_first(len(pairs))[1:-1]) - 1
    parts = parts.reshape([n for pair in pairs for n in pair]).transpose(order)
    parts = parts.reshape(-1, math.prod(size for _, size in pairs))
    return np.asarray(parts[:, :, None] == parts[:, None, :])


def dot_product_attention(site: BuildSite[Layer]) -> Computation:
    """Queries, keys and values to what the positions attend to."""
    return DotProductAttention(site)


class PositionEmbedding(nnx.Module):
    """A learnt vector of each position, added."""

    def __init__(self, site: BuildSite[layers.PositionEmbedding]) -> None:
        started = normal(site.layer.deviation)(site.rngs.params(), site.shape)
        self.embedding = nnx.Param(started)

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to maps of the same shape."""
        return x + self.embedding[...].astype(x.dtype)


def position_embedding(site: BuildSite[layers.PositionEmbedding]) -> Computation:
    """Where each position is."""
    return PositionEmbedding(site)


class ClassToken(nnx.Module):
    """A learnt vector, before all others."""

    def __init__(self, site: BuildSite[layers.ClassToken]) -> None:
        self.token = nnx.Param(filled(site.channels, 0))

    def __call__(self, x: Array) -> Array:
        """Sequences [N, L, C] to sequences [N, L + 1, C]."""
        token = jnp.broadcast_to(self.token[...].astype(x.dtype), (x.shape[0], 1, x.shape[-1]))
        return jnp.concatenate([token, x], axis=1)


def class_token(site: BuildSite[layers.ClassToken]) -> Computation:
    """One more position."""
    return ClassToken(site)


class Embedding(nnx.Module):
    """The learnt vector of the entry that each value numbers."""

    def __init__(self, site: BuildSite[layers.Embedding]) -> None:
        (weight,) = site.node.effect.weights
        self.embedding = nnx.Param(normal(1.0)(site.rngs.params(), weight.shape))
        self.rank = site.rank
        self.dtype = site.dtype

    def __call__(self, x: Array) -> Array:
        """Vectors [N, L] to sequences [N, L, U], or maps [N, *spatial, 1] to maps of U channels."""
        table = self.embedding[...].astype(self.dtype)
        entries = jnp.clip(jnp.round(x), 0, table.shape[0] - 1).astype(jnp.int32)
        return jnp.take(table, entries[..., 0] if self.rank else entries, axis=0)


def embedding(site: BuildSite[layers.Embedding]) -> Computation:
    """A vector for each number."""
    return Embedding(site)
