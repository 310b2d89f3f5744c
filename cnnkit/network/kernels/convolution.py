"""Convolutions by the fastest way there is for their shape on the platform they run on.

A convolution is linear in the maps and in the filters, so that the derivatives of its three
operations (itself, its data gradient, its filter gradient) are these three again: each may be
computed in a way of its own, and reverse-mode derivatives of any order exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod

import jax
import jax.numpy as jnp
from jax import Array
from jax.custom_batching import custom_vmap

from cnnkit.network.kernels import banded, depthwise, lowered, plain, pointwise
from cnnkit.network.kernels.choice import by_platform, is_divisible, is_plain, may_be_foreign
from cnnkit.network.kernels.geometry import Geometry, Propagation
from cnnkit.network.kernels.onednn import convolution as foreign
from cnnkit.network.kernels.onednn import depthwise as channelwise
from cnnkit.network.kernels.plain import Padding, Sizes

Binary = Callable[[Array, Array], Array]
Way = Callable[[Propagation, Geometry, Array, Array], Array]


def convolve(
    x: Array, kernel: Array, *, stride: Sizes, padding: Padding, dilation: Sizes, groups: int = 1
) -> Array:
    """As ``plain.convolve``; on CPUs faster.

    It has no forward-mode derivatives; ``plain.convolve`` has them.
    """
    pairs = tuple((before, after) for before, after in padding)
    geometry = Geometry(
        tuple(stride), pairs, tuple(dilation), groups, tuple(x.shape), tuple(kernel.shape)
    )
    empty = 0 in (*geometry.input, *geometry.filters, *geometry.output)
    if is_plain() or empty or x.dtype != kernel.dtype:
        return plain.convolve(
            x, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups
        )
    if geometry.covers_input and not geometry.is_pointwise:
        return _as_dense(geometry, x, kernel)
    return _forward(geometry, x, kernel)


def _as_dense(geometry: Geometry, x: Array, kernel: Array) -> Array:
    """A convolution whose kernel covers the input: a dense layer, so one of a single cell."""
    ones = (1,) * len(geometry.stride)
    cells = x.reshape(x.shape[0], *ones, -1)
    rows = kernel.reshape(*ones, cells.shape[-1], kernel.shape[-1])
    padding = ((0, 0),) * len(ones)
    flat = Geometry(ones, padding, ones, 1, tuple(cells.shape), tuple(rows.shape))
    return _forward(flat, cells, rows)


def way(propagation: Propagation, geometry: Geometry, dtype: jax.typing.DTypeLike) -> Way:
    """How a propagation is computed on a CPU."""
    by_onednn = may_be_foreign() and foreign.gains(propagation, geometry, dtype)
    if may_be_foreign() and channelwise.gains(geometry, dtype):
        return channelwise.compute
    if by_onednn and dtype == jnp.bfloat16:  # of which XLA's products are slower than of float32
        few = propagation is Propagation.filter_gradient and pointwise.has_few_rows(geometry)
        return pointwise.in_float32 if few else foreign.compute
    if geometry.is_pointwise and set(geometry.stride) == {1}:
        if len(geometry.stride) == 1 and propagation is not Propagation.filter_gradient:
            return lowered.compute  # XLA makes no loop of it, but a product of its own
        return pointwise.compute
    if by_onednn:
        return foreign.compute
    if geometry.is_pointwise:
        return pointwise.compute
    if geometry.is_depthwise and geometry.filters[-1] == geometry.input[-1]:
        return depthwise.compute
    if dtype == jnp.float32 and banded.gains(propagation, geometry):
        return banded.compute
    if propagation is Propagation.filter_gradient and not is_divisible():
        return lowered.in_chunks if lowered.gains_from_chunks(geometry) else lowered.in_one
    return lowered.compute


def _compute(propagation: Propagation, geometry: Geometry, first: Array, second: Array) -> Array:
    xla: Binary = partial(lowered.compute, propagation, geometry)
    chosen = way(propagation, geometry, first.dtype)
    on_cpu: Binary = partial(chosen, propagation, geometry)
    if chosen in (lowered.compute, lowered.in_one, lowered.in_chunks):
        on_cpu = _one_by_one(on_cpu, xla)
    result: Array = by_platform(first, second, cpu=on_cpu, default=xla)
    return result


def _one_by_one(function: Binary, each: Binary) -> Binary:
    """The function; where `jax.vmap` maps it over both operands, as many calls of another.

    XLA makes one convolution in groups of them, which on a CPU is up to ten times slower.
    """
    mapped = custom_vmap(function)

    @mapped.def_vmap
    def rule(
        size: int, is_mapped: Sequence[bool], first: Array, second: Array
    ) -> tuple[Array, bool]:
        if not all(is_mapped):
            axes = tuple(0 if one else None for one in is_mapped)
            return jax.vmap(function, axes)(first, second), True
        one = _one_by_one(each, each)
        return jnp.stack([one(first[k], second[k]) for k in range(size)]), True

    called: Binary = mapped
    return called


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _forward(geometry: Geometry, x: Array, kernel: Array) -> Array:
    return _compute(Propagation.forward, geometry, x, kernel)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _data_gradient(geometry: Geometry, dy: Array, kernel: Array) -> Array:
    return _compute(Propagation.data_gradient, geometry, dy, kernel)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _filter_gradient(geometry: Geometry, x: Array, dy: Array) -> Array:
    return _compute(Propagation.filter_gradient, geometry, x, dy)


_Kept = tuple[Array, Array]


def _forward_backward(geometry: Geometry, kept: _Kept, ct: Array) -> _Kept:
    x, kernel = kept
    of_filters = _filter_gradient(geometry, x, ct)
    return _data_gradient(geometry, _in_turn(geometry, of_filters, ct), kernel), of_filters


def _in_turn(geometry: Geometry, of_filters: Array, dy: Array) -> Array:
    """The gradient of large maps, such that it is read for the data when the filters' is done.

    So the copies that the one is computed from are gone when the other is made. It is looked
    through once more for that, which is little beside a convolution, and beside a product of
    matrices where it is small itself.
    """
    by = way(Propagation.filter_gradient, geometry, dy.dtype)
    small = by is pointwise.compute and 4 * prod(geometry.output) <= prod(geometry.input)
    if not lowered.are_large(geometry) or not (small or by in (lowered.in_one, lowered.in_chunks)):
        return dy
    ordered: Array = by_platform(of_filters, dy, cpu=lowered.after, default=lambda _, dy: dy)
    return ordered


def _data_gradient_backward(geometry: Geometry, kept: _Kept, ct: Array) -> _Kept:
    dy, kernel = kept
    return _forward(geometry, ct, kernel), _filter_gradient(geometry, ct, dy)


def _filter_gradient_backward(geometry: Geometry, kept: _Kept, ct: Array) -> _Kept:
    x, dy = kept
    return _data_gradient(geometry, dy, ct), _forward(geometry, x, ct)


_forward.defvjp(lambda geometry, x, k: (_forward(geometry, x, k), (x, k)), _forward_backward)
_data_gradient.defvjp(
    lambda geometry, dy, k: (_data_gradient(geometry, dy, k), (dy, k)), _data_gradient_backward
)
_filter_gradient.defvjp(
    lambda geometry, x, dy: (_filter_gradient(geometry, x, dy), (x, dy)),
    _filter_gradient_backward,
)
