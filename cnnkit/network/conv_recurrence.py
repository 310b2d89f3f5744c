"""A recurrence over maps: a scan along the first axis, with a convolution of the state a step."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax

from cnnkit.layers.conv_recurrence import ConvLstm as Layer
from cnnkit.network.initialization import named
from cnnkit.network.operation import BuildSite, Computation


class ConvLstm(nnx.Module):
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
            setattr(self, weight.name, nnx.Param(self._started(name, weight.shape, site)))

    def _started(self, name: str, shape: tuple[int, ...], site: BuildSite[Layer]) -> Array:
        """As Keras starts them; the forget gate is open."""
        if name == "bias":
            return jnp.zeros(shape, jnp.float32).at[self.filters : 2 * self.filters].set(1)
        how = {"kernel": "glorot_uniform", "recurrent_kernel": "orthogonal"}[name]
        started: Array = named(how)(site.rngs.params(), shape)
        return started

    def __call__(self, x: Array) -> Array:
        """The last step of each way, or all of them, the ways side by side."""
        ways = []
        if self.direction != "backward":
            ways.append(self._along(x, "", backward=False))
        if self.direction != "forward":
            prefix = "backward_" if self.direction == "both" else ""
            ways.append(self._along(x, prefix, backward=True))
        return jnp.concatenate(ways, -1) if len(ways) > 1 else ways[0]

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
            i, f, g, o = jnp.split(x + self._convolved(h, recurrent, same=True), 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

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
