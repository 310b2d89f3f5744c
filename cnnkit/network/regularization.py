"""Regularizations: noise in training, nothing at inference. No random state is stored."""

from __future__ import annotations

from dataclasses import dataclass

import jax
from flax import nnx
from jax import Array

from cnnkit import layers
from cnnkit.network.operation import BuildSite, Computation, Mode


class Dropout(nnx.Dropout):
    """Flax's dropout, with the key of the step instead of a stored one."""

    def in_mode(self, x: Array, mode: Mode) -> Array:
        """An array [N, …, C] to one of the same shape, with zeros in training."""
        return self(x, deterministic=not mode.train, rngs=mode.key)


def dropout(site: BuildSite[layers.Dropout]) -> Computation:
    """Elements dropped."""
    return Dropout(site.layer.rate)


def spatial_dropout(site: BuildSite[layers.SpatialDropout]) -> Computation:
    """Whole channels of an example dropped."""
    return Dropout(site.layer.rate, broadcast_dims=tuple(range(1, site.rank + 1)))


def drop_path(site: BuildSite[layers.DropPath]) -> Computation:
    """Whole examples dropped."""
    return Dropout(site.layer.rate, broadcast_dims=tuple(range(1, site.rank + 2)))


@dataclass(frozen=True)
class GaussianNoise:
    """Normally distributed noise added in training."""

    deviation: float

    def in_mode(self, x: Array, mode: Mode) -> Array:
        """An array of any shape to one of the same shape."""
        if not mode.train or mode.key is None:
            return x
        return x + self.deviation * jax.random.normal(mode.key, x.shape, x.dtype)


def gaussian_noise(site: BuildSite[layers.GaussianNoise]) -> Computation:
    """Noise added."""
    return GaussianNoise(site.layer.deviation)
