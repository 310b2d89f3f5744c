"""A layer norm that is written out, as PyTorch exported it before opset 17.

(x − mean)/√(mean of (x − mean)² + epsilon), each mean over the channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import CENTRED
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.view import View

if TYPE_CHECKING:
    from cnnkit.importing.graph import Operation
    from cnnkit.importing.operators.builder import Builder

_ARRANGED = ("channel_shuffle", "depth_to_space", "flatten", "space_to_depth")


def centred(node: OperatorNode, build: Builder, left: View, right: View) -> View | None:
    """A tensor minus its mean over the channels; None where it is another difference."""
    mean = build.graph.operations.get(right.source)
    if mean is None or not _is_mean(mean):
        return None
    (source,) = mean.inputs
    made, shown = build.graph.operations.get(source), build.view(source)
    arranged = made is not None and made.kind in _ARRANGED and made.inputs == (left.source,)
    if arranged and shown.extents == left.extents:
        left = shown  # the mean is of the tensor that the view was made
    return left.over(build.apply(node, CENTRED, source)) if source == left.source else None


def standardized(node: OperatorNode, build: Builder, left: View, right: View) -> View | None:
    """What is centred over its deviation; None where it is another quotient."""
    middle = build.graph.operations.get(left.source)
    epsilon = None if middle is None else _epsilon(build, right, left.source)
    if middle is None or middle.kind != CENTRED or epsilon is None:
        return None
    fields: dict[str, Any] = {"scale": False, "shift": False}
    if epsilon != 1e-5:
        fields["epsilon"] = epsilon
    return left.over(build.apply(node, "layer_norm", *middle.inputs, fields=fields))


def _epsilon(build: Builder, deviation: View, source: int) -> float | None:
    """What is added to the variance of a tensor whose deviation this is; None where it is not."""
    operations = build.graph.operations
    chain = []
    operation = operations.get(deviation.source)
    for _ in range(4):
        if operation is None:
            return None
        chain.append(operation)
        operation = operations.get(operation.inputs[0])
    root, added, mean, square = chain
    if root.kind != "power" or root.fields.get("exponent") != 0.5 or square.inputs != (source,):
        return None
    if not _is_mean(mean) or square.kind != "power" or square.fields:
        return None
    value = added.weights.get("value")
    if added.kind != "channel_add" or value is None or value.size != 1 or value <= 0:
        return None
    return float(f"{float(value.reshape(())):.6g}")


def _is_mean(operation: Operation) -> bool:
    return operation.kind == "reduce" and operation.fields == {"over": "channels"}
