"""Convolutions, and the products of matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.builder import constant, spatial
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.shaping import transpose
from cnnkit.importing.operators.view import Atom, View
from cnnkit.importing.operators.windows import padding, scalar, window
from cnnkit.layers.shape import Shape

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Builder, Given, Operator


def conv(node: OperatorNode, build: Builder, given: Given) -> View:
    """Conv: kernels of [filters, channels/groups, *kernel]; ours end in channels and filters."""
    source = build.channels(node, given[0])
    kernel = constant(given[1], "kernel")
    shape = build.graph.shape(source)
    groups = node.get("group", 1)
    filters, channels = kernel.shape[0], shape[-1]
    if kernel.ndim != len(shape) + 1 or kernel.shape[1] * groups != channels:
        raise RefusedError(
            f"its kernel of {list(kernel.shape)} in {groups} groups does not fit {channels} "
            "channels"
        )
    fields = window(node, spatial(shape), kernel.shape[2:], "kernel")
    weights = {"kernel": _spatial_first(kernel)}
    fields |= _bias(given, weights)
    depthwise = groups == channels > 1
    if depthwise:
        named: dict[str, Any] = {"multiplier": filters // groups} if filters != groups else {}
    else:
        named = {"filters": filters}
        fields |= {"groups": groups} if groups > 1 else {}
    kind = "depthwise_conv" if depthwise else "conv"
    return build.made(node, kind, source, fields=named | fields, weights=weights)


_USUAL = {"output_padding": 0, "padding": 0}


def conv_transpose(node: OperatorNode, build: Builder, given: Given) -> View:
    """ConvTranspose: kernels of [channels, filters/groups, *kernel]."""
    import numpy as np

    source = build.channels(node, given[0])
    kernel = constant(given[1], "kernel")
    shape = build.graph.shape(source)
    groups = node.get("group", 1)
    if kernel.ndim != len(shape) + 1 or kernel.shape[0] != shape[-1]:
        raise RefusedError(f"its kernel of {list(kernel.shape)} does not fit {shape[-1]} channels")
    fields = {"filters": kernel.shape[1] * groups}
    fields |= window(node, spatial(shape), kernel.shape[2:], "kernel")
    fields |= _cropped(node, spatial(shape), kernel.shape[2:])
    if groups > 1:
        fields["groups"] = groups
    if "output_padding" not in fields and any(node.get("output_padding") or []):
        fields["output_padding"] = scalar(node.get("output_padding"))
    fields = {name: value for name, value in fields.items() if value != _USUAL.get(name)}
    # Ours has [*kernel, channels/groups, filters]: each group's channels beside its filters.
    split = kernel.reshape(groups, -1, *kernel.shape[1:])
    merged = np.concatenate([*split], axis=1)
    weights = {"kernel": np.moveaxis(merged, (0, 1), (-2, -1))}
    fields |= _bias(given, weights)
    return build.made(node, "transposed_conv", source, fields=fields, weights=weights)


def _cropped(node: OperatorNode, extents: Shape, kernel: Sequence[int]) -> dict[str, Any]:
    """The padding of a ConvTranspose that says what shape goes out in place of it."""
    automatic = node.get("auto_pad", "NOTSET")
    rank = len(extents)
    strides = node.get("strides") or [1] * rank
    wanted = node.get("output_shape")
    if not wanted and not automatic.startswith("SAME"):
        return {}
    wanted = wanted or [extent * stride for extent, stride in zip(extents, strides, strict=True)]
    dilations = node.get("dilations") or [1] * rank
    more = node.get("output_padding") or [0] * rank
    before, after, added = [], [], []
    for at, extent in enumerate(extents):
        window_size = dilations[at] * (kernel[at] - 1) + 1
        total = strides[at] * (extent - 1) + more[at] + window_size - wanted[at]
        added.append(more[at] + max(0, -total))
        total = max(0, total)
        small, large = total // 2, total - total // 2
        first, last = (small, large) if automatic == "SAME_UPPER" else (large, small)
        before.append(first)
        after.append(last)
    return {"padding": padding(before, after), "output_padding": scalar(added)}


def gemm(node: OperatorNode, build: Builder, given: Given) -> View:
    """Gemm: alpha·x·W + beta·b, with W transposed where it says so."""
    import numpy as np

    value = given[0]
    if node.get("transA", 0):
        value = transpose(node, build, [value])
    matrix = constant(given[1], "matrix") * np.float32(node.number("alpha", 1))
    if node.get("transB", 0):
        matrix = matrix.T
    bias = given[2] if len(given) > 2 else None
    if bias is not None:
        bias = constant(bias, "bias") * np.float32(node.number("beta", 1))
    return _dense(node, build, value, matrix, bias)


def matmul(node: OperatorNode, build: Builder, given: Given) -> View:
    """MatMul of vectors, or of the channels of a map, with a constant matrix."""
    return _dense(node, build, given[0], constant(given[1], "matrix"), None)


def _dense(
    node: OperatorNode,
    build: Builder,
    value: View | Array | None,
    matrix: Array,
    bias: Array | None,
) -> View:
    import numpy as np

    if not isinstance(value, View):
        raise RefusedError("it multiplies a constant with what depends on the input")
    if matrix.ndim > 2 and matrix.size == math.prod(matrix.shape[-2:]):
        matrix = matrix.reshape(matrix.shape[-2:])
    if matrix.ndim != 2 or not value.axes or value.extents[-1] != matrix.shape[0]:
        raise RefusedError(
            f"its matrix of {list(matrix.shape)} does not fit rows of {list(value.extents)}"
        )
    units = int(matrix.shape[1])
    fields: dict[str, Any] = {} if bias is not None else {"bias": False}
    if bias is not None:
        build.graph.folded -= units - bias.size
        bias = np.broadcast_to(bias.reshape(-1), (units,))
    if len(value.axes) == 1:
        source, order = build.vector(node, value)
        weights = {"kernel": matrix if order is None else matrix[order]}
        weights |= {} if bias is None else {"bias": bias}
        fields = {"units": units, **fields}
        made = build.made(node, "dense", source, fields=fields, weights=weights)
        return replace(made, batch=value.batch)
    if value.channel_axis != len(value.axes) - 1:
        value = build.aligned(node, value, len(value.axes) - 1)
    rank = len(value.shape) - 1
    weights = {"kernel": matrix.reshape((1,) * rank + matrix.shape)}
    weights |= {} if bias is None else {"bias": bias}
    fields = {"filters": units, "kernel": 1, **fields}
    number = build.apply(node, "conv", value.source, fields=fields, weights=weights)
    channels = (Atom(rank, 1, units),) if units > 1 else ()
    axes = (*value.axes[:-1], channels)
    return View(number, (*value.shape[:-1], units), axes, value.batch)


def _spatial_first(kernel: Array) -> Array:
    """[filters, channels, *kernel] as [*kernel, channels, filters]."""
    import numpy as np

    return np.moveaxis(kernel, (1, 0), (-2, -1))


def _bias(given: Given, weights: dict[str, Array]) -> dict[str, Any]:
    """Adds the bias, where there is one, and says so where there is none."""
    if len(given) < 3 or given[2] is None:
        return {"bias": False}
    weights["bias"] = constant(given[2], "bias")
    return {}


OPERATORS: dict[str, Operator] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Gemm": gemm,
}
