"""The fully connected layer."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax.numpy as jnp
from flax import nnx
from jax import Array
from typing_extensions import override

from cnnkit import layers
from cnnkit.network.initialization import bias_initializer, kernel_initializer
from cnnkit.network.operation import BuildSite, Computation, Mode
from cnnkit.network.weight_norm import normalized


class NormalizedLinear(nnx.Linear):
    """Flax's, with a kernel that is normalized before it is used."""

    def __init__(self, channels: int, units: int, *, layer: layers.Dense, **kwargs: Any) -> None:
        super().__init__(channels, units, **kwargs)
        self.norm = normalized(self, layer, kwargs["rngs"])

    def in_mode(self, x: Array, mode: Mode) -> Array:
        """As a call; training improves what the norm is of."""
        self.norm.move(self, train=mode.train)
        return self(x)

    @override
    def __call__(self, inputs: Array, out_sharding: Any = None) -> Array:
        kernel = self.norm.kernel(self).astype(self.dtype)
        y = jnp.dot(inputs.astype(self.dtype), kernel)
        return y if self.bias is None else y + self.bias[...].astype(self.dtype)


def dense(site: BuildSite[layers.Dense]) -> Computation:
    """Each unit connected to each element of a vector."""
    layer = site.layer
    make = nnx.Linear if layer.weight_norm == "none" else partial(NormalizedLinear, layer=layer)
    return make(
        site.channels,
        layer.units * layer.pieces,
        use_bias=layer.has_bias,
        dtype=site.dtype,
        kernel_init=kernel_initializer(layer, site.follower),
        bias_init=bias_initializer(layer),
        rngs=site.rngs,
    )
