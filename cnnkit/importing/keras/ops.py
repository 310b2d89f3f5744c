"""Functions of `keras.ops` that compute, and the operators of its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.keras.function_call import FunctionCall, plain
from cnnkit.importing.keras.shaping import SHAPING, Function, axes_of
from cnnkit.importing.operators.view import View, channels_last


def _arithmetic(operator: str, kind: str) -> Function:
    """`x + y` and the like: of two tensors, or of one and constants."""

    def apply(call: FunctionCall) -> Any:
        left, right = call.operand(0), call.operand(1)
        if not isinstance(left, View) or not isinstance(right, View):
            return call.onnx(operator, left, right)
        if (spread := _spread(call, kind, left, right)) is not None:
            return spread
        if left.axes == right.axes and left.shape == right.shape:
            return call.onnx(operator, left, right)
        return call.channels_first(operator, left, right)

    return apply


def _spread(call: FunctionCall, kind: str, left: View, right: View) -> View | None:
    """A join of a map and of a vector whose axes before the channels have one cell."""
    for place, view in enumerate((left, right)):
        other = (right, left)[place]
        spreads = kind == "multiply" or (kind == "divide" and place == 1)
        vector = len(view.shape) == 1 < len(other.shape) and not any(view.axes[:-1])
        if spreads and vector:
            node = call.node(call.kind)
            sources = [plain(node, call.build, other), view.source]
            number = call.build.apply(node, kind, *sources)
            return channels_last(number, call.build.graph.shape(number))
    return None


def _negative(call: FunctionCall) -> View:
    made: View = call.onnx("Neg", call.view)
    return made


def _power(call: FunctionCall) -> View:
    made: View = call.onnx("Pow", call.view, call.operand(1))
    return made


def _square(call: FunctionCall) -> View:
    return call.elementwise("power")


def _root(call: FunctionCall) -> View:
    """The square root; of a sum of squares it is a norm."""
    graph, view = call.build.graph, call.view
    total = graph.operations.get(view.source)
    if total is not None and total.kind == "reduce" and total.fields.get("by") == "sum":
        squares = graph.operations.get(total.inputs[0])
        if squares is not None and (squares.kind, squares.fields) == ("power", {}):
            fields = {**total.fields, "by": "norm"}
            made = call.build.apply(call.node("reduce"), "reduce", *squares.inputs, fields=fields)
            return view.over(made)
    return call.elementwise("power", {"exponent": 0.5})


def _bound(operator: str) -> Function:
    def apply(call: FunctionCall) -> View:
        return call.channels_first(operator, call.operand(0), call.operand(1))

    return apply


def _clip(call: FunctionCall) -> View:
    bounds = {name: call.config.get(f"x_{name}") for name in ("min", "max")}
    made: View = call.onnx("Clip", call.view, **bounds)
    return made


def _kind(kind: str, **usual: float) -> Function:
    """An activation, with the fields that are not what it takes for granted."""

    def apply(call: FunctionCall) -> View:
        given = {name: call.config.get(name, default) for name, default in usual.items()}
        return call.elementwise(
            kind, {name: value for name, value in given.items() if value != usual[name]}
        )

    return apply


def _gelu(call: FunctionCall) -> View:
    return call.elementwise("gelu", {"approximate": True} if call.config["approximate"] else {})


def _leaky_relu(call: FunctionCall) -> View:
    slope = call.config.get("negative_slope", 0.2)
    return call.elementwise("leaky_relu", {} if slope == 0.1 else {"slope": slope})


def _threshold(call: FunctionCall) -> View:
    fields = {"threshold": call.config["threshold"], "value": call.config["default_value"]}
    return call.elementwise("threshold", fields)


def _glu(call: FunctionCall) -> View:
    if call.axis(call.config.get("axis", -1)) != call.rank - 1:
        raise RefusedError(f"it is over axis {call.config['axis']}", "near is glu, over channels")
    return call.layer("glu")


def _softmax(operator: str) -> Function:
    def apply(call: FunctionCall) -> View:
        made: View = call.onnx(operator, call.view, axis=call.axis(call.config.get("axis", -1)))
        return made

    return apply


def _reduced(by: str) -> Function:
    def apply(call: FunctionCall) -> View:
        rank, axes = call.rank, axes_of(call)
        if axes[0] == 0:
            raise RefusedError("it is over the batch", "near is reduce")
        over: list[int | str] = [each - 1 if each < rank - 1 else "channels" for each in axes]
        fields: dict[str, Any] = {"over": over[0] if len(over) == 1 else over}
        if by != "mean":
            fields["by"] = by
        if not call.config.get("keepdims"):
            fields["keep"] = False
        return call.layer("reduce", fields)

    return apply


def _matmul(call: FunctionCall) -> View:
    made: View = call.onnx("MatMul", call.operand(0), call.operand(1))
    return made


def _einsum(call: FunctionCall) -> View:
    operands = [call.operand(at) for at, _ in enumerate(call.args)]
    made: View = call.onnx("Einsum", *operands, equation=call.config["subscripts"])
    return made


def _same(call: FunctionCall) -> View:
    return call.view


OPS: Mapping[str, Function] = MappingProxyType(
    {
        "Add": _arithmetic("Add", "add"),
        "Subtract": _arithmetic("Sub", "subtract"),
        "Multiply": _arithmetic("Mul", "multiply"),
        "Divide": _arithmetic("Div", "divide"),
        "TrueDivide": _arithmetic("Div", "divide"),
        "Maximum": _bound("Max"),
        "Minimum": _bound("Min"),
        "Negative": _negative,
        "Power": _power,
        "Square": _square,
        "Sqrt": _root,
        "Clip": _clip,
        "Max": _reduced("max"),
        "Mean": _reduced("mean"),
        "Sum": _reduced("sum"),
        "Einsum": _einsum,
        "Matmul": _matmul,
        **SHAPING,
        "Celu": _kind("celu", alpha=1.0),
        "Elu": _kind("elu", alpha=1.0),
        "Gelu": _gelu,
        "Glu": _glu,
        "HardShrink": _kind("hard_shrink", threshold=0.5),
        "HardSigmoid": _kind("hard_sigmoid"),
        "HardSilu": _kind("hard_silu"),
        "HardTanh": _kind("hard_tanh"),
        "Identity": _same,
        "LeakyRelu": _leaky_relu,
        "LogSigmoid": _kind("log_sigmoid"),
        "LogSoftmax": _softmax("LogSoftmax"),
        "Relu": _kind("relu"),
        "Relu6": _kind("relu6"),
        "Selu": _kind("selu"),
        "Sigmoid": _kind("sigmoid"),
        "Silu": _kind("silu"),
        "SoftShrink": _kind("softshrink", threshold=0.5),
        "Softmax": _softmax("Softmax"),
        "Softplus": _kind("softplus"),
        "Softsign": _kind("softsign"),
        "Tanh": _kind("tanh"),
        "TanhShrink": _kind("tanhshrink"),
        "Threshold": _threshold,
    }
)
"""By the names of the classes in `keras.ops` that stand for functions."""
