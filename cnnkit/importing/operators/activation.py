"""Functions of each element, and the softmax."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.builder import axis_of, constant
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.scores import weighed
from cnnkit.importing.operators.view import View

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Builder, Given, Made, Operator

Fields = Callable[[OperatorNode], dict[str, Any]]


def _nothing(_: OperatorNode) -> dict[str, Any]:
    return {}


def elementwise(kind: str, fields: Fields = _nothing) -> Operator:
    """An operator that does the same with each element, whatever the order of the axes."""

    def apply(node: OperatorNode, build: Builder, given: Given) -> View:
        value = build.flattened(node, tensor(given))
        return value.over(build.apply(node, kind, value.source, fields=fields(node)))

    return apply


def tensor(given: Given) -> View:
    """The first input.

    Raises:
        RefusedError: It is a constant.
    """
    if not given or not isinstance(given[0], View):
        raise RefusedError("it reads a constant where a tensor of the network belongs")
    return given[0]


def _slope(node: OperatorNode) -> dict[str, Any]:
    slope = node.number("alpha", 0.01)
    return {} if slope == 0.1 else {"slope": slope}


def _elu(node: OperatorNode) -> dict[str, Any]:
    alpha = node.number("alpha", 1)
    return {} if alpha == 1 else {"alpha": alpha}


def _gelu(node: OperatorNode) -> dict[str, Any]:
    return {"approximate": True} if node.get("approximate", "none") == "tanh" else {}


def clip(node: OperatorNode, build: Builder, given: Given) -> View:
    """Clip: from 0 to 6, from 0 up, and between or from two other numbers."""
    bounds: list[float | None] = [node.get("min"), node.get("max")]
    for place, value in enumerate(given[1:3]):
        if value is not None:
            bounds[place] = float(constant(value, "bound").reshape(()))
    return clipped(node, build, tensor(given), *bounds)


def clipped(
    node: OperatorNode, build: Builder, value: View, lowest: float | None, highest: float | None
) -> View:
    """Every value brought between two numbers, of which one may be none."""
    lowest, highest = (None if each is None else float(f"{each:.7g}") for each in (lowest, highest))
    lowest = None if lowest is not None and lowest < -_HUGE else lowest
    highest = None if highest is not None and highest > _HUGE else highest
    if lowest is None and highest is None:
        return value
    if (lowest, highest) in _CLIPS:
        return value.over(build.apply(node, _CLIPS[lowest, highest], value.source))
    if highest is None:  # max(x, lowest): what is not above it becomes it
        fields = {"threshold": lowest, "value": lowest}
        return value.over(build.apply(node, "threshold", value.source, fields=fields))
    lowest = _LEAST if lowest is None else lowest
    if lowest >= highest:
        raise RefusedError(
            f"it clips from {lowest} to {highest}", "near is hard_tanh, of two bounds in order"
        )
    usual = {"minimum": (lowest, -1), "maximum": (highest, 1)}
    fields = {name: bound for name, (bound, default) in usual.items() if bound != default}
    return value.over(build.apply(node, "hard_tanh", value.source, fields=fields))


_HUGE = 1e37
_LEAST = -3.4028235e38
"""The least number that a float32 can be: a bound that bounds nothing."""
_CLIPS: dict[tuple[float | None, float | None], str] = {(0, 6): "relu6", (0, None): "relu"}


def selu(node: OperatorNode, build: Builder, given: Given) -> View:
    """Selu: with other constants than its own it is gamma times an ELU."""
    value = tensor(given)
    alpha, gamma = node.number("alpha", 1.67326), node.number("gamma", 1.0507)
    if abs(alpha - 1.67326) < 1e-4 and abs(gamma - 1.0507) < 1e-4:
        return value.over(build.apply(node, "selu", value.source))
    value = value.over(build.apply(node, "elu", value.source, fields={"alpha": alpha}))
    return _affine(node, build, value, gamma, 0)


def hard_sigmoid(node: OperatorNode, build: Builder, given: Given) -> View:
    """HardSigmoid, min(max(0, alpha·x + beta), 1)."""
    value = tensor(given)
    alpha, beta = node.number("alpha", 0.2), node.number("beta", 0.5)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return value.over(build.apply(node, "hard_sigmoid", value.source))
    return clipped(node, build, _affine(node, build, value, alpha, beta), 0, 1)


def _affine(node: OperatorNode, build: Builder, value: View, factor: float, summand: float) -> View:
    """factor·x + summand, of two numbers."""
    import numpy as np

    weights = {"value": np.asarray(factor)}
    value = value.over(build.apply(node, "channel_multiply", value.source, weights=weights))
    if not summand:
        return value
    weights = {"value": np.asarray(summand)}
    return value.over(build.apply(node, "channel_add", value.source, weights=weights))


def _celu(node: OperatorNode) -> dict[str, Any]:
    alpha = node.number("alpha", 1)
    return {} if alpha == 1 else {"alpha": alpha}


def _thresholded(node: OperatorNode) -> dict[str, Any]:
    alpha = node.number("alpha", 1)
    return {} if alpha == 1 else {"threshold": alpha}


def shrink(node: OperatorNode, build: Builder, given: Given) -> View:
    """Shrink: hard without a bias, soft where the bias is the threshold."""
    value = tensor(given)
    threshold, bias = node.number("lambd", 0.5), node.number("bias", 0)
    if bias not in (0, threshold):
        raise RefusedError(
            f"its bias is {bias}, its threshold {threshold}", "near are hard_shrink and softshrink"
        )
    fields = {} if threshold == 0.5 else {"threshold": threshold}
    kind = "softshrink" if bias else "hard_shrink"
    return value.over(build.apply(node, kind, value.source, fields=fields))


def swish(node: OperatorNode, build: Builder, given: Given) -> View:
    """Swish, x·sigmoid(alpha·x)."""
    value = tensor(given)
    alpha = node.number("alpha", 1)
    kinds = {1.0: "silu", 1.702: "quick_gelu"}
    if alpha not in kinds:
        raise RefusedError(f"its alpha is {alpha}", "near are silu, of 1, and quick_gelu, of 1.702")
    return value.over(build.apply(node, kinds[alpha], value.source))


def power(exponent: float) -> Operator:
    """X to the power of a constant."""
    return elementwise("power", lambda _: {} if exponent == 2 else {"exponent": exponent})


def raised(node: OperatorNode, build: Builder, given: Given) -> View:
    """Pow by one number."""
    exponent = constant(given[1], "exponent")
    if exponent.size != 1:
        raise RefusedError(f"its exponents are {list(exponent.shape)}", "near is power, of one")
    number = float(f"{float(exponent.reshape(())):.7g}")
    return tensor(given) if number == 1 else _view(power(number)(node, build, given))


def _view(made: Made) -> View:
    if not isinstance(made, View):
        raise TypeError("an operator of one tensor gives one")
    return made


def cast(node: OperatorNode, build: Builder, given: Given) -> View:
    """Cast from one float to another, which changes nothing that can be said."""
    del build
    if node.get("to") not in FLOATS:
        raise RefusedError(
            "it computes with what depends on the input",
            "import a model that takes floats, such as `cnnkit export RUN --raw` writes",
        )
    return tensor(given)


def prelu(node: OperatorNode, build: Builder, given: Given) -> View:
    """PRelu, a slope a channel, one for all, or one for each channel of each cell."""
    import numpy as np

    view = tensor(given)
    slope = constant(given[1], "slope")
    channels = view.channel_axis
    if slope.size == 1 and view.shape[-1] > 1:
        weights = {"slope": slope.reshape(-1)}
        fields = {"per": "layer"}
        return view.over(build.apply(node, "prelu", view.source, fields=fields, weights=weights))
    along = channels if slope.size == view.shape[-1] else None  # also where there is one channel
    if slope.ndim > view.rank:
        raise RefusedError(f"its slopes are {list(slope.shape)}", "near is prelu, one a channel")
    spread = slope.reshape((1,) * (view.rank - slope.ndim) + slope.shape)
    if view.batch is not None:
        if spread.shape[view.batch] != 1:
            raise RefusedError("its slopes differ along the batch")
        spread = spread.squeeze(view.batch)
    axes = [at for at, extent in enumerate(spread.shape) if extent > 1]
    if len(axes) == 1 and axes[0] != channels:
        along, view = axes[0], build.aligned(node, view, axes[0])
    if along is not None and axes in ([], [along]):
        weights = {"slope": slope.reshape(-1)}
        return view.over(build.apply(node, "prelu", view.source, weights=weights))
    view = build.aligned(node, view)
    whole = np.broadcast_to(spread, view.extents).reshape(-1)
    weights = {"slope": whole[view.order()].reshape(view.shape)}
    number = build.apply(node, "prelu", view.source, fields={"per": "cell"}, weights=weights)
    return view.over(number)


def softmax(kind: str) -> Operator:
    """Softmax over an axis; before opset 13 it was over all axes from one on."""

    def apply(node: OperatorNode, build: Builder, given: Given) -> View:
        value = tensor(given)
        axis = axis_of(node.get("axis", -1 if node.opset >= 13 else 1), value.rank)
        place = value.place(axis)
        if node.opset < 13 and any(extent > 1 for extent in value.extents[place + 1 :]):
            raise RefusedError(
                f"it is over all axes from {axis} on of {list(value.extents)}",
                f"near is {kind}, over one axis",
            )
        if kind == "softmax" and (made := weighed(node, build, value, place)) is not None:
            return made
        if value.channel_axis == place:
            return value.over(build.apply(node, kind, value.source))
        value = build.aligned(node, value)
        over = ours(value, place)
        fields = {} if over == "channels" else {"over": over}
        return value.over(build.apply(node, kind, value.source, fields=fields))

    return apply


def ours(view: View, place: int) -> int | str:
    """Which axis of our tensor one of an aligned view's is, as fields name it."""
    others = [axis[0].axis for axis in view.axes if axis]
    if view.axes[place]:
        at = view.axes[place][0].axis
    else:  # of one cell: any of ours that no other is
        at = next(axis for axis in range(len(view.shape)) if axis not in others)
    return "channels" if at == len(view.shape) - 1 else at


