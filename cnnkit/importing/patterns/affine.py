"""A factor or a summand a channel, as part of the layer before it.

A convolution or dense layer without a bias takes a summand as one, a batch norm takes both, as
Caffe writes them in a layer of their own. Before all layers, and where it is one number for
all, it is a `rescale`; a factor a channel that is left is a `scale`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnkit.importing.graph import CENTRED, INPUT, Operation, OperationGraph, told_apart

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

_WEIGHTED = ("conv", "depthwise_conv", "transposed_conv", "dense")
_NORMS = ("batch_norm", "instance_norm", "layer_norm")


def fold_affine(graph: OperationGraph) -> None:
    """Folds what belongs to the layer before; the rest becomes a layer of its own."""
    for number in list(graph.operations):
        operation = graph.operations.get(number)
        if operation is not None and operation.kind == CENTRED:
            message = f"node `{operation.node}` takes the mean over the channels away"
            graph.refuse(operation, message, "near is layer_norm, which divides what is left")
        if operation is None or operation.kind not in ("channel_multiply", "channel_add"):
            continue
        (source,) = operation.inputs
        before = graph.operations.get(source)
        if (
            before is not None
            and graph.only_reader(source) is operation
            and _folds(graph, before, operation)
        ):
            graph.bypass(number)
        else:
            _alone(graph, number, operation, before)


def _folds(graph: OperationGraph, before: Operation, operation: Operation) -> bool:
    """Whether a layer took what follows it into its own weights."""
    value, weights = operation.weights["value"], before.weights
    counted = (
        value.size if value.size > 1 else 0
    )  # single numbers are formulas that are written out
    name = "scale" if operation.kind == "channel_multiply" else "shift"
    if before.fields.get(name) is False and value.size == before.shape[-1] > 1:
        if name == "scale" and "shift" in weights:
            weights["shift"] = weights["shift"] * value
        weights[name] = value.reshape(-1)
        del before.fields[name]
        return True
    if operation.kind == "channel_multiply":
        if before.kind == "rescale":
            return False
        if before.kind not in _NORMS or "scale" not in weights:
            return False
        weights["scale"] = weights["scale"] * value
        if "shift" in weights:
            weights["shift"] = weights["shift"] * value
        _count(graph, before, value, counted)
        return True
    if before.kind in _NORMS and "shift" in weights:
        weights["shift"] = weights["shift"] + value
        _count(graph, before, value, counted)
        return True
    if before.kind in _WEIGHTED:
        gained = 0 if "bias" in weights else before.shape[-1]
        _count(graph, before, value, counted - gained)
        weights["bias"] = _spread(value, before.shape[-1]) + weights.get("bias", 0)
        before.fields.pop("bias", None)
        return True
    return False


def _count(graph: OperationGraph, layer: Operation, value: Array, folded: int) -> None:
    """Notes how many trained numbers a layer took in, and whether they are its alone."""
    graph.folded += folded
    if value.size == 1 or told_apart(value):
        layer.folded += folded


def _alone(
    graph: OperationGraph, number: int, operation: Operation, before: Operation | None
) -> None:
    value = operation.weights["value"]
    factor = operation.kind == "channel_multiply"
    if (
        before is not None
        and before.kind == "rescale"
        and graph.only_reader(operation.inputs[0]) is operation
    ):
        _rescaled(before, operation)
        graph.folded += value.size if value.size > 1 else 0
        graph.bypass(number)
    elif (operation.inputs == (INPUT,) or value.size == 1) and (not factor or (value > 0).all()):
        graph.folded += value.size if value.size > 1 else 0
        operation.kind, operation.weights = "rescale", {}
        operation.fields = (
            {"deviation": _values(1 / value)} if factor else {"mean": _values(-value)}
        )
    elif factor and value.size == 1:
        operation.kind, operation.weights = "scale", {}
        operation.fields = {"init": _values(value), "learnt": False}
    elif factor:
        operation.kind = "scale"
        operation.weights = {"scale": _spread(value, operation.shape[-1])}
    else:
        message = f"node `{operation.node}` adds a constant a channel, which no kind does alone"
        graph.refuse(operation, message, "near is the `bias` of a conv or dense layer")


def _rescaled(before: Operation, operation: Operation) -> None:
    """(x − m)/d behind another factor or summand, all constants."""
    import numpy as np

    value = operation.weights["value"]
    mean = np.asarray(before.fields.get("mean", 0.0))
    deviation = np.asarray(before.fields.get("deviation", 1.0))
    if operation.kind == "channel_multiply":
        deviation = deviation / value
    else:
        mean = mean - value * deviation
    before.fields = {"mean": _values(mean), "deviation": _values(deviation)}


def _values(value: Array) -> float | list[float]:
    """As few digits as float32 needs to be the same."""
    import numpy as np

    numbers = [float(str(np.float32(each))) for each in np.asarray(value).reshape(-1)]
    return numbers[0] if len(set(numbers)) == 1 else numbers


def _spread(value: Array, channels: int) -> Array:
    import numpy as np

    return np.broadcast_to(value.astype(np.float32).reshape(-1), (channels,))
