"""Convolutions, how their weights start and how their filters are normalized."""

import itertools
import math

import jax
import jax.numpy as jnp
from flax import nnx


def given(values):
    """An initializer that gives these values."""

    def initializer(key, shape, dtype=jnp.float32):
        del key
        return jnp.asarray(values, dtype).reshape(shape)

    return initializer


def dirac(groups: int = 1):
    """An initializer whose first filters of each group hand on a channel each."""

    def initializer(key, shape, dtype=jnp.float32):
        drawn = nnx.initializers.lecun_normal()(key, shape, dtype)
        centre = tuple(extent // 2 for extent in shape[:-2])
        parts = jnp.split(drawn, groups, axis=-1)
        channels = jnp.arange(min(parts[0].shape[-2:]))
        for index, filters in enumerate(parts):
            filters = filters.at[..., : len(channels)].set(0)
            parts[index] = filters.at[(*centre, channels, channels)].set(1)
        return jnp.concatenate(parts, axis=-1)

    return initializer


def pad(x: jax.Array, sides, mode: str = "constant") -> jax.Array:
    """Adds cells (before, after) along each spatial axis."""
    return jnp.pad(x, ((0, 0), *sides, (0, 0)), mode=mode)


class Frozen(nnx.BatchStat):
    """A weight that is not learnt: it is kept with the running statistics, and has no gradient."""


def frozen(layer: nnx.Module) -> nnx.Module:
    """A layer none of whose weights is learnt."""
    for _, module in nnx.iter_modules(layer):
        for name, value in list(vars(module).items()):
            if isinstance(value, nnx.Param):
                setattr(module, name, Frozen(value[...]))
    return layer


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


class SpectralNorm(nnx.Module):
    """A layer that works with its kernel divided by its largest singular value.

    The layer has the singular vectors, which each pass of training improves by one step of the
    power method.
    """

    def __init__(self, layer: nnx.Module, *, rngs: nnx.Rngs, learnt: bool = True) -> None:
        self.layer = layer
        self.learnt = learnt
        self.use_running_average = False
        layer.u = nnx.BatchStat(jnp.zeros(layer.kernel.shape[-1]))
        layer.v = nnx.BatchStat(jax.random.normal(rngs.params(), layer.kernel.shape[:-1]))
        for _ in range(15):
            self.improve()

    def improve(self) -> None:
        kernel, v = jax.lax.stop_gradient((self.layer.kernel[...], self.layer.v[...]))
        u = jnp.tensordot(v, kernel, v.ndim)
        u /= jnp.maximum(jnp.linalg.norm(u), 1e-12)
        v = kernel @ u
        self.layer.u.set_value(u)
        self.layer.v.set_value(v / jnp.maximum(jnp.linalg.norm(v), 1e-12))

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.learnt and not self.use_running_average:
            self.improve()
        kernel = self.layer.kernel[...]
        value = ((kernel @ self.layer.u[...]) * self.layer.v[...]).sum()
        layer = nnx.clone(self.layer)
        layer.kernel = nnx.Param(kernel / value)
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
