"""Convolutions, how their weights start and how their filters are normalized."""

import itertools
import math

import keras
import numpy as np
from keras import layers, ops

from cnnkit.export.parts.keras.layer import Applied, Registered


class Given(keras.initializers.Initializer):
    """These values; `swapped` for a kernel whose last axis is the channels that come in."""

    def __init__(self, values, swapped: bool = False) -> None:
        self.values = values
        self.swapped = swapped

    def __call__(self, shape, dtype=None):
        values = np.asarray(self.values, "float32")
        values = values.swapaxes(-1, -2) if self.swapped else values
        if values.size == math.prod(shape):
            return ops.convert_to_tensor(values.reshape(shape), dtype)
        return ops.convert_to_tensor(np.broadcast_to(values, shape), dtype)  # a bias everywhere

    def get_config(self):
        return {"values": self.values, "swapped": self.swapped}


class Swapped(keras.initializers.Initializer):
    """An initializer of a kernel whose last axis is the channels that come in."""

    def __init__(self, initializer: str) -> None:
        self.initializer = initializer

    def __call__(self, shape, dtype=None):
        shape = (*shape[:-2], shape[-1], shape[-2])
        return ops.swapaxes(keras.initializers.get(self.initializer)(shape, dtype), -1, -2)

    def get_config(self):
        return {"initializer": self.initializer}


