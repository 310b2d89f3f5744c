"""Helpers for what Flax has no layer of; channels are last, [N, *spatial, C]."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx


def given(values):
    """An initializer that gives these values."""

    def initializer(key, shape, dtype=jnp.float32):
        del key
        return jnp.asarray(values, dtype).reshape(shape)

    return initializer


def pad(x: jax.Array, sides, mode: str = "constant") -> jax.Array:
    """Adds cells (before, after) along each spatial axis."""
    return jnp.pad(x, ((0, 0), *sides, (0, 0)), mode=mode)


class FilterNorm(nnx.Module):
    """A layer that works with its kernel normalized, filter by filter; the layer has the gain."""

    def __init__(self, layer: nnx.Module, how: str, positions: int = 0) -> None:
        kernel = layer.kernel[...]
        self.axes = tuple(range(positions, kernel.ndim - 1))
        self.how = how
        if how != "standardize":
            norms = jnp.sqrt(jnp.square(kernel).sum(self.axes))
            layer.gain = nnx.Param(norms if how == "weight_norm" else jnp.ones(norms.shape))
        self.layer = layer

    def __call__(self, x: jax.Array) -> jax.Array:
        kernel = self.layer.kernel[...]
        if self.how == "weight_norm":
            kernel *= jax.lax.rsqrt(jnp.square(kernel).sum(self.axes, keepdims=True))
        else:
            kernel -= kernel.mean(self.axes, keepdims=True)
            kernel *= jax.lax.rsqrt(jnp.square(kernel).mean(self.axes, keepdims=True) + 1e-6)
        if self.how == "scaled_standardize":
            kernel /= math.sqrt(math.prod(kernel.shape[axis] for axis in self.axes))
        if self.how != "standardize":
            kernel *= jnp.expand_dims(self.layer.gain[...], self.axes)
        layer = nnx.clone(self.layer)
        layer.kernel = nnx.Param(kernel)
        return layer(x)


class TransposedConv(nnx.Module):
    """The gradient of a convolution as a layer: `padding` is cut off the sides of its output."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: tuple[int, ...],
        strides: tuple[int, ...],
        padding: tuple[tuple[int, int], ...],
        kernel_dilation: tuple[int, ...],
        *,
        groups: int = 1,
        use_bias: bool = True,
        kernel_init=nnx.initializers.glorot_normal(),
        bias_init=nnx.initializers.zeros,
        rngs: nnx.Rngs,
    ) -> None:
        shape = (*kernel_size, in_features // groups, out_features)
        self.kernel = nnx.Param(kernel_init(rngs.params(), shape, jnp.float32))
        if use_bias:
            self.bias = nnx.Param(bias_init(rngs.params(), (out_features,), jnp.float32))
        self.use_bias = use_bias
        self.strides = strides
        self.dilation = kernel_dilation
        self.groups = groups
        spans = [d * (k - 1) for d, k in zip(kernel_dilation, kernel_size, strict=True)]
        sides = [(s - a, s - b) for s, (a, b) in zip(spans, padding, strict=True)]
        # A cell more, where XLA's simplifier would end the process on an axis without padding.
        axes = zip(sides, strides, kernel_dilation, strict=True)
        self.surplus = [int(a == 0 and s == d + 1) for (a, _), s, d in axes]
        self.padding = [(a + c, b) for (a, b), c in zip(sides, self.surplus, strict=True)]

    def __call__(self, x: jax.Array) -> jax.Array:
        spatial = "DHW"[3 - len(self.strides) :]
        layout = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
        y = jax.lax.conv_general_dilated(
            x,
            jnp.flip(self.kernel[...], range(len(self.strides))),
            window_strides=(1,) * len(self.strides),
            padding=self.padding,
            lhs_dilation=self.strides,
            rhs_dilation=self.dilation,
            feature_group_count=self.groups,
            dimension_numbers=layout,
        )
        y = y[(slice(None), *(slice(cells, None) for cells in self.surplus))]
        return y + self.bias[...] if self.use_bias else y


class LocallyConnected(nnx.Module):
    """A convolution, unpadded, whose positions have weights of their own."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        positions: tuple[int, ...],
        kernel_size: tuple[int, ...],
        strides: tuple[int, ...],
        kernel_dilation: tuple[int, ...],
        *,
        groups: int = 1,
        use_bias: bool = True,
        kernel_init=nnx.initializers.glorot_normal(),
        bias_init=nnx.initializers.zeros,
        rngs: nnx.Rngs,
    ) -> None:
        shape = (*positions, *kernel_size, in_features // groups, out_features)
        self.kernel = nnx.Param(kernel_init(rngs.params(), shape, jnp.float32))
        if use_bias:
            bias = bias_init(rngs.params(), (out_features,), jnp.float32)
            self.bias = nnx.Param(jnp.broadcast_to(bias, (*positions, out_features)))
        self.use_bias = use_bias
        self.groups = groups
        self.positions = positions
        self.geometry = (positions, kernel_size, strides, kernel_dilation)

    def __call__(self, x: jax.Array) -> jax.Array:
        cells = []  # one kernel cell at all positions: [N, *positions, C]
        for offset in itertools.product(*map(range, self.geometry[1])):
            starts = [d * k for d, k in zip(self.geometry[3], offset, strict=True)]
            spans = [
                slice(start, start + stride * (count - 1) + 1, stride)
                for start, count, stride in zip(
                    starts, self.positions, self.geometry[2], strict=True
                )
            ]
            cells.append(x[(slice(None), *spans)])
        patches = jnp.stack(cells, axis=-2)
        channels, features = self.kernel.shape[-2:]
        patches = patches.reshape(*patches.shape[:-1], self.groups, channels)
        kernel = self.kernel[...].reshape(
            *self.positions, -1, channels, self.groups, features // self.groups
        )
        y = jnp.einsum("n...kgc,...kcgf->n...gf", patches, kernel)
        y = y.reshape(-1, *self.positions, features)
        return y + self.bias[...] if self.use_bias else y


def dilated_max_pool(x: jax.Array, size, strides, dilation, padding) -> jax.Array:
    """The maximum of windows whose cells lie `dilation` apart."""
    return jax.lax.reduce_window(
        x,
        -jnp.inf,
        jax.lax.max,
        (1, *size, 1),
        (1, *strides, 1),
        ((0, 0), *padding, (0, 0)),
        window_dilation=(1, *dilation, 1),
    )


def adaptive_pool(x: jax.Array, output: tuple[int, ...], reduce) -> jax.Array:
    """Reduces the windows [floor(i*D/O), ceil((i + 1)*D/O)) of each axis."""
    for axis, count in enumerate(output, start=1):
        extent = x.shape[axis]
        bounds = [(i * extent // count, -(-(i + 1) * extent // count)) for i in range(count)]
        windows = [jax.lax.slice_in_dim(x, a, b, axis=axis) for a, b in bounds]
        x = jnp.concatenate([reduce(w, axis=axis, keepdims=True) for w in windows], axis)
    return x


class PReLU(nnx.Module):
    """A leaky ReLU with learnt slopes: as many as features, 1 for all, or a shape of them."""

    def __init__(self, features: int | tuple[int, ...], init: float = 0.25) -> None:
        self.slope = nnx.Param(jnp.full(features, init))

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.where(x >= 0, x, self.slope[...] * x)


def softshrink(x: jax.Array, threshold: float) -> jax.Array:
    """Each value nearer to 0 by the threshold, as far as 0."""
    return x - jnp.clip(x, -threshold, threshold)


def hard_shrink(x: jax.Array, threshold: float) -> jax.Array:
    """Values no further from 0 than the threshold made 0."""
    return jnp.where(jnp.abs(x) > threshold, x, 0)


def exact_gelu(x: jax.Array) -> jax.Array:
    """The GELU that is not an approximation."""
    return nnx.gelu(x, approximate=False)


def gated(x: jax.Array, gate) -> jax.Array:
    """The first half of the channels times a gate of the second."""
    value, control = jnp.split(x, 2, axis=-1)
    return value * gate(control)


def maxout(x: jax.Array, pieces: int) -> jax.Array:
    """The maximum over groups of `pieces` neighbouring channels."""
    return x.reshape(*x.shape[:-1], -1, pieces).max(axis=-1)


class WholeNorm(nnx.Module):
    """Each example standardized over all its elements."""

    def __init__(
        self,
        shape: tuple[int, ...],
        epsilon: float = 1e-6,
        use_bias: bool = True,
        use_scale: bool = True,
    ) -> None:
        if use_scale:
            self.scale = nnx.Param(jnp.ones(shape))
        if use_bias:
            self.bias = nnx.Param(jnp.zeros(shape))
        self.learnt = (use_scale, use_bias)
        self.epsilon = epsilon

    def __call__(self, x: jax.Array) -> jax.Array:
        axes = tuple(range(1, x.ndim))
        y = x - x.mean(axis=axes, keepdims=True)
        y = y * jax.lax.rsqrt((y * y).mean(axis=axes, keepdims=True) + self.epsilon)
        y = y * self.scale[...] if self.learnt[0] else y
        return y + self.bias[...] if self.learnt[1] else y


class GlobalResponseNorm(nnx.Module):
    """Each channel by its norm beside the mean norm of all, added to what comes in."""

    def __init__(self, features: int, epsilon: float = 1e-6) -> None:
        self.scale = nnx.Param(jnp.zeros((features,)))
        self.bias = nnx.Param(jnp.zeros((features,)))
        self.epsilon = epsilon

    def __call__(self, x: jax.Array) -> jax.Array:
        squares = (x * x).sum(axis=tuple(range(1, x.ndim - 1)), keepdims=True)
        norms = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)
        beside = norms / (norms.mean(axis=-1, keepdims=True) + self.epsilon)
        return self.scale[...] * (x * beside) + self.bias[...] + x


def local_response_norm(x: jax.Array, size: int, alpha: float, beta: float, k: float) -> jax.Array:
    """X / (k + alpha * mean of the squares of `size` neighbouring channels) ** beta."""
    sides = [(0, 0)] * (x.ndim - 1) + [(size // 2, (size - 1) // 2)]
    squares = jnp.pad(x * x, sides)
    channels = x.shape[-1]
    total = sum(squares[..., i : i + channels] for i in range(size))
    return x / (k + alpha / size * total) ** beta


class GaussianNoise(nnx.Module):
    """Adds normally distributed noise in training."""

    def __init__(self, deviation: float, *, rngs: nnx.Rngs) -> None:
        self.deviation = deviation
        self.deterministic = False
        self.rngs = rngs["noise"].fork()

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.deterministic:
            return x
        return x + self.deviation * jax.random.normal(self.rngs(), x.shape, x.dtype)


def upsample(x: jax.Array, extents: tuple[int, ...], method: str) -> jax.Array:
    """Enlarges the spatial axes, with half-pixel centres."""
    return jax.image.resize(x, (x.shape[0], *extents, x.shape[-1]), method)


def depth_to_space(x: jax.Array, block: tuple[int, ...]) -> jax.Array:
    """Channels to the cells of a block, whose offset is the outer index of the channels."""
    rank = len(block)
    y = x.reshape(*x.shape[:-1], *block, x.shape[-1] // math.prod(block))
    order = [axis for i in range(1, rank + 1) for axis in (i, rank + i)]
    y = y.transpose(0, *order, 2 * rank + 1)
    extents = [extent * b for extent, b in zip(x.shape[1:-1], block, strict=True)]
    return y.reshape(x.shape[0], *extents, -1)


def space_to_depth(x: jax.Array, block: tuple[int, ...]) -> jax.Array:
    """The cells of a block to channels."""
    rank = len(block)
    extents = [extent // b for extent, b in zip(x.shape[1:-1], block, strict=True)]
    split = [n for pair in zip(extents, block, strict=True) for n in pair]
    y = x.reshape(x.shape[0], *split, x.shape[-1])
    y = y.transpose(0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1)
    return y.reshape(x.shape[0], *extents, -1)


def channel_shuffle(x: jax.Array, groups: int) -> jax.Array:
    """Takes the channels of each group in turn."""
    y = x.reshape(*x.shape[:-1], groups, -1).swapaxes(-1, -2)
    return y.reshape(x.shape)


class Scale(nnx.Module):
    """A learnt factor for each channel, or 1 for all."""

    def __init__(self, features: int, init: float = 1.0) -> None:
        self.scale = nnx.Param(jnp.full((features,), init))

    def __call__(self, x: jax.Array) -> jax.Array:
        return x * self.scale[...]


def attend(q, k, v, bias, dropout: float, rngs) -> jax.Array:
    """Each query's mean of the values by their keys; all are [..., heads, cells, channels]."""
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    weights = jax.nn.softmax(scores if bias is None else scores + bias, axis=-1)
    if rngs is not None and dropout:
        kept = jax.random.bernoulli(rngs(), 1 - dropout, weights.shape)
        weights = jnp.where(kept, weights / (1 - dropout), 0)
    return weights @ v


class DotProductAttention(nnx.Module):
    """Each query's mean of the values, weighed by how well their keys match it, head by head."""

    def __init__(self, heads: int, dropout: float = 0.0, *, rngs: nnx.Rngs) -> None:
        self.heads = heads
        self.dropout = dropout
        self.deterministic = False
        self.rngs = rngs["dropout"].fork() if dropout else None

    def __call__(self, query: jax.Array, key: jax.Array, value: jax.Array) -> jax.Array:
        q, k, v = (
            x.reshape(x.shape[0], -1, self.heads, x.shape[-1] // self.heads).swapaxes(1, 2)
            for x in (query, key, value)
        )
        rngs = None if self.deterministic else self.rngs
        y = attend(q, k, v, None, self.dropout, rngs)
        return y.swapaxes(1, 2).reshape(query.shape)


class WindowAttention(nnx.Module):
    """The same among the cells of each window, with a learnt number for the distance of two."""

    def __init__(
        self,
        heads: int,
        extents: tuple[int, ...],
        window: tuple[int, ...],
        shift: tuple[int, ...],
        relative_bias: bool = False,
        dropout: float = 0.0,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        self.heads = heads
        self.extents = extents
        self.window = window
        self.shift = shift
        self.has_bias = relative_bias
        if relative_bias:
            shape = (*(2 * size - 1 for size in window), heads)
            self.relative_bias = nnx.Param(0.02 * jax.random.normal(rngs.params(), shape))
        self.dropout = dropout
        self.deterministic = False
        self.rngs = rngs["dropout"].fork() if dropout else None

    def parted(self, x: jax.Array, heads: int) -> jax.Array:
        """[N, *spatial, C] as [N, windows, heads, cells of a window, channels of a head]."""
        rank = len(self.window)
        counts = [extent // size for extent, size in zip(self.extents, self.window, strict=True)]
        pairs = [each for pair in zip(counts, self.window, strict=True) for each in pair]
        x = x.reshape(x.shape[0], *pairs, heads, x.shape[-1] // heads)
        windows, cells = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
        x = x.transpose(0, *windows, 2 * rank + 1, *cells, 2 * rank + 2)
        return x.reshape(x.shape[0], math.prod(counts), heads, -1, x.shape[-1])

    def bias(self) -> jax.Array:
        """What is added to the scores, [windows, heads, cells, cells]."""
        cells = np.indices(self.window).reshape(len(self.window), -1)
        apart = cells[:, :, None] - cells[:, None, :]
        distances = tuple(each + size - 1 for each, size in zip(apart, self.window, strict=True))
        part = jnp.zeros((1, *self.extents, 1))
        for axis, (extent, moved) in enumerate(zip(self.extents, self.shift, strict=True), 1):
            edge = jnp.arange(extent) >= extent - moved
            part = 2 * part + edge.reshape([-1 if axis == at else 1 for at in range(part.ndim)])
        part = self.parted(part, 1)[0, :, 0, :, 0]
        bias = jnp.where(part[:, :, None] == part[:, None, :], 0, -jnp.inf)[:, None]
        if self.has_bias:
            bias = bias + jnp.moveaxis(self.relative_bias[...][distances], -1, 0)
        return bias

    def __call__(self, query: jax.Array, key: jax.Array, value: jax.Array) -> jax.Array:
        rank = len(self.window)
        axes = tuple(range(1, rank + 1))
        back = tuple(-cells for cells in self.shift)
        q, k, v = (self.parted(jnp.roll(x, back, axes), self.heads) for x in (query, key, value))
        rngs = None if self.deterministic else self.rngs
        y = attend(q, k, v, self.bias(), self.dropout, rngs)
        counts = [extent // size for extent, size in zip(self.extents, self.window, strict=True)]
        y = y.reshape(y.shape[0], *counts, self.heads, *self.window, -1)
        pairs = [axis for at in range(1, rank + 1) for axis in (at, rank + 1 + at)]
        y = y.transpose(0, *pairs, rank + 1, 2 * rank + 2).reshape(query.shape)
        return jnp.roll(y, self.shift, axes)


class PositionEmbedding(nnx.Module):
    """A learnt vector for each position, added."""

    def __init__(self, shape: tuple[int, ...], stddev: float = 0.02, *, rngs: nnx.Rngs) -> None:
        self.embedding = nnx.Param(stddev * jax.random.normal(rngs.params(), shape))

    def __call__(self, x: jax.Array) -> jax.Array:
        return x + self.embedding[...]


class ClassToken(nnx.Module):
    """A learnt vector before a sequence [N, L, C]."""

    def __init__(self, features: int) -> None:
        self.token = nnx.Param(jnp.zeros((features,)))

    def __call__(self, x: jax.Array) -> jax.Array:
        token = jnp.broadcast_to(self.token[...], (x.shape[0], 1, x.shape[2]))
        return jnp.concatenate([token, x], axis=1)


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


def entries(x: jax.Array, table: nnx.Embed) -> jax.Array:
    """The numbers of entries that values stand for: rounded, the nearest that there is."""
    return jnp.clip(jnp.round(x), 0, table.num_embeddings - 1).astype(jnp.int32)


def with_coordinates(x: jax.Array, extents: tuple[int, ...]) -> jax.Array:
    """The maps with a channel more for each axis: where a cell lies, from -1 to 1."""
    axes = [jnp.linspace(-1, 1, n) if n > 1 else jnp.zeros(1) for n in extents]
    places = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1)
    return jnp.concatenate([x, jnp.broadcast_to(places, (x.shape[0], *places.shape))], axis=-1)


def max_unpool(x: jax.Array, pooled: jax.Array, size: tuple[int, ...]) -> jax.Array:
    """Each value to where its window of the pooled maps has its maximum, the first of many."""
    few, rank, count = x.shape[1:-1], len(size), math.prod(size)
    covered = [n * k for n, k in zip(few, size, strict=True)]
    apart = [n for pair in zip(few, size, strict=True) for n in pair]
    order = [0, *range(1, 2 * rank, 2), 2 * rank + 1, *range(2, 2 * rank + 1, 2)]
    cells = pooled[(slice(None), *map(slice, covered))].reshape(-1, *apart, x.shape[-1])
    best = jnp.argmax(cells.transpose(order).reshape(*x.shape, count), axis=-1)
    put = jnp.where(best[..., None] == jnp.arange(count), x[..., None], 0)
    back = [order.index(axis) for axis in range(len(order))]
    y = put.reshape(*x.shape, *size).transpose(back).reshape(-1, *covered, x.shape[-1])
    rest = [(0, n - m) for n, m in zip(pooled.shape[1:-1], covered, strict=True)]
    return jnp.pad(y, [(0, 0), *rest, (0, 0)])


def lp_pool(x: jax.Array, p: int, window, strides) -> jax.Array:
    """The p-norm of each window."""
    sums = nnx.avg_pool(jnp.abs(x) ** p, window, strides) * math.prod(window)
    return jnp.where(sums > 0, jnp.where(sums > 0, sums, 1) ** (1 / p), 0)


def blur_pool(x: jax.Array, weights, stride) -> jax.Array:
    """Weighted sums of neighbouring cells along each axis, at strides."""
    for axis, (row, apart) in enumerate(zip(weights, stride, strict=True), start=1):
        last = (x.shape[axis] - len(row)) // apart * apart + 1
        cells = [jax.lax.slice_in_dim(x, i, i + last, apart, axis) for i in range(len(row))]
        x = sum(weight * cell for weight, cell in zip(row, cells, strict=True))
    return x
