"""Functions of each element, and arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.activation import elementwise

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Made
    from cnnkit.importing.torch.call import Call

Function = Callable[["Call"], "Made"]


def _kind(kind: str) -> Function:
    def apply(call: Call) -> Made:
        return elementwise(kind)(call.node(call.name), call.build, [call.first])

    return apply


def _onnx(operator: str, **names: str) -> Function:
    """One of ONNX's operators; ``names`` are the arguments that are attributes of it."""

    def apply(call: Call) -> Made:
        attributes = {name: call[argument] for name, argument in names.items()}
        return call.onnx(operator, call.first, **attributes)

    return apply


def _clip(lowest: str, highest: str) -> Function:
    def apply(call: Call) -> Made:
        bounds = [call[name] for name in (lowest, highest)]
        low, high = (None if bound is None else float(bound) for bound in bounds)
        return call.onnx("Clip", call.first, min=low, max=high)

    return apply


def _relu6(call: Call) -> Made:
    return call.onnx("Clip", call.first, min=0.0, max=6.0)


def _elu(call: Call) -> Made:
    if call["scale"] != 1 or call["input_scale"] != 1:
        raise RefusedError("it is scaled", "near are elu and selu")
    return call.onnx("Elu", call.first, alpha=call["alpha"])


def _celu(call: Call) -> Made:
    alpha = float(call["alpha"])
    node = call.node("celu")
    fields = {} if alpha == 1 else {"alpha": alpha}
    return elementwise("celu", lambda _: fields)(node, call.build, [call.first])


def _softplus(call: Call) -> Made:
    if call["beta"] != 1 or call["threshold"] < 20:
        raise RefusedError("its beta is not 1", "near is softplus, log(1 + e^x)")
    return call.onnx("Softplus", call.first)


def _prelu(call: Call) -> Made:
    slopes = call["weight"].reshape(-1, *[1] * call.rank)  # along the channels
    return call.onnx("PRelu", call.first, slopes)


def _dropout(kind: str) -> Function:
    def apply(call: Call) -> Made:
        view, rate = call.first, float(call["p"])
        if call["train"]:
            raise RefusedError("it drops at random", "call `eval()` of the module")
        if rate == 0 or rate >= 1:
            return view  # in `eval()` it changes nothing; ours drops less than all
        if kind == "spatial_dropout":
            return call.made(kind, {"rate": rate})
        rated = {"rate": rate}
        return elementwise(kind, lambda _: rated)(call.node(kind), call.build, [view])

    return apply


def _arithmetic(operator: str) -> Function:
    def apply(call: Call) -> Made:
        left, right = call["self"], call["other"]
        if call["alpha"] not in (None, 1):
            right = call.onnx("Mul", right, _array(call["alpha"]))
        return call.onnx(operator, _array(left), _array(right))

    return apply


def _reversed_difference(call: Call) -> Made:
    if call["alpha"] != 1:
        raise RefusedError("it scales its difference")
    return call.onnx("Sub", _array(call["other"]), call["self"])


def _negative(call: Call) -> Made:
    return call.onnx("Mul", call["self"], _array(-1.0))


def _power(call: Call) -> Made:
    return call.onnx("Pow", call["self"], _array(call["exponent"]))


def _array(value: Any) -> Any:
    import numpy as np

    return np.asarray(value, np.float32) if isinstance(value, int | float) else value


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "celu": _celu,
        "clamp": _clip("min", "max"),
        "clamp_min": _clip("min", ""),
        "elu": _elu,
        "gelu": _onnx("Gelu", approximate="approximate"),
        "hardsigmoid": _kind("hard_sigmoid"),
        "hardswish": _kind("hard_silu"),
        "hardtanh": _clip("min_val", "max_val"),
        "leaky_relu": _onnx("LeakyRelu", alpha="negative_slope"),
        "log_sigmoid": _kind("log_sigmoid"),
        "log_softmax": _onnx("LogSoftmax", axis="dim"),
        "mish": _kind("mish"),
        "prelu": _prelu,
        "relu": _kind("relu"),
        "relu6": _relu6,
        "selu": _kind("selu"),
        "sigmoid": _kind("sigmoid"),
        "silu": _kind("silu"),
        "softmax": _onnx("Softmax", axis="dim"),
        "softplus": _softplus,
        "sqrt": _onnx("Sqrt"),
        "tanh": _kind("tanh"),
        "dropout": _dropout("dropout"),
        "feature_dropout": _dropout("spatial_dropout"),
        "add": _arithmetic("Add"),
        "div": _arithmetic("Div"),
        "mul": _arithmetic("Mul"),
        "neg": _negative,
        "pow": _power,
        "rsub": _reversed_difference,
        "sub": _arithmetic("Sub"),
    }
)
"""By the names of ATen."""
