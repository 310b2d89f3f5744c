"""The fully connected layer."""

from __future__ import annotations

from flax import nnx

from cnnkit import layers
from cnnkit.network.initialization import bias_initializer, kernel_initializer
from cnnkit.network.operation import Operation, Site


def dense(site: Site[layers.Dense]) -> Operation:
    """Each unit connected to each element of a vector."""
    layer = site.layer
    return nnx.Linear(
        site.channels,
        layer.units * layer.pieces,
        use_bias=layer.has_bias,
        dtype=site.dtype,
        kernel_init=kernel_initializer(layer, site.follower),
        bias_init=bias_initializer(layer),
        rngs=site.rngs,
    )
