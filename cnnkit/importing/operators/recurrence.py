"""Recurrent layers: LSTM and GRU, along a sequence in one direction or in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import REVERSED, RefusedError
from cnnkit.importing.operators.activation import tensor
from cnnkit.importing.operators.builder import constant
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.view import Atom, Axis, View

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Builder, Given, Operator

_DIRECTIONS = {"forward": "forward", "reverse": "backward", "bidirectional": "both"}
_GATES: Mapping[str, Sequence[int]] = MappingProxyType({"lstm": (0, 2, 3, 1), "gru": (0, 1, 2)})
"""Where each of our gates, i f g o and z r n, is among ONNX's."""
_USUAL = {"lstm": ["Sigmoid", "Tanh", "Tanh"], "gru": ["Sigmoid", "Tanh"]}


def recurrent(kind: str) -> Operator:
    """LSTM or GRU, whose input is [steps, batch, channels], or with the batch first."""

    def apply(node: OperatorNode, build: Builder, given: Given) -> list[View]:
        direction = node.get("direction", "forward")
        ways = 2 if direction == "bidirectional" else 1
        _refuse_others(kind, node, ways, given)
        layout = node.get("layout", 0)
        sequence = _sequence(node, build, tensor(given), layout)
        weights = _weights(kind, given, ways)
        units = int(constant(given[2], "recurrent matrix").shape[-1])
        fields: dict[str, Any] = {"units": units, "direction": _DIRECTIONS[direction]}
        if direction == "forward":
            del fields["direction"]
        if "bias" not in weights:
            fields["bias"] = False
        way: Axis = (Atom(1, units, 2),) if ways == 2 else ()
        unit: Axis = (Atom(1, 1, units),) if units > 1 else ()
        length = build.graph.shape(sequence)[0]
        step: Axis = (Atom(0, 1, length),) if length > 1 else ()
        fields["sequences"] = True
        every = build.apply(node, kind, sequence, fields=fields, weights=weights)
        last = _last(node, build, every, units, direction)
        none: Axis | None = None  # the batch
        steps = [none, step, way, unit] if layout else [step, way, none, unit]
        ends = [none, way, unit] if layout else [way, none, unit]
        return [
            View(every, build.graph.shape(every), ()).listed(steps, build.batch),
            View(last, build.graph.shape(last), ()).listed(ends, build.batch),
        ]

    return apply


def turned(node: OperatorNode, build: Builder, view: View, axis: int) -> View:
    """A tensor with an axis turned round, which a recurrent layer behind it may undo.

    Args:
        node: The node that does it.
        build: The graph.
        view: The tensor.
        axis: Which of all of the model's axes.

    Raises:
        RefusedError: It is the batch, or no kind rearranges the tensor so.
    """
    place = view.place(axis)
    if not view.axes[place]:
        return view
    view = build.aligned(node, view)
    (atom,) = view.axes[place]
    return view.over(build.apply(node, REVERSED, view.source, fields={"axis": atom.axis}))


def _last(node: OperatorNode, build: Builder, every: int, units: int, direction: str) -> int:
    """What each way ends with: the last step, and the first of the way back."""
    length, channels = build.graph.shape(every)

    def part(number: int, axis: int | str, start: int, stop: int, extent: int) -> int:
        bounds = {"start": start or None, "stop": stop if stop < extent else None}
        if bounds == {"start": None, "stop": None}:
            return number
        return build.apply(node, "slice", number, fields={"axis": axis, **bounds})

    end = part(every, 0, length - 1, length, length)
    first = part(every, 0, 0, 1, length)
    if direction != "bidirectional":
        return first if direction == "reverse" else end
    return build.apply(
        node,
        "concat",
        part(end, "channels", 0, units, channels),
        part(first, "channels", units, channels, channels),
    )


def _sequence(node: OperatorNode, build: Builder, view: View, layout: int) -> int:
    """The operation that gives the sequence, steps and channels."""
    place = 0 if layout else 1
    if view.batch == place:
        axes = list(view.axes)
    else:  # of a batch of one any axis of one cell can be it
        axes = [axis or () for axis in view.listed_axes()]
        if build.batch > 1 or len(axes) != 3 or axes.pop(place):
            raise RefusedError(
                f"its input's axis {place} is not the batch", "export the model with a batch of one"
            )
    if len(axes) != 2:
        raise RefusedError(f"its input has {len(axes)} axes behind the batch", "near is a sequence")
    return build.aligned(node, View(view.source, view.shape, tuple(axes)), 1).source


def _refuse_others(kind: str, node: OperatorNode, ways: int, given: Given) -> None:
    """Refuses what our layers lack."""
    import numpy as np

    activations = [str(_text(each)) for each in node.get("activations") or []]
    if activations not in ([], _USUAL[kind] * ways):
        raise RefusedError(f"its activations are {', '.join(activations)}", f"near is {kind}")
    if node.get("clip") is not None or node.get("input_forget", 0):
        raise RefusedError("it clips its gates, or couples them", f"near is {kind}")
    if kind == "gru" and not node.get("linear_before_reset", 0):
        raise RefusedError(
            "its reset gate is before the product, as in PyTorch's and Keras's it is behind",
            "near is gru; `linear_before_reset` is 1 in what PyTorch exports",
        )
    for place, what in ((4, "lengths"), (5, "first state"), (6, "first cell"), (7, "peepholes")):
        value = given[place] if len(given) > place else None
        if value is None:
            continue
        if isinstance(value, View):
            raise RefusedError(f"its {what} depends on the input", f"near is {kind}, from zeros")
        numbers = np.asarray(value)
        if numbers.any() and (what != "lengths" or np.ptp(numbers)):
            raise RefusedError(f"its {what} is no constant of zeros", f"near is {kind}, from zeros")


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _weights(kind: str, given: Given, ways: int) -> dict[str, Array]:
    """The arrays of each way; PyTorch's two biases of an LSTM are added."""
    found = {}
    for way, prefix in enumerate(("", "backward_")[:ways]):
        kernel, inner = (constant(each, "matrix")[way] for each in given[1:3])
        found[f"{prefix}kernel"] = _gates(kind, kernel).T
        found[f"{prefix}recurrent_kernel"] = _gates(kind, inner).T
        if len(given) > 3 and given[3] is not None:
            rows = constant(given[3], "bias")[way].reshape(2, -1)
            biases = [_gates(kind, row) for row in rows]
            found[f"{prefix}bias"] = biases[0] + biases[1] if kind == "lstm" else _stacked(biases)
    return found


def _stacked(rows: Sequence[Array]) -> Array:
    import numpy as np

    return np.stack(rows)


def _gates(kind: str, array: Array) -> Array:
    """An array whose first axis is ONNX's gates, in our order."""
    import numpy as np

    parts = np.split(array, len(_GATES[kind]))
    return np.concatenate([parts[at] for at in _GATES[kind]])


OPERATORS: dict[str, Operator] = {
    "GRU": recurrent("gru"),
    "LSTM": recurrent("lstm"),
}
