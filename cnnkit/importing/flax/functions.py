"""Functions of each element, and arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cnnkit.importing.flax.equation import Equation, UndividedSum, first, last
from cnnkit.importing.flax.windows import Function
from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.view import View

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

_DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "leaky_relu": {"slope": 0.1},
    "elu": {"alpha": 1.0},
    "celu": {"alpha": 1.0},
    "hard_tanh": {"minimum": -1.0, "maximum": 1.0},
}


def _kind(kind: str) -> Function:
    def apply(equation: Equation) -> View:
        usual = _DEFAULTS.get(kind, {})
        given = {name: _number(value) for name, value in equation.params.items() if name in usual}
        fields = {name: value for name, value in given.items() if value != usual[name]}
        if "approximate" in equation.params:
            fields["approximate"] = True
        node = equation.node(kind)
        view = equation.build.flattened(node, equation.view)
        return view.over(equation.build.apply(node, kind, view.source, fields=fields))

    return apply


def _number(value: Any) -> float:
    """A number of the code, as the decimal of six digits that it was made from."""
    return float(f"{float(value):.6g}")


def _clip(equation: Equation) -> View:
    bounds = {name: _number(equation.params[name]) for name in ("minimum", "maximum")}
    made: View = equation.onnx("Clip", equation.view, min=bounds["minimum"], max=bounds["maximum"])
    return made


def _softmax(operator: str) -> Function:
    def apply(equation: Equation) -> View:
        axis = len(equation.shapes[0]) - 1
        made: View = equation.onnx(operator, equation.view, axis=axis)
        return made

    return apply


def _prelu(equation: Equation) -> View:
    slope = equation.params["slope"]
    if isinstance(slope, float):
        fields = {} if slope == 0.1 else {"slope": slope}
        node, view = equation.node("leaky_relu"), equation.view
        return view.over(equation.build.apply(node, "leaky_relu", view.source, fields=fields))
    return equation.channels_first("PRelu", equation.view, slope)


def _arithmetic(operator: str) -> Function:
    def apply(equation: Equation) -> Any:
        left, right = equation.inputs
        if operator in ("Mul", "Div") and isinstance(left, UndividedSum):
            return _mean(equation, left, right, divides=operator == "Div")
        views = [value for value in (left, right) if isinstance(value, View)]
        if any(isinstance(value, UndividedSum) for value in (left, right)):
            raise RefusedError("it reads a sum", "near are the means of windows and of maps")
        if len(views) == 2 and views[0].axes != views[1].axes:
            made = equation.onnx(operator, first(left), first(right))
            return last(made)
        return equation.onnx(operator, left, right)

    return apply


def _mean(equation: Equation, total: UndividedSum, by: Any, *, divides: bool) -> View:
    """A sum that is divided by the number of its cells.

    Raises:
        RefusedError: It is divided by another number.
    """
    import numpy as np

    if isinstance(by, View | UndividedSum):
        raise RefusedError("it divides a sum by a tensor")
    divisor = np.asarray(by, np.float64) if divides else 1 / np.asarray(by, np.float64)
    if total.window is None:
        shape = (1, *total.view.extents)
        count = math.prod(shape[axis] for axis in total.axes)
        if not np.allclose(divisor, count, rtol=1e-6):
            raise RefusedError(f"it divides a sum of {count} cells by another number")
        axes, keep = list(total.axes), int(total.keep)
        made: View = equation.onnx("ReduceMean", total.view, axes=axes, keepdims=keep)
        return made
    window = total.window
    size = math.prod(window["kernel_shape"])
    if np.allclose(divisor, size, rtol=1e-6):
        counted = 1
    elif np.allclose(divisor, _cells(total), rtol=1e-6):
        counted = 0
    else:
        raise RefusedError(f"it divides a sum of {size} cells by another number")
    padded = any(window.get("pads", [1]))
    included = counted if padded else 0
    return equation.channels_first("AveragePool", total.view, count_include_pad=included, **window)


def _cells(total: UndividedSum) -> Array:
    """How many cells of the map each window covers, [1, *positions, 1]."""
    import numpy as np

    window = total.window or {}
    extents = total.view.extents[:-1]
    rank = len(extents)
    counts = np.ones(())
    pads = window.get("pads") or _same(window, extents)
    for axis, extent in enumerate(extents):
        size, stride = window["kernel_shape"][axis], window["strides"][axis]
        before, after = pads[axis], pads[rank + axis]
        starts = np.arange(0, extent + before + after - size + 1, stride) - before
        along = np.minimum(starts + size, extent) - np.maximum(starts, 0)
        counts = counts[..., None] * along
    return counts[None, ..., None]


def _same(window: Mapping[str, Any], extents: tuple[int, ...]) -> list[int]:
    totals = [
        max((-(-extent // stride) - 1) * stride + size - extent, 0)
        for extent, size, stride in zip(
            extents, window["kernel_shape"], window["strides"], strict=True
        )
    ]
    return [*(total // 2 for total in totals), *(total - total // 2 for total in totals)]


def _negative(equation: Equation) -> View:
    import numpy as np

    made: View = equation.onnx("Mul", equation.view, np.float32(-1))
    return made


def _power(equation: Equation) -> View:
    import numpy as np

    asked = equation.params.get("y")
    exponent = equation.constant(1) if asked is None else np.float32(asked)
    if exponent == 2:
        return _square(equation)
    made: View = equation.onnx("Pow", equation.view, np.asarray(exponent))
    return made


def _square(equation: Equation) -> View:
    made: View = equation.onnx("Mul", equation.view, equation.view)
    return made


def _map(equation: Equation) -> View:
    """The tensor that a norm of its channels reads.

    Raises:
        RefusedError: The channels are not its last axis.
    """
    view = equation.view
    if view.channel_axis != len(view.axes) - 1:
        raise RefusedError("it is over another axis than the channels")
    return view


def _global_response_norm(equation: Equation) -> View:
    import numpy as np

    params, node, view = equation.params, equation.node("global_response_norm"), _map(equation)
    epsilon = _number(params["epsilon"])
    weights = {name: np.asarray(params[name]).reshape(-1) for name in ("scale", "shift")}
    fields = {} if epsilon == 1e-6 else {"epsilon": epsilon}
    return view.over(
        equation.build.apply(
            node, "global_response_norm", view.source, fields=fields, weights=weights
        )
    )


def _local_response_norm(equation: Equation) -> View:
    params, node, view = equation.params, equation.node("local_response_norm"), _map(equation)
    usual = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1.0}
    given = {
        "size": int(params["size"]),
        "alpha": _number(params["factor"] * params["size"]),
        "beta": _number(params["beta"]),
        "k": _number(params["k"]),
    }
    fields = {name: value for name, value in given.items() if value != usual[name]}
    return view.over(equation.build.apply(node, node.operator, view.source, fields=fields))


def _larger(equation: Equation) -> View:
    left, right = equation.view_at(0), equation.view_at(1)
    return equation.channels_first("Max", left, right)


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "add": _arithmetic("Add"),
        "add_any": _arithmetic("Add"),
        "div": _arithmetic("Div"),
        "integer_pow": _power,
        "max": _larger,
        "mul": _arithmetic("Mul"),
        "neg": _negative,
        "pow": _power,
        "square": _square,
        "sub": _arithmetic("Sub"),
        "logistic": _kind("sigmoid"),
        "tanh": _kind("tanh"),
        **{
            kind: _kind(kind)
            for kind in (
                "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish",
                "hard_sigmoid", "hard_silu", "softplus", "softsign", "log_sigmoid", "quick_gelu",
            )
        },
        "global_response_norm": _global_response_norm,
        "local_response_norm": _local_response_norm,
        "hard_tanh": _clip,
        "softmax": _softmax("Softmax"),
        "log_softmax": _softmax("LogSoftmax"),
        "prelu": _prelu,
    }
)  # fmt: skip
"""By the names of JAX's primitives, and of known functions."""