class Dirac(keras.initializers.Initializer):
    """The first filters of each group hand on a channel each; the rest are drawn."""

    def __init__(self, groups: int = 1) -> None:
        self.groups = groups

    def __call__(self, shape, dtype=None):
        kernel = np.array(keras.initializers.GlorotUniform()(shape, dtype))
        centre = tuple(extent // 2 for extent in shape[:-2])
        for filters in np.split(kernel, self.groups, axis=-1):
            handed = min(filters.shape[-2:])
            filters[..., :handed] = 0
            filters[(*centre, np.arange(handed), np.arange(handed))] = 1
        return ops.convert_to_tensor(kernel, dtype)

    def get_config(self):
        return {"groups": self.groups}


class Pad(Applied):
    """Adds cells (before, after) along each spatial axis; the mode is numpy's."""

    def of(self, x, sides, mode: str):
        for axis, (before, after) in enumerate(sides, start=1):
            cells = np.pad(np.arange(x.shape[axis]), (before, after), mode)
            x = ops.take(x, cells, axis=axis)
        return x


def filter_norm(base, how: str, positions: int = 0, swapped: bool = False):
    """A class of layers whose kernel is normalized, filter by filter, before it is used."""

    class FilterNorm(base):
        def build(self, input_shape):
            super().build(input_shape)
            if how != "standardize":
                norms = ops.sqrt(ops.sum(ops.square(self._kernel), self._axes()))
                start = norms if how == "weight_norm" else ops.ones_like(norms)
                self.gain = self.add_weight(shape=norms.shape, initializer="ones", name="gain")
                self.gain.assign(start)

        def _axes(self):
            axes = [*range(positions, len(self._kernel.shape))]
            del axes[-2 if swapped else -1]
            return axes

        @property
        def kernel(self):
            kernel, axes = ops.convert_to_tensor(self._kernel), self._axes()
            if how == "weight_norm":
                kernel = kernel * ops.rsqrt(ops.sum(ops.square(kernel), axes, keepdims=True))
            else:
                kernel = kernel - ops.mean(kernel, axes, keepdims=True)
                variance = ops.mean(ops.square(kernel), axes, keepdims=True)
                kernel = kernel * ops.rsqrt(variance + 1e-6)
            if how == "scaled_standardize":
                kernel = kernel / math.prod(kernel.shape[axis] for axis in axes) ** 0.5
            return kernel if how == "standardize" else kernel * ops.expand_dims(self.gain, axes)

        @kernel.setter
        def kernel(self, value):
            self._kernel = value

        def save_own_variables(self, store):
            layers.Layer.save_own_variables(self, store)  # the base saves what `kernel` gives

        def load_own_variables(self, store):
            layers.Layer.load_own_variables(self, store)

    name = f"{base.__name__}-{how}-{positions}"
    return keras.saving.register_keras_serializable("cnnkit", name)(FilterNorm)


def spectral_norm(base, swapped: bool = False):
    """A class of layers that work with their kernel divided by its largest singular value.

    Each pass of training improves the singular vectors by one step of the power method.
    """

    class SpectralNorm(base):
        def build(self, input_shape):
            super().build(input_shape)
            shape = self._matrix().shape
            made = {"shape": shape[-1:], "trainable": False, "initializer": "zeros"}
            self.u = self.add_weight(name="u", **made)
            made = {"shape": shape[:-1], "trainable": False, "initializer": "random_normal"}
            self.v = self.add_weight(name="v", **made)
            for _ in range(15):
                self._improve()

        def _matrix(self):
            """The kernel, its filters last."""
            kernel = ops.convert_to_tensor(self._kernel)
            return ops.swapaxes(kernel, -1, -2) if swapped else kernel

        def _improve(self):
            matrix, v = ops.stop_gradient(self._matrix()), ops.convert_to_tensor(self.v)
            u = ops.tensordot(v, matrix, len(v.shape))
            u = u / ops.maximum(ops.norm(u), 1e-12)
            v = ops.matmul(matrix, u)
            self.u.assign(u)
            self.v.assign(v / ops.maximum(ops.norm(v), 1e-12))

        @property
        def kernel(self):
            value = ops.sum(ops.matmul(self._matrix(), self.u) * self.v)
            return ops.convert_to_tensor(self._kernel) / value

        @kernel.setter
        def kernel(self, value):
            self._kernel = value

        def save_own_variables(self, store):
            layers.Layer.save_own_variables(self, store)  # the base saves what `kernel` gives

        def load_own_variables(self, store):
            layers.Layer.load_own_variables(self, store)

        def call(self, inputs, training=None):
            if training and self.trainable:
                self._improve()
            return super().call(inputs)

    name = f"{base.__name__}-spectral_norm-0"
    return keras.saving.register_keras_serializable("cnnkit", name)(SpectralNorm)


class LocallyConnected(Registered):
    """A convolution, unpadded, whose positions have weights of their own."""

    def __init__(
        self,
        filters: int,
        positions,
        kernel_size,
        strides,
        dilation_rate,
        groups: int = 1,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.positions = tuple(positions)
        self.kernel_size = tuple(kernel_size)
        self.strides = tuple(strides)
        self.dilation_rate = tuple(dilation_rate)
        self.groups = groups
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer

    def get_config(self):
        own = ("filters", "positions", "kernel_size", "strides", "dilation_rate", "groups")
        given = {name: getattr(self, name) for name in (*own, "use_bias")}
        for name in ("kernel_initializer", "bias_initializer"):
            given[name] = keras.saving.serialize_keras_object(getattr(self, name))
        return {**super().get_config(), **given}

    def build(self, input_shape):
        one = (*self.kernel_size, input_shape[-1] // self.groups, self.filters)

        def initial(shape, dtype=None):
            if not isinstance(self.kernel_initializer, str):
                return self.kernel_initializer(shape, dtype)
            made = [
                keras.initializers.get(self.kernel_initializer)(one, dtype)
                for _ in range(math.prod(self.positions))
            ]
            return ops.reshape(ops.stack(made), shape)

        shape = (*self.positions, *one)
        self.kernel = self.add_weight(shape=shape, initializer=initial, name="kernel")
        self.bias = None
        if self.use_bias:
            shape = (*self.positions, self.filters)
            self.bias = self.add_weight(shape=shape, initializer=self.bias_initializer, name="bias")

    def call(self, x):
        cells = []  # one kernel cell at all positions: [N, *positions, C]
        for offset in itertools.product(*map(range, self.kernel_size)):
            starts = [d * k for d, k in zip(self.dilation_rate, offset, strict=True)]
            spans = [
                slice(a, a + s * (count - 1) + 1, s)
                for a, count, s in zip(starts, self.positions, self.strides, strict=True)
            ]
            cells.append(x[(slice(None), *spans)])
        patches = ops.stack(cells, axis=-2)
        channels = self.kernel.shape[-2]
        split = (-1, *self.positions, len(cells), self.groups, channels)
        matrices = (*self.positions, len(cells), channels, self.groups, -1)
        axes = "xyz"[: len(self.positions)]
        y = ops.einsum(
            f"n{axes}kgc,{axes}kcgf->n{axes}gf",
            ops.reshape(patches, split),
            ops.reshape(self.kernel, matrices),
        )
        y = ops.reshape(y, (-1, *self.positions, self.filters))
        return y if self.bias is None else y + self.bias

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.positions, self.filters)
