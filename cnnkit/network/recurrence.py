"""Recurrent layers: a scan along the sequence, each step computed again in the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax
from typing_extensions import override

from cnnkit.layers.recurrence import Recurrent as Layer
from cnnkit.network.initialization import named
from cnnkit.network.operation import BuildSite, Computation

CellStep = Callable[..., tuple[tuple[Array, ...], Array]]


def gated(gates: Array, c: Array) -> tuple[tuple[Array, Array], Array]:
    """The state of an LSTM and what it gives, from its gates i, f, g and o and its cells."""
    i, f, g, o = jnp.split(gates, 4, -1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def _lstm(recurrent: Array, bias: Array | None, state: Any, x: Array) -> Any:
    """One step from ``x``, the input's part of i, f, g and o; the bias is in it already."""
    del bias
    h, c = state
    return gated(x + h @ recurrent, c)


def _gru(recurrent: Array, bias: Array | None, state: Any, x: Array) -> Any:
    """One step from ``x``, the input's part of z, r and n; ``bias`` is that of the state's."""
    (h,) = state
    own = h @ recurrent if bias is None else h @ recurrent + bias
    (z, r, n), (own_z, own_r, own_n) = (jnp.split(each, 3, -1) for each in (x, own))
    z, r = jax.nn.sigmoid(z + own_z), jax.nn.sigmoid(r + own_r)
    h = z * h + (1 - z) * jnp.tanh(n + r * own_n)
    return (h,), h


_STEPS: dict[str, tuple[CellStep, int]] = {"lstm": (_lstm, 2), "gru": (_gru, 1)}
"""The step of each kind, and how many arrays its state has."""


class BothWays(nnx.Module):
    """What goes along a sequence: forward, backward, or both ways with weights of their own."""

    direction: str

    @staticmethod
    def started(
        name: str, shape: tuple[int, ...], site: BuildSite[Any], width: int, *, gated: bool
    ) -> Array:
        """Weights as Keras starts them; the forget gate of an LSTM, ``width`` wide, is open."""
        if name != "bias":
            how = {"kernel": "glorot_uniform", "recurrent_kernel": "orthogonal"}[name]
            started: Array = named(how)(site.rngs.params(), shape)
            return started
        bias = jnp.zeros(shape, jnp.float32)
        return bias.at[width : 2 * width].set(1) if gated else bias

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
        """One way along the sequence, with the weights whose names have this prefix."""
        raise NotImplementedError


class Recurrent(BothWays):
    """A sequence [N, L, C] to a vector [N, U], or to the sequence of all steps [N, L, U]."""

    def __init__(self, site: BuildSite[Layer]) -> None:
        layer = site.layer
        self.kind = layer.kind
        self.units = layer.units
        self.sequences = layer.sequences
        self.direction = layer.direction
        self.has_bias = layer.bias
        self.dtype = site.dtype
        for weight in site.node.effect.weights:
            name = weight.name.removeprefix("backward_")
            started = self.started(name, weight.shape, site, self.units, gated=self.kind == "lstm")
            setattr(self, weight.name, nnx.Param(started))

    @override
    def _along(self, x: Array, prefix: str, *, backward: bool) -> Array:
        kernel, recurrent = (
            getattr(self, prefix + name)[...].astype(self.dtype)
            for name in ("kernel", "recurrent_kernel")
        )
        inputs, own = x @ kernel, None
        if self.has_bias:
            bias = getattr(self, prefix + "bias")[...].astype(self.dtype)
            inputs, own = (inputs + bias, None) if bias.ndim == 1 else (inputs + bias[0], bias[1])
        step, arrays = _STEPS[self.kind]
        state = (jnp.zeros((x.shape[0], self.units), inputs.dtype),) * arrays

        @jax.checkpoint
        def one(state: Any, x: Array) -> Any:
            return step(recurrent, own, state, x)

        last, steps = lax.scan(one, state, inputs.swapaxes(0, 1), reverse=backward)
        y: Array = steps.swapaxes(0, 1) if self.sequences else last[0]
        return y


def recurrent(site: BuildSite[Layer]) -> Computation:
    """An LSTM or GRU."""
    return Recurrent(site)
