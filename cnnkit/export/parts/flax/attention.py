"""Attention, and what a sequence gets before it."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx


def attend(q, k, v, bias, dropout: float, rngs) -> jax.Array:
    """Each query's mean of the values by their keys; all are [..., heads, cells, channels]."""
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    weights = jax.nn.softmax(scores if bias is None else scores + bias, axis=-1)
    if rngs is not None and dropout:
        kept = jax.random.bernoulli(rngs(), 1 - dropout, weights.shape)
        weights = jnp.where(kept, weights / (1 - dropout), 0)
    return weights @ v


class DotProductAttention(nnx.Module):
    """Each query's mean of the values, weighed by how well their keys match it, head by head."""

    def __init__(self, heads: int, dropout: float = 0.0, *, rngs: nnx.Rngs) -> None:
        self.heads = heads
        self.dropout = dropout
        self.deterministic = False
        self.rngs = rngs["dropout"].fork() if dropout else None

    def __call__(self, query: jax.Array, key: jax.Array, value: jax.Array) -> jax.Array:
        q, k, v = (
            x.reshape(x.shape[0], -1, self.heads, x.shape[-1] // self.heads).swapaxes(1, 2)
            for x in (query, key, value)
        )
        rngs = None if self.deterministic else self.rngs
        y = attend(q, k, v, None, self.dropout, rngs)
        return y.swapaxes(1, 2).reshape(query.shape)


class WindowAttention(nnx.Module):
    """The same among the cells of each window, with a learnt number for the distance of two."""

    def __init__(
        self,
        heads: int,
        extents: tuple[int, ...],
        window: tuple[int, ...],
        shift: tuple[int, ...],
        relative_bias: bool = False,
        dropout: float = 0.0,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        self.heads = heads
        self.extents = extents
        self.window = window
        self.shift = shift
        self.has_bias = relative_bias
        if relative_bias:
            shape = (*(2 * size - 1 for size in window), heads)
            self.relative_bias = nnx.Param(0.02 * jax.random.normal(rngs.params(), shape))
        self.dropout = dropout
        self.deterministic = False
        self.rngs = rngs["dropout"].fork() if dropout else None

    def parted(self, x: jax.Array, heads: int) -> jax.Array:
        """[N, *spatial, C] as [N, windows, heads, cells of a window, channels of a head]."""
        rank = len(self.window)
        counts = [extent // size for extent, size in zip(self.extents, self.window, strict=True)]
        pairs = [each for pair in zip(counts, self.window, strict=True) for each in pair]
        x = x.reshape(x.shape[0], *pairs, heads, x.shape[-1] // heads)
        windows, cells = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
        x = x.transpose(0, *windows, 2 * rank + 1, *cells, 2 * rank + 2)
        return x.reshape(x.shape[0], math.prod(counts), heads, -1, x.shape[-1])

    def bias(self) -> jax.Array:
        """What is added to the scores, [windows, heads, cells, cells]."""
        cells = np.indices(self.window).reshape(len(self.window), -1)
        apart = cells[:, :, None] - cells[:, None, :]
        distances = tuple(each + size - 1 for each, size in zip(apart, self.window, strict=True))
        part = jnp.zeros((1, *self.extents, 1))
        for axis, (extent, moved) in enumerate(zip(self.extents, self.shift, strict=True), 1):
            edge = jnp.arange(extent) >= extent - moved
            part = 2 * part + edge.reshape([-1 if axis == at else 1 for at in range(part.ndim)])
        part = self.parted(part, 1)[0, :, 0, :, 0]
        bias = jnp.where(part[:, :, None] == part[:, None, :], 0, -jnp.inf)[:, None]
        if self.has_bias:
            bias = bias + jnp.moveaxis(self.relative_bias[...][distances], -1, 0)
        return bias

    def __call__(self, query: jax.Array, key: jax.Array, value: jax.Array) -> jax.Array:
        rank = len(self.window)
        axes = tuple(range(1, rank + 1))
        back = tuple(-cells for cells in self.shift)
        q, k, v = (self.parted(jnp.roll(x, back, axes), self.heads) for x in (query, key, value))
        rngs = None if self.deterministic else self.rngs
        y = attend(q, k, v, self.bias(), self.dropout, rngs)
        counts = [extent // size for extent, size in zip(self.extents, self.window, strict=True)]
        y = y.reshape(y.shape[0], *counts, self.heads, *self.window, -1)
        pairs = [axis for at in range(1, rank + 1) for axis in (at, rank + 1 + at)]
        y = y.transpose(0, *pairs, rank + 1, 2 * rank + 2).reshape(query.shape)
        return jnp.roll(y, self.shift, axes)


class PositionEmbedding(nnx.Module):
    """A learnt vector for each position, added."""

    def __init__(self, shape: tuple[int, ...], stddev: float = 0.02, *, rngs: nnx.Rngs) -> None:
        self.embedding = nnx.Param(stddev * jax.random.normal(rngs.params(), shape))

    def __call__(self, x: jax.Array) -> jax.Array:
        return x + self.embedding[...]


class ClassToken(nnx.Module):
    """A learnt vector before a sequence [N, L, C]."""

    def __init__(self, features: int) -> None:
        self.token = nnx.Param(jnp.zeros((features,)))

    def __call__(self, x: jax.Array) -> jax.Array:
        token = jnp.broadcast_to(self.token[...], (x.shape[0], 1, x.shape[2]))
        return jnp.concatenate([token, x], axis=1)
