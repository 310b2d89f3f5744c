"""Recurrent layers of Keras, which have the gates in our order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cnnkit.importing.graph import REVERSED, RefusedError
from cnnkit.importing.keras.call import LayerCall
from cnnkit.importing.operators.windows import scalar
from cnnkit.layers.shape import Shape

LayerReader = Callable[[LayerCall], int]
Shapes = Mapping[str, Shape | None]


def _lstm(call: LayerCall) -> int:
    units, channels = call.get("units"), call.shape[-1]
    return _along(call, "lstm", "lstm_cell", {"units": units}, _matrices(call, 4, channels, units))


def _gru(call: LayerCall) -> int:
    units, channels = call.get("units"), call.shape[-1]
    if not call.get("reset_after", True):
        raise RefusedError(
            "its reset gate is before the product, ours is behind",
            "near is gru; `reset_after` is True in what Keras makes by itself",
        )
    shapes = dict(_matrices(call, 3, channels, units))
    if shapes["bias"] is not None:
        shapes["bias"] = (2, 3 * units)
    return _along(call, "gru", "gru_cell", {"units": units}, shapes)


def _matrices(call: LayerCall, gates: int, channels: int, units: int) -> Shapes:
    wide = gates * units
    bias = (wide,) if call.get("use_bias", True) else None
    return {"kernel": (channels, wide), "recurrent_kernel": (units, wide), "bias": bias}


def _conv_lstm(call: LayerCall) -> int:
    call.channels_last()
    rank, filters = call.rank - 1, call.get("filters")
    for name in ("strides", "dilation_rate"):
        if set(_each(call.get(name, 1))) != {1}:
            raise RefusedError(f"its `{name}` is {call.get(name)}", "near is conv_lstm, of 1")
    sizes = _each(call.get("kernel_size"))
    sizes = sizes * rank if len(sizes) == 1 else sizes
    wide = 4 * filters
    shapes: Shapes = {
        "kernel": (*sizes, call.shape[-1], wide),
        "recurrent_kernel": (*sizes, filters, wide),
        "bias": (wide,) if call.get("use_bias", True) else None,
    }
    fields: dict[str, Any] = {"filters": filters, "kernel": scalar(sizes)}
    if call.get("padding", "valid") != "valid":
        fields["padding"] = call.get("padding")
    if call.get("dropout"):
        raise RefusedError("it drops inputs within it", "near is a dropout before conv_lstm")
    return _along(call, "conv_lstm", "conv_lstm_cell", fields, shapes)


def _each(value: Any) -> list[int]:
    return [value] if isinstance(value, int) else list(value)


def _along(call: LayerCall, kind: str, cell: str, fields: dict[str, Any], shapes: Shapes) -> int:
    """A recurrent layer in the direction that it is told to go."""
    _refuse_others(call, kind)
    arrays = call.part("cell", cell).arrays(**shapes)
    if not call.get("use_bias", True):
        fields["bias"] = False
    source = call.inputs[0]
    if rate := call.get("dropout"):  # the same channels of all steps
        source = call.layer("spatial_dropout", {"rate": rate}, inputs=[source])
    back, sequences = call.get("go_backwards"), call.get("return_sequences")
    if sequences:
        fields["sequences"] = True
        if back:  # the steps are given in the order in which it goes along them
            source = call.layer(REVERSED, {"axis": 0}, inputs=[source])
    elif back:
        fields["direction"] = "backward"
    return call.layer(kind, fields, arrays, [source])


def _refuse_others(call: LayerCall, kind: str) -> None:
    """Refuses what our layers lack."""
    usual = {"activation": "tanh", "recurrent_activation": "sigmoid"}
    for name, wanted in usual.items():
        given = call.get(name, wanted)
        if given != wanted or (isinstance(given, dict)):
            raise RefusedError(f"its `{name}` is {given}", f"near is {kind}, of {wanted}")
    for name in ("return_state", "stateful", "recurrent_dropout"):
        if call.get(name):
            raise RefusedError(f"its `{name}` is {call.get(name)}", f"near is {kind} without it")
    if len(call.inputs) > 1:
        raise RefusedError("it does not start from zeros", f"near is {kind}, from zeros")


_MERGES = {"concat": "concat", "sum": "add", "mul": "multiply", "ave": "mean"}


def _bidirectional(call: LayerCall) -> int:
    """A layer there and back; a pattern joins both to one."""
    merge = call.get("merge_mode", "concat")
    if merge not in _MERGES:
        raise RefusedError("it gives what both ways give apart", "near is `direction: both`")
    inner = call.get("layer")
    back = call.get("backward_layer") or inner
    if {each["class_name"] for each in (inner, back)} - set(_WAYS):
        raise RefusedError(f"it wraps a {inner['class_name']}", "near are lstm, gru and conv_lstm")
    if inner["config"].get("go_backwards"):
        raise RefusedError("its first way goes backwards", "near is `direction: both`")
    ways = []
    for way, layer in (("forward", inner), ("backward", back)):
        config = dict(layer["config"])
        name = f"{way}_{str(config['name']).removeprefix(f'{way}_')}"
        part = call.part(f"{way}_layer", name, {**config, "go_backwards": False})
        number = _WAYS[layer["class_name"]](part)
        if way == "backward":
            call.graph.operations[number].fields["direction"] = "backward"
        ways.append(number)
    return call.layer(_MERGES[merge], inputs=ways)


_WAYS: Mapping[str, LayerReader] = MappingProxyType(
    {
        "GRU": _gru,
        "LSTM": _lstm,
        **{f"ConvLSTM{rank}D": _conv_lstm for rank in (1, 2, 3)},
    }
)
RECURRENCE: Mapping[str, LayerReader] = MappingProxyType({**_WAYS, "Bidirectional": _bidirectional})
"""By the names of Keras's classes."""
