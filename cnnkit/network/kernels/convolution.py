"""Convolutions by the fastest way there is for their shape on the platform they run on.

A convolution is linear in the maps and in the filters, so that the derivatives of its three
operations (itself, its data gradient, its filter gradient) are these three again: each may be
computed in a way of its own, and reverse-mode derivatives of any order exist.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import jax
from jax import Array, lax

from cnnkit.network.kernels import depthwise, lowered, onednn, plain, pointwise
from cnnkit.network.kernels.choice import is_plain
from cnnkit.network.kernels.geometry import Geometry, Operation
from cnnkit.network.kernels.onednn import convolution as foreign
from cnnkit.network.kernels.plain import Padding, Sizes

Way = Callable[[Operation, Geometry, Array, Array], Array]


def convolve(
    x: Array, kernel: Array, *, stride: Sizes, padding: Padding, dilation: Sizes, groups: int = 1
) -> Array:
    """As ``plain.convolve``; on CPUs faster.

    Forward-mode derivatives exist only where each operation is XLA's own, as for an empty batch;
    ``plain.convolve`` has them always.
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
    return _forward(geometry, x, kernel)


def way(operation: Operation, geometry: Geometry, dtype: jax.typing.DTypeLike) -> Way:
    """How an operation is computed on a CPU."""
    if geometry.is_pointwise and set(geometry.stride) == {1}:
        return pointwise.compute
    if onednn.load().active and dtype in foreign.TYPES and _fills_cores(geometry):
        return foreign.compute
    if geometry.is_pointwise:
        return pointwise.compute
    if geometry.is_depthwise and geometry.filters[-1] == geometry.input[-1]:
        return depthwise.compute
    if operation is Operation.filter_gradient and lowered.gains_from_chunks(geometry):
        return lowered.in_chunks
    return lowered.compute


def _fills_cores(geometry: Geometry) -> bool:
    # oneDNN's work is split by examples: where these are few, XLA's own use of all cores wins.
    return 2 * geometry.input[0] >= (os.cpu_count() or 1)


def _compute(operation: Operation, geometry: Geometry, first: Array, second: Array) -> Array:
    chosen = way(operation, geometry, first.dtype)
    if chosen is lowered.compute:
        return chosen(operation, geometry, first, second)
    result: Array = lax.platform_dependent(
        first,
        second,
        cpu=partial(chosen, operation, geometry),
        default=partial(lowered.compute, operation, geometry),
    )
    return result


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _forward(geometry: Geometry, x: Array, kernel: Array) -> Array:
    return _compute(Operation.forward, geometry, x, kernel)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _data_gradient(geometry: Geometry, dy: Array, kernel: Array) -> Array:
    return _compute(Operation.data_gradient, geometry, dy, kernel)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _filter_gradient(geometry: Geometry, x: Array, dy: Array) -> Array:
    return _compute(Operation.filter_gradient, geometry, x, dy)


_Kept = tuple[Array, Array]


def _forward_backward(geometry: Geometry, kept: _Kept, ct: Array) -> _Kept:
    x, kernel = kept
    return _data_gradient(geometry, ct, kernel), _filter_gradient(geometry, x, ct)


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
