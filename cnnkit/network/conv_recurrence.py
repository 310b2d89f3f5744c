"""A recurrence over maps: a scan along the first axis, with a convolution of the state a step."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax
from typing_extensions import override

from cnnkit.layers.conv_recurrence import ConvLstm as Layer
from cnnkit.network.operation import BuildSite, Computation
from cnnkit.network.recurrence import BothWays, gated


class ConvLstm(BothWays):
    """Maps [N, T, *spatial, C] to the last state [N, *spatial, F], or to all of them."""

    def __init__(self, site: BuildSite[Layer]) -> None:
        layer = site.layer
        self.filters = layer.filters
        self.sizes = layer.sizes(site.rank - 1)
        self.same = layer.padding == "same"
        self.sequences = layer.sequences
        self.direction = layer.direction
        self.has_bias = layer.bias
        self.dtype = site.dtype
        for weight in site.node.effect.weights:
            name = weight.name.removeprefix("backward_")
            started = self.started(name, weight.shape, site, self.filters, gated=True)
            setattr(self, weight.name, nnx.Param(started))

    @override
    def _along(self, x: Array, prefix: str, *, backward: bool) -> Array:
        kernel, recurrent = (
            getattr(self, prefix + name)[...].astype(self.dtype)
            for name in ("kernel", "recurrent_kernel")
        )
        inputs = self._convolved(x.reshape((-1, *x.shape[2:])), kernel, same=self.same)
        if self.has_bias:
            inputs = inputs + getattr(self, prefix + "bias")[...].astype(self.dtype)
        inputs = inputs.reshape((*x.shape[:2], *inputs.shape[1:]))
        zeros = jnp.zeros((x.shape[0], *inputs.shape[2:-1], self.filters), inputs.dtype)

        @jax.checkpoint
        def step(state: Any, x: Array) -> Any:
            h, c = state
            return gated(x + self._convolved(h, recurrent, same=True), c)

        last, steps = lax.scan(step, (zeros, zeros), inputs.swapaxes(0, 1), reverse=backward)
        y: Array = steps.swapaxes(0, 1) if self.sequences else last[0]
        return y

    def _convolved(self, x: Array, kernel: Array, *, same: bool) -> Array:
        """A convolution; the padding is a part of the map, so that it is counted as such."""
        if same:
            sides = [((size - 1) // 2, size // 2) for size in self.sizes]
            x = jnp.pad(x, [(0, 0), *sides, (0, 0)])
        rank = len(self.sizes)
        spatial = "DHW"[3 - rank :]
        layout = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
        return lax.conv_general_dilated(x, kernel, (1,) * rank, "VALID", dimension_numbers=layout)


def conv_lstm(site: BuildSite[Layer]) -> Computation:
    """An LSTM over maps."""
    return ConvLstm(site)
