"""Pools that are no plain mean or maximum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import jax
import jax.numpy as jnp
from jax import Array, lax

from cnnkit import layers
from cnnkit.layers.filtering import binomial
from cnnkit.layers.window import Window
from cnnkit.network.convolution import fillings, overhangs, padded, paddings
from cnnkit.network.operation import BuildSite, Computation


@dataclass(frozen=True)
class LpPool:
    """The p-norm of each window, in float32."""

    windows: tuple[Window, ...]
    p: int

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to maps [N, *positions, C]."""
        y: Array = jax.checkpoint(self._norms)(x)
        return y

    def _norms(self, x: Array) -> Array:
        size = (1, *(window.size for window in self.windows), 1)
        stride = (1, *(window.stride for window in self.windows), 1)
        cells = ((0, 0), *paddings(self.windows), (0, 0))
        powers = jnp.abs(x.astype(jnp.float32)) ** self.p
        sums: Array = lax.reduce_window(powers, 0.0, lax.add, size, stride, cells)
        # The root's slope at 0 is infinite; the norm of what is 0 everywhere is left as it is.
        roots = jnp.where(sums > 0, jnp.where(sums > 0, sums, 1) ** (1 / self.p), 0)
        return roots.astype(x.dtype)


def lp_pool(site: BuildSite[layers.LpPool]) -> Computation:
    """A norm of sliding windows."""
    return LpPool(_windows(site.node.effect.windows), site.layer.p)


@dataclass(frozen=True)
class BlurPool:
    """Binomial weights along each axis, at strides."""

    windows: tuple[Window, ...]
    mode: str

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to maps [N, *positions, C]."""
        x = padded(padded(x, fillings(self.windows), self.mode), overhangs(self.windows), "zeros")
        for axis, window in enumerate(self.windows, start=1):
            last = window.stride * (window.output - 1) + 1
            cells = [
                lax.slice_in_dim(x, at, at + last, window.stride, axis) for at in range(window.size)
            ]
            weights = binomial(window.size)
            x = reduce(jnp.add, [w * cell for w, cell in zip(weights, cells, strict=True)])
        return x


def blur_pool(site: BuildSite[layers.BlurPool]) -> Computation:
    """A blur at strides."""
    return BlurPool(_windows(site.node.effect.windows), site.layer.padding_mode)


def _windows(windows: tuple[object, ...]) -> tuple[Window, ...]:
    return tuple(window for window in windows if isinstance(window, Window))
