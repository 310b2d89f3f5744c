"""Values put where a maximum was, and channels that say where each cell lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array

from cnnkit import layers
from cnnkit.layers.shape import Shape
from cnnkit.network.operation import BuildSite, Computation


@dataclass(frozen=True)
class MaxUnpool:
    """Each value to the cell of its window where another map has the maximum."""

    sizes: Shape

    def __call__(self, x: Array, pooled: Array) -> Array:
        """Maps [N, *few, C] and the maps [N, *many, C] that were pooled, to maps of these."""
        few, rank = x.shape[1:-1], len(self.sizes)
        covered = [n * size for n, size in zip(few, self.sizes, strict=True)]
        apart = [n for pair in zip(few, self.sizes, strict=True) for n in pair]
        order = [0, *range(1, 2 * rank, 2), 2 * rank + 1, *range(2, 2 * rank + 1, 2)]
        cells = pooled[(slice(None), *map(slice, covered))]
        cells = cells.reshape((-1, *apart, x.shape[-1])).transpose(order)
        best = jnp.argmax(cells.reshape((*x.shape, math.prod(self.sizes))), -1)
        there = best[..., None] == jnp.arange(math.prod(self.sizes))
        put = jnp.where(there, x[..., None], 0).reshape((*x.shape, *self.sizes))
        y = put.transpose(np.argsort(order)).reshape((-1, *covered, x.shape[-1]))
        rest = [(0, n - m) for n, m in zip(pooled.shape[1:-1], covered, strict=True)]
        return jnp.pad(y, [(0, 0), *rest, (0, 0)])


def max_unpool(site: BuildSite[layers.MaxUnpool]) -> Computation:
    """Unpooling by the places of maxima."""
    return MaxUnpool(site.layer.sizes(site.rank))


@dataclass(frozen=True)
class Coordinates:
    """A channel for each axis, from −1 to 1."""

    extents: Shape

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to maps of as many channels more as there are axes."""
        axes = [np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in self.extents]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
        places = jnp.broadcast_to(jnp.asarray(grid, x.dtype), (x.shape[0], *grid.shape))
        return jnp.concatenate([x, places], -1)


def coordinates(site: BuildSite[layers.Coordinates]) -> Computation:
    """Where each cell lies."""
    return Coordinates(site.shape[:-1])
