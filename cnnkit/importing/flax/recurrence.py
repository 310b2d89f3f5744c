"""`scan` over the steps of an LSTM or a GRU, whichever way its code is written.

The gates are read from the step; which is which is tried, and the step that they make is held to
the one of the module on random numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnkit.importing.flax.equation import Equation
from cnnkit.importing.flax.gates import GateInput, Gates, gates_of
from cnnkit.importing.flax.steps import flattened
from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.view import View

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

_NEAR = "the kinds are lstm and gru: write its steps out, where they are few"
_CLOSE = 1e-4


class _Layer(NamedTuple):
    """A recurrent layer in ONNX's vocabulary, its gates in the order of ONNX.

    Attributes:
        operator: ``LSTM`` or ``GRU``.
        kernel: [gates·units, channels].
        recurrent: [gates·units, units].
        bias: [2·gates·units], of the input and of the state, where there is one.
        state: Which of the step's states goes out.
    """

    operator: str
    kernel: Array
    recurrent: Array
    bias: Array | None
    state: int


def scan(equation: Equation) -> list[Any]:
    """A recurrent layer: its last states, then its states of all steps.

    Raises:
        RefusedError: Its step is that of no layer of ours.
    """
    import numpy as np

    params = equation.params
    consts, carries = params["num_consts"], params["num_carry"]
    sequences = equation.inputs[consts + carries :]
    if len(sequences) != 1 or not isinstance(sequences[0], View):
        raise RefusedError("it goes over several tensors, or over none", _NEAR)
    constants = {place: equation.constant(place) for place in range(consts)}
    starts = [equation.constant(consts + place) for place in range(carries)]
    if any(start.any() for start in starts):
        raise RefusedError("it does not start from zeros", _NEAR)
    body = flattened(params["jaxpr"])
    layer = _layer(params["jaxpr"], body, constants, carries)
    if layer is None:
        raise RefusedError("its step is neither an LSTM's nor a GRU's", _NEAR)
    units = layer.recurrent.shape[-1]
    direction = "reverse" if params["reverse"] else "forward"
    view = equation.view_at(consts + carries)
    bias = None if layer.bias is None else layer.bias[None]
    options = {"hidden_size": units, "direction": direction, "linear_before_reset": 1}
    every, last = equation.onnx(
        layer.operator, view, layer.kernel[None], layer.recurrent[None], bias, outputs=2, **options
    )
    states: list[Any] = [None] * carries
    states[layer.state] = equation.onnx("Squeeze", last, np.asarray([0]))
    return [*states, equation.onnx("Squeeze", every, np.asarray([1]))]


def _layer(closed: Any, body: Any, constants: Mapping[int, Array], carries: int) -> _Layer | None:
    """The layer whose step a function is."""
    if len(body.inputs) != len(constants) + carries + 1 or len(body.outputs) != carries + 1:
        return None
    found = gates_of(body, constants)
    tried = _lstms if carries == 2 else _grus
    if carries not in (1, 2):
        return None
    first = len(constants)
    rows = _rows([body.shapes[each] for each in body.inputs[first:]])
    theirs = _run(closed, [*constants.values(), *rows])
    for layer in tried(found, first, len(body.inputs) - 1):
        ours = _step(layer, rows)
        if ours is not None and _same(ours, theirs):
            return layer
    return None


def _rows(shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    import numpy as np

    random = np.random.default_rng(0)
    return [random.standard_normal(shape, np.float32) for shape in shapes]


def _run(closed: Any, given: Sequence[Array]) -> list[Array]:
    """What a step gives."""
    import jax
    import numpy as np
    from jax.extend.core import jaxpr_as_fun

    return [np.asarray(each) for each in jax.jit(jaxpr_as_fun(closed))(*given)]


def _same(ours: Sequence[Array], theirs: Sequence[Array]) -> bool:
    import numpy as np

    return all(
        one.shape == other.shape and bool(np.abs(one - other).max() < _CLOSE)
        for one, other in zip(ours, theirs, strict=True)
    )


def _lstms(found: Gates, first: int, given: int) -> Iterator[_Layer]:
    """The LSTMs that three sigmoids and a tanh may be the gates of."""
    if len(found.sigmoids) != 3 or len(found.tanhs) != 1:
        return
    for state in (0, 1):
        for i, f, o in permutations(found.sigmoids):
            gates = [i.of, o.of, f.of, found.tanhs[0].of]
            layer = _joined("LSTM", gates, given, first + state, state)
            if layer is not None:
                yield layer


def _grus(found: Gates, first: int, given: int) -> Iterator[_Layer]:
    """The GRUs that two sigmoids and a tanh of a gated sum may be the gates of."""
    if len(found.sigmoids) != 2 or len(found.candidates) != 1:
        return
    (candidate,) = found.candidates
    if candidate.plus is None:
        return
    reset = candidate.gate
    (update,) = (each for each in found.sigmoids if each is not reset)
    of_input = GateInput(candidate.plus.matrices, candidate.plus.bias)
    gates = [update.of, reset.of, of_input]
    layer = _joined("GRU", gates, given, first, 0, candidate.times)
    if layer is not None:
        yield layer


def _joined(
    operator: str,
    gates: Sequence[GateInput],
    given: int,
    state_place: int,
    state: int,
    own: GateInput | None = None,
) -> _Layer | None:
    """The arrays of gates side by side.

    Args:
        operator: ONNX's name of the layer.
        gates: In the order of ONNX.
        given: The place of the input among what the step reads.
        state_place: The place of the state that the gates read.
        state: Which state that is.
        own: What of the last gate is of the state, where that is gated.
    """
    import numpy as np

    states = [*gates[:-1], own if own is not None else gates[-1]]
    if any(given not in gate.matrices for gate in gates):
        return None
    if any(set(gate.matrices) - {given, state_place} for gate in (*gates, *states)):
        return None
    if any(state_place not in gate.matrices for gate in states):
        return None
    if own is not None and (given in own.matrices or state_place in gates[-1].matrices):
        return None
    kernel = np.concatenate([gate.matrices[given].T for gate in gates])
    recurrent = np.concatenate([gate.matrices[state_place].T for gate in states])
    units = recurrent.shape[-1]
    if recurrent.shape[0] != units * len(gates):
        return None
    every = [*gates, *([own] if own is not None else [])]
    bias = None
    if any(gate.bias is not None for gate in every):
        zeros = np.zeros(units, np.float32)
        ahead = [zeros if gate.bias is None else gate.bias for gate in gates]
        behind = [zeros] * len(gates)
        if own is not None and own.bias is not None:
            behind[-1] = own.bias
        bias = np.concatenate([*ahead, *behind])
    return _Layer(operator, kernel, recurrent, bias, state)


def _step(layer: _Layer, rows: Sequence[Array]) -> list[Array] | None:
    """What a step of the layer gives: its states, and the one that goes out."""
    import numpy as np

    *states, x = rows
    h = states[layer.state]
    if layer.recurrent.shape[-1] != h.shape[-1] or layer.kernel.shape[-1] != x.shape[-1]:
        return None
    gates = 4 if layer.operator == "LSTM" else 3
    biases = np.zeros((2, gates * h.shape[-1])) if layer.bias is None else layer.bias
    ahead, behind = np.reshape(biases, (2, -1))
    given = np.split(x @ layer.kernel.T + ahead, gates, -1)
    own = np.split(h @ layer.recurrent.T + behind, gates, -1)
    if layer.operator == "LSTM":
        i, o, f, g = (a + b for a, b in zip(given, own, strict=True))
        cell = _sigmoid(f) * states[1 - layer.state] + _sigmoid(i) * np.tanh(g)
        h = _sigmoid(o) * np.tanh(cell)
        made = [cell, h] if layer.state else [h, cell]
        return [*made, h]
    z, r = (_sigmoid(a + b) for a, b in zip(given[:2], own[:2], strict=True))
    h = z * h + (1 - z) * np.tanh(given[2] + r * own[2])
    return [h, h]


def _sigmoid(value: Array) -> Array:
    import numpy as np

    made: Array = 1 / (1 + np.exp(-value))
    return made