def dropout(node: OperatorNode, build: Builder, given: Given) -> View:
    """Dropout: a rate of the attribute, or, since opset 12, of an input."""
    value = build.flattened(node, tensor(given))
    if len(given) > 2 and given[2] is not None and constant(given[2], "mode").any():
        raise RefusedError("it drops at random", "export the model in `eval()`")
    rate = node.number("ratio", 0.5)
    if len(given) > 1 and given[1] is not None:
        rate = float(str(constant(given[1], "ratio").reshape(())))
    return value.over(build.apply(node, "dropout", value.source, fields={"rate": rate}))


def identity(node: OperatorNode, build: Builder, given: Given) -> View:
    """What changes nothing."""
    del node, build
    return tensor(given)


FLOATS = (1, 10, 11, 16)
"""What ONNX numbers float32, float16, float64 and bfloat16."""

OPERATORS: dict[str, Operator] = {
    "Cast": cast,
    "Celu": elementwise("celu", _celu),
    "Clip": clip,
    "Dropout": dropout,
    "Erf": elementwise("erf"),
    "Elu": elementwise("elu", _elu),
    "Gelu": elementwise("gelu", _gelu),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": elementwise("hard_silu"),
    "Identity": identity,
    "LeakyRelu": elementwise("leaky_relu", _slope),
    "LogSoftmax": softmax("log_softmax"),
    "Mish": elementwise("mish"),
    "PRelu": prelu,
    "Pow": raised,
    "Reciprocal": power(-1.0),
    "Relu": elementwise("relu"),
    "Selu": selu,
    "Shrink": shrink,
    "Sigmoid": elementwise("sigmoid"),
    "Softmax": softmax("softmax"),
    "Softplus": elementwise("softplus"),
    "Softsign": elementwise("softsign"),
    "Sqrt": power(0.5),
    "Swish": swish,
    "Tanh": elementwise("tanh"),
    "ThresholdedRelu": elementwise("threshold", _thresholded),
}
