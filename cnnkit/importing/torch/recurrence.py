"""LSTM and GRU, whose layers may be several and whose arrays are those of PyTorch's modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.torch.call import Call

Function = Callable[["Call"], Any]

_ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}
"""Where each of ONNX's gates, i o f g and z r n, is among PyTorch's, i f g o and r z n."""


def _recurrent(operator: str) -> Function:
    def apply(call: Call) -> Any:
        _refuse_others(call)
        ways = 2 if call["bidirectional"] else 1
        arrays = iter(call["params"])
        first = bool(call["batch_first"])
        tensor: Any = call["input"]
        lasts = []
        for _ in range(call["num_layers"]):
            names = ("kernel", "inner", "bias", "inner_bias")[: 4 if call["has_biases"] else 2]
            own = [[_gates(operator, next(arrays)) for _ in names] for _ in range(ways)]
            tensor, last = _layer(call, operator, tensor, own, first)
            lasts.append(last)
        last = lasts[0] if len(lasts) == 1 else call.onnx("Concat", *lasts, axis=0)
        return [tensor, last, None]  # of the cells none, which nothing else reads

    return apply


def _layer(
    call: Call, operator: str, tensor: Any, own: Sequence[Sequence[Array]], first: bool
) -> tuple[Any, Any]:
    """The states of all steps, and the last ones, of one layer."""
    import numpy as np

    kernel, inner, *biases = (np.stack(each) for each in zip(*own, strict=True))
    bias = np.concatenate(biases, 1) if biases else None
    if first:
        tensor = call.onnx("Transpose", tensor, perm=[1, 0, 2])
    made: Any = call.onnx(
        operator,
        tensor,
        kernel,
        inner,
        bias,
        outputs=2,
        hidden_size=inner.shape[-1],
        direction="bidirectional" if len(own) == 2 else "forward",
        linear_before_reset=1,
    )
    every, last = made
    moved: Any = call.onnx("Transpose", every, perm=[2, 0, 1, 3] if first else [0, 2, 1, 3])
    whole = moved.whole(call.build.batch)
    flat = np.asarray([*whole[:2], whole[2] * whole[3]])
    return call.onnx("Reshape", moved, flat, allowzero=1), last


def _gates(operator: str, array: Array) -> Array:
    import numpy as np

    parts = np.split(array, len(_ORDER[operator]))
    return np.concatenate([parts[at] for at in _ORDER[operator]])


def _refuse_others(call: Call) -> None:
    """Refuses what ours lack: a start that is not zeros, projected states, dropout in training."""
    states = call["hx"] if isinstance(call["hx"], list) else [call["hx"]]
    if any(not hasattr(state, "any") or state.any() for state in states):
        raise RefusedError("it does not start from zeros", "near are lstm and gru, from zeros")
    if call["train"] and call["dropout"]:
        raise RefusedError("it drops at random", "call `eval()` of the module")
    each = (4 if call["has_biases"] else 2) * (2 if call["bidirectional"] else 1)
    if len(call["params"]) != each * call["num_layers"]:
        raise RefusedError("its states are projected", "near is lstm")


RECURRENCE: Mapping[str, Function] = MappingProxyType(
    {"gru": _recurrent("GRU"), "lstm": _recurrent("LSTM")}
)
"""By the names of ATen."""
