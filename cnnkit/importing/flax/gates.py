"""The gates of a recurrent step: what its sigmoids and its tanh read, as sums of products."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cnnkit.importing.flax.steps import FlatFunction

if TYPE_CHECKING:
    from cnnkit.importing.flax.steps import FlatCall
    from cnnkit.importing.graph import Array


@dataclass(frozen=True)
class GateInput:
    """Rows of an input each times a matrix, and a bias.

    Attributes:
        matrices: By the place of the input among those of the step, [its channels, units].
        bias: One a unit, where something was added.
    """

    matrices: Mapping[int, Array]
    bias: Array | None = None

    def changed(self, function: Callable[[Array], Array]) -> GateInput:
        """The same with another matrix in the place of each, and of the bias."""
        bias = None if self.bias is None else function(self.bias[None])[0]
        return GateInput({at: function(each) for at, each in self.matrices.items()}, bias)

    def plus(self, other: GateInput) -> GateInput:
        """The sum of two."""
        places = dict.fromkeys([*self.matrices, *other.matrices])
        given = [(self.matrices.get(at), other.matrices.get(at)) for at in places]
        sums = [_sum(one, another) for one, another in given]
        return GateInput(dict(zip(places, sums, strict=True)), _sum(self.bias, other.bias))


@dataclass(frozen=True)
class Gate:
    """A sigmoid or a tanh of a sum of products."""

    of: GateInput


@dataclass(frozen=True)
class Gated:
    """A gate times a sum of products, and another such sum, as in a GRU's candidate."""

    gate: Gate
    times: GateInput
    plus: GateInput | None = None


@dataclass
class Gates:
    """What was found in a step.

    Attributes:
        sigmoids: The gates.
        tanhs: The candidates that are a tanh of a sum of products.
        candidates: Those that are one of a sum in which a part is gated.
    """

    sigmoids: list[Gate] = field(default_factory=list)
    tanhs: list[Gate] = field(default_factory=list)
    candidates: list[Gated] = field(default_factory=list)


def gates_of(step: FlatFunction, constants: Mapping[int, Array]) -> Gates:
    """The gates of one step of a recurrent layer.

    Args:
        step: What it computes, of constants, states and an input, each of rows.
        constants: Those of its inputs that are arrays of the module, by their places.
    """
    import numpy as np

    found = Gates()
    values: dict[int, Any] = dict(step.constants)
    for place, number in enumerate(step.inputs):
        width = step.shapes[number][-1] if step.shapes[number] else 1
        unit = GateInput({place: np.eye(width, dtype=np.float32)})
        values[number] = constants.get(place, unit)
    for call in step.steps:
        given = [values.get(each) if isinstance(each, int) else each for each in call.inputs]
        values.update(zip(call.outputs, _made(call, given, found), strict=True))
    return found


def _made(call: FlatCall, given: Sequence[Any], found: Gates) -> Sequence[Any]:
    """What a call gives, as far as it is of a form that is followed; else None."""
    import numpy as np

    kinds = (GateInput, Gate, Gated)
    if not any(each is None or isinstance(each, kinds) for each in given):
        made = call.primitive.bind(*given, **call.params)
        return [np.asarray(each) for each in (made if call.primitive.multiple_results else [made])]
    if call.name in _FOLLOWED and not any(each is None for each in given):
        followed = _FOLLOWED[call.name](call, given, found)
        if followed is not None:
            return followed
    return [None] * len(call.outputs)


def _sum(one: Array | None, other: Array | None) -> Any:
    return other if one is None else one if other is None else one + other


def _row(value: Array, width: int) -> Array | None:
    """A constant that is the same for all examples, as one a unit."""
    import numpy as np

    rows = np.asarray(value).reshape(-1, np.shape(value)[-1]) if np.ndim(value) else None
    if rows is None or rows.shape[-1] not in (1, width) or np.ptp(rows, 0).any():
        return None
    return np.broadcast_to(rows[0], (width,))


def _add(call: FlatCall, given: Sequence[Any], found: Gates) -> Sequence[Any] | None:
    del found
    left, right = given
    if isinstance(left, GateInput) and isinstance(right, GateInput):
        return [left.plus(right)]
    for one, other in (given, given[::-1]):
        if isinstance(one, Gated) and isinstance(other, GateInput) and one.plus is None:
            return [Gated(one.gate, one.times, other)]
        if isinstance(one, GateInput) and not isinstance(other, Gate | Gated):
            bias = _row(other, call.shapes[0][-1])
            return None if bias is None else [one.plus(GateInput({}, bias))]
    return None


def _multiply(call: FlatCall, given: Sequence[Any], found: Gates) -> Sequence[Any] | None:
    del call, found
    for one, other in (given, given[::-1]):
        if isinstance(one, Gate) and isinstance(other, GateInput):
            return [Gated(one, other)]
    return None


def _product(call: FlatCall, given: Sequence[Any], found: Gates) -> Sequence[Any] | None:
    del found
    rows, matrix = given
    if call.params["dimension_numbers"] != (((1,), (0,)), ((), ())):
        return None
    if not isinstance(rows, GateInput) or isinstance(matrix, GateInput | Gate | Gated):
        return None
    return [rows.changed(lambda each: each @ matrix)]


def _split(call: FlatCall, given: Sequence[Any], found: Gates) -> Sequence[Any] | None:
    import numpy as np

    del found
    (value,) = given
    if call.params["axis"] != 1 or not isinstance(value, GateInput):
        return None
    stops = np.cumsum([int(size) for size in call.params["sizes"]])
    starts = [0, *stops[:-1]]
    return [
        value.changed(lambda each, part=slice(start, stop): each[:, part])  # type: ignore[misc]
        for start, stop in zip(starts, stops, strict=True)
    ]


def _slice(call: FlatCall, given: Sequence[Any], found: Gates) -> Sequence[Any] | None:
    del found
    (value,) = given
    params = call.params
    strides = set(params["strides"] or (1,))
    whole = (params["start_indices"][0], params["limit_indices"][0])
    if not isinstance(value, GateInput) or strides != {1} or whole != (0, call.shapes[0][0]):
        return None
    part = slice(int(params["start_indices"][1]), int(params["limit_indices"][1]))
    return [value.changed(lambda each: each[:, part])]


def _sigmoid(call: FlatCall, given: Sequence[Any], found: Gates) -> Sequence[Any] | None:
    del call
    if not isinstance(given[0], GateInput):
        return None
    found.sigmoids.append(Gate(given[0]))
    return [found.sigmoids[-1]]


def _tanh(call: FlatCall, given: Sequence[Any], found: Gates) -> Sequence[Any] | None:
    del call
    if isinstance(given[0], GateInput):
        found.tanhs.append(Gate(given[0]))
        return [found.tanhs[-1]]
    if isinstance(given[0], Gated):
        found.candidates.append(given[0])
    return None


_FOLLOWED: Mapping[
    str, Callable[[FlatCall, Sequence[Any], Gates], Sequence[Any] | None]
] = MappingProxyType(
    {
        "add": _add,
        "dot_general": _product,
        "logistic": _sigmoid,
        "mul": _multiply,
        "slice": _slice,
        "split": _split,
        "tanh": _tanh,
    }
)  # fmt: skip
"""By the names of JAX's primitives."""
