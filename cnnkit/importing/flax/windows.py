"""Convolutions, products of matrices, and pools."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cnnkit.importing.flax.equation import Equation, UndividedSum
from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.view import View

Function = Callable[[Equation], Any]


def _convolution(equation: Equation) -> View:
    import numpy as np

    params = equation.params
    view, kernel = equation.view, equation.constant(1)
    numbers = params["dimension_numbers"]
    if numbers.lhs_spec[0] != 0 or numbers.out_spec[0] != 0 or params["batch_group_count"] != 1:
        raise RefusedError("its batch is not the first axis")
    given = view.transposed([axis - 1 for axis in numbers.lhs_spec[1:]])
    weights = np.transpose(kernel, numbers.rhs_spec)
    attributes = {"dilations": list(params["rhs_dilation"]), "group": params["feature_group_count"]}
    if set(params["lhs_dilation"]) != {1}:
        made = _transposed(equation, given, weights, attributes)
    else:
        extents = given.extents[1:]
        spans = [
            dilation * (cells - 1) + 1
            for cells, dilation in zip(weights.shape[2:], params["rhs_dilation"], strict=True)
        ]
        strides = list(params["window_strides"])
        sides = _sides(params["padding"], extents, spans, strides)
        made = equation.onnx("Conv", given, weights, None, strides=strides, **sides, **attributes)
    order = sorted(range(1, len(numbers.out_spec)), key=lambda each: numbers.out_spec[each])
    return made.transposed([each - 1 for each in order])


def _transposed(
    equation: Equation, given: View, weights: Any, attributes: Mapping[str, Any]
) -> View:
    """A convolution of a map with holes: its kernel is turned round, as ours are."""
    import numpy as np

    params = equation.params
    if set(params["window_strides"]) != {1}:
        raise RefusedError("it has strides and holes in its input", "near is transposed_conv")
    cells = weights.shape[2:]
    pads, output = [], []
    for (before, after), size, dilation in zip(
        params["padding"], cells, params["rhs_dilation"], strict=True
    ):
        span = dilation * (size - 1)
        pads.append((span - before, max(span - after, 0)))
        output.append(max(after - span, 0))
    if any(before < 0 for before, _ in pads):
        raise RefusedError(
            f"its padding of {params['padding']} is more than its kernel", "near is transposed_conv"
        )
    groups = attributes["group"]
    split = weights.reshape(groups, -1, *weights.shape[1:])  # [groups, filters, channels, *cells]
    turned = np.flip(np.swapaxes(split, 1, 2), tuple(range(3, split.ndim)))
    made: View = equation.onnx(
        "ConvTranspose",
        given,
        turned.reshape(-1, *turned.shape[2:]),
        None,
        strides=list(params["lhs_dilation"]),
        pads=[*(before for before, _ in pads), *(after for _, after in pads)],
        output_padding=output,
        **attributes,
    )
    return made


def _sides(
    padding: Sequence[tuple[int, int]],
    extents: Sequence[int],
    spans: Sequence[int],
    strides: Sequence[int],
) -> dict[str, Any]:
    """The padding as `SAME`, where its sides differ as they do there, else as numbers."""
    wanted = []
    for extent, span, stride in zip(extents, spans, strides, strict=True):
        total = max((-(-extent // stride) - 1) * stride + span - extent, 0)
        wanted.append((total // 2, total - total // 2))
    given = [(int(before), int(after)) for before, after in padding]
    if given == wanted and any(before != after for before, after in given):
        return {"auto_pad": "SAME_UPPER"}
    return {"pads": [*(before for before, _ in given), *(after for _, after in given)]}


def _product(equation: Equation) -> View:
    """A product with a constant matrix, or of two tensors, as attention has it."""
    import numpy as np

    (ours, theirs), batch = equation.params["dimension_numbers"]
    if any(map(len, batch)) or not isinstance(equation.inputs[0], View):
        return _einsum(equation)
    view, matrix = equation.view, equation.constant(1)
    rank = len(equation.shapes[0])
    if sorted(ours) != list(range(rank - len(ours), rank)) or 0 in ours:
        raise RefusedError(f"it sums over the axes {sorted(ours)}", "near is dense")
    pairs = sorted(zip(ours, theirs, strict=True))
    rest = [axis for axis in range(matrix.ndim) if axis not in theirs]
    matrix = np.transpose(matrix, [*(axis for _, axis in pairs), *rest])
    rows = math.prod(matrix.shape[: len(pairs)])
    view = view.reshaped([*view.extents[: rank - len(pairs) - 1], rows])
    made: View = equation.onnx("MatMul", view, matrix.reshape(rows, -1))
    return made.reshaped(equation.outputs[0][1:])


def _einsum(equation: Equation) -> View:
    """A product as an equation of letters: shared axes first, then those of each side."""
    (ours, theirs), (first, second) = equation.params["dimension_numbers"]
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    left, right = ([""] * len(shape) for shape in equation.shapes)
    out = []
    for kept, pairs in ((True, (first, second)), (False, (ours, theirs))):
        for one, other in zip(*pairs, strict=True):
            left[one] = right[other] = next(letters)
            out += [left[one]] if kept else []
    for side in (left, right):
        for place, letter in enumerate(side):
            if not letter:
                side[place] = next(letters)
                out.append(side[place])
    text = f"{''.join(left)},{''.join(right)}->{''.join(out)}"
    given = (
        equation.view_at(place) if isinstance(value, View) else equation.constant(place)
        for place, value in enumerate(equation.inputs)
    )
    made: View = equation.onnx("Einsum", *given, equation=text)
    return made


def _max_pool(equation: Equation) -> View:
    window = _window(equation)
    return equation.channels_first("MaxPool", equation.view, **window)


def _sum_of_windows(equation: Equation) -> UndividedSum:
    if any(step != 1 for step in equation.params["window_dilation"]):
        raise RefusedError("it averages a window with holes")
    return UndividedSum(equation.view, window=_window(equation))


def _window(equation: Equation) -> dict[str, Any]:
    params = equation.params
    whole = ("window_dimensions", "window_strides", "window_dilation", "base_dilation")
    sizes, strides, dilations, base = (list(params[name] or [1] * 99) for name in whole)
    rank = len(sizes)
    others = [sizes[0], sizes[-1], strides[0], strides[-1], *base[:rank]]
    padding = list(params["padding"])
    if set(others) != {1} or any([*padding[0], *padding[-1]]):
        raise RefusedError("its window is not one over the spatial axes")
    inner = slice(1, rank - 1)
    spans = [d * (k - 1) + 1 for k, d in zip(sizes[inner], dilations[inner], strict=True)]
    return {
        "kernel_shape": sizes[inner],
        "strides": strides[inner],
        "dilations": dilations[inner],
        **_sides(padding[inner], equation.shapes[0][inner], spans, strides[inner]),
    }


def _sum(equation: Equation) -> UndividedSum:
    return UndividedSum(equation.view, tuple(equation.params["axes"]))


def _maximum(equation: Equation) -> View:
    axes = list(equation.params["axes"])
    made: View = equation.onnx("ReduceMax", equation.view, axes=axes, keepdims=0)
    return made


WINDOWS: Mapping[str, Function] = MappingProxyType(
    {
        "conv_general_dilated": _convolution,
        "dot_general": _product,
        "reduce_max": _maximum,
        "reduce_sum": _sum,
        "reduce_window_max": _max_pool,
        "reduce_window_sum": _sum_of_windows,
    }
)
"""By the names of JAX's primitives."""
