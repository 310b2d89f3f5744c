"""Slices of maps as the examples of a larger batch, and back."""

from __future__ import annotations

from dataclasses import dataclass

from jax import Array

from cnnkit import layers
from cnnkit.layers.each import BatchToAxis as Layer
from cnnkit.network.operation import BuildSite, Computation


@dataclass(frozen=True)
class AxisToBatch:
    """The first axis beside the batch."""

    def __call__(self, x: Array) -> Array:
        """Maps [N, T, …] to slices [N·T, …]."""
        return x.reshape((-1, *x.shape[2:]))


@dataclass(frozen=True)
class BatchToAxis:
    """The slices of each example together again."""

    extent: int

    def __call__(self, x: Array) -> Array:
        """Slices [N·T, …] to maps [N, T, …]."""
        return x.reshape((-1, self.extent, *x.shape[1:]))


def axis_to_batch(site: BuildSite[layers.Layer]) -> Computation:
    """Each slice an example."""
    del site
    return AxisToBatch()


def batch_to_axis(site: BuildSite[Layer]) -> Computation:
    """The slices as one map."""
    return BatchToAxis(site.layer.extent)
