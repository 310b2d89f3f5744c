"""Layers along a sequence."""

import jax
import jax.numpy as jnp
from flax import nnx


class Recurrent(nnx.Module):
    """Along a sequence [N, L, C]: the last step, or all of them; `gates` are side by side."""

    gates = 1
    states = 1

    def __init__(
        self,
        in_features: int,
        units: int,
        sequences: bool = False,
        direction: str = "forward",
        use_bias: bool = True,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        wide = self.gates * units
        for prefix in ("", "backward_")[: 2 if direction == "both" else 1]:
            kernel = nnx.initializers.glorot_uniform()(rngs.params(), (in_features, wide))
            recurrent = nnx.initializers.orthogonal()(rngs.params(), (units, wide))
            setattr(self, f"{prefix}kernel", nnx.Param(kernel))
            setattr(self, f"{prefix}recurrent_kernel", nnx.Param(recurrent))
            if use_bias:
                shape = (wide,) if self.gates == 4 else (2, wide)
                setattr(self, f"{prefix}bias", nnx.Param(jnp.zeros(shape)))
        self.units = units
        self.sequences = sequences
        self.direction = direction
        self.use_bias = use_bias

    def along(self, x: jax.Array, prefix: str, reverse: bool) -> jax.Array:
        """One way along the sequence."""
        recurrent = getattr(self, f"{prefix}recurrent_kernel")[...]
        x = x @ getattr(self, f"{prefix}kernel")[...]
        own = jnp.zeros(recurrent.shape[-1])
        if self.use_bias:
            bias = getattr(self, f"{prefix}bias")[...]
            x, own = (x + bias, own) if bias.ndim == 1 else (x + bias[0], bias[1])

        def step(state, x):
            return self.step(state, x, state[0] @ recurrent + own)

        start = (jnp.zeros((x.shape[0], self.units)),) * self.states
        last, steps = jax.lax.scan(step, start, x.swapaxes(0, 1), reverse=reverse)
        return steps.swapaxes(0, 1) if self.sequences else last[0]

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.direction != "both":
            return self.along(x, "", self.direction == "backward")
        ways = [self.along(x, "", False), self.along(x, "backward_", True)]
        return jnp.concatenate(ways, axis=-1)


class LSTM(Recurrent):
    """A long short-term memory."""

    gates = 4
    states = 2

    def step(self, state, x: jax.Array, own: jax.Array):
        """One step, from the input's part of the gates and the state's."""
        i, f, g, o = jnp.split(x + own, 4, axis=-1)
        c = nnx.sigmoid(f) * state[1] + nnx.sigmoid(i) * jnp.tanh(g)
        h = nnx.sigmoid(o) * jnp.tanh(c)
        return (h, c), h


class GRU(Recurrent):
    """A gated recurrent unit."""

    gates = 3

    def step(self, state, x: jax.Array, own: jax.Array):
        """One step, from the input's part of the gates and the state's."""
        (z, r, n), (own_z, own_r, own_n) = (jnp.split(each, 3, axis=-1) for each in (x, own))
        z, r = nnx.sigmoid(z + own_z), nnx.sigmoid(r + own_r)
        h = z * state[0] + (1 - z) * jnp.tanh(n + r * own_n)
        return (h,), h


class ConvLSTM(nnx.Module):
    """Along the first axis of maps [N, T, *spatial, C]: the last state, or all of them."""

    def __init__(
        self,
        in_features: int,
        filters: int,
        kernel: tuple[int, ...],
        same: bool = False,
        sequences: bool = False,
        direction: str = "forward",
        use_bias: bool = True,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        for prefix in ("", "backward_")[: 2 if direction == "both" else 1]:
            for name, read in (("kernel", in_features), ("recurrent_kernel", filters)):
                shape = (*kernel, read, 4 * filters)
                weight = nnx.initializers.glorot_uniform()(rngs.params(), shape)
                setattr(self, prefix + name, nnx.Param(weight))
            if use_bias:
                setattr(self, f"{prefix}bias", nnx.Param(jnp.zeros(4 * filters)))
        self.filters = filters
        self.padding = "SAME" if same else "VALID"
        self.sequences = sequences
        self.direction = direction
        self.use_bias = use_bias

    def convolve(self, x: jax.Array, kernel: jax.Array, padding: str) -> jax.Array:
        """A convolution of maps."""
        rank = kernel.ndim - 2
        spatial = "DHW"[3 - rank :]
        layout = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
        return jax.lax.conv_general_dilated(
            x, kernel, (1,) * rank, padding, dimension_numbers=layout
        )

    def along(self, x: jax.Array, prefix: str, reverse: bool) -> jax.Array:
        """One way along the axis."""
        kernel = getattr(self, f"{prefix}kernel")[...]
        recurrent = getattr(self, f"{prefix}recurrent_kernel")[...]
        size = x.shape[:2]
        x = self.convolve(x.reshape(-1, *x.shape[2:]), kernel, self.padding)
        if self.use_bias:
            x = x + getattr(self, f"{prefix}bias")[...]
        x = x.reshape(*size, *x.shape[1:])

        def step(state, x):
            h, c = state
            gates = x + self.convolve(h, recurrent, "SAME")
            i, f, g, o = jnp.split(gates, 4, axis=-1)
            c = nnx.sigmoid(f) * c + nnx.sigmoid(i) * jnp.tanh(g)
            h = nnx.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zeros = jnp.zeros((size[0], *x.shape[2:-1], self.filters))
        last, states = jax.lax.scan(step, (zeros, zeros), x.swapaxes(0, 1), reverse=reverse)
        return states.swapaxes(0, 1) if self.sequences else last[0]

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.direction != "both":
            return self.along(x, "", self.direction == "backward")
        ways = [self.along(x, "", False), self.along(x, "backward_", True)]
        return jnp.concatenate(ways, axis=-1)
