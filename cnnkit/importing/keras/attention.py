"""Attention of Keras, embeddings, and layers around another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.keras.call import LayerCall

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

LayerReader = Callable[[LayerCall], int]

_ARGUMENTS = ("query", "value", "key", "query_mask", "value_mask", "key_mask", "attention_mask")


def _attention(call: LayerCall) -> int:
    given = dict(zip(_ARGUMENTS, call.args, strict=False)) | dict(call.kwargs)
    absent = (type(None), bool)
    masks = [
        name
        for name, value in given.items()
        if name.endswith("mask") and (not isinstance(value, absent) or value)
    ]
    if masks or given.get("return_attention_scores"):
        what = f"`{masks[0]}`" if masks else "`return_attention_scores`"
        raise RefusedError(f"it is called with {what}", "near is attention, of all positions")
    query, value = given["query"], given["value"]
    if given.get("key") not in (None, value):
        raise RefusedError("its keys and values are of two tensors", "near is attention")
    heads, size = call.get("num_heads"), call.get("key_dim")
    _refuse_others(call, size)
    units = heads * size
    shapes = [call.graph.shape(each) for each in (query, value)]
    channels = shapes[0][-1]
    biased = call.get("use_bias", True)
    parts = []
    for name, shape in (("query", shapes[0]), ("key", shapes[1]), ("value", shapes[1])):
        arrays = call.part(f"{name}_dense", name).arrays(
            kernel=(shape[-1], heads, size), bias=(heads, size) if biased else None
        )
        parts.append(_projection(arrays, len(shape) - 1, (shape[-1], units)))
    arrays = call.part("output_dense", "attention_output").arrays(
        kernel=(heads, size, channels), bias=(channels,) if biased else None
    )
    parts.append(_projection(arrays, len(shapes[0]) - 1, (units, channels)))
    fields: dict[str, Any] = {"heads": heads}
    if units != channels:
        fields["units"] = units
    if not biased:
        fields["bias"] = False
    if call.get("dropout"):
        fields["dropout"] = call.get("dropout")
    made = call.layer("attention", fields, inputs=[query] if query == value else [query, value])
    operation = call.graph.operations[made]
    operation.parts, operation.origins = tuple(parts), frozenset(["/".join(call.place)])
    return made


def _refuse_others(call: LayerCall, size: int) -> None:
    """Refuses what our attention lacks."""
    axes, channels = call.get("attention_axes"), call.shape[-1]
    if axes is not None and list(axes) != list(range(1, call.rank + 1)):
        raise RefusedError(f"it is along the axes {list(axes)}", "near is attention, along all")
    if call.get("value_dim", size) not in (None, size):
        raise RefusedError("its values have other channels than its queries", "near is attention")
    output = call.get("output_shape")
    if output is not None and list(output) != [channels]:
        raise RefusedError(
            f"it gives {list(output)} channels, its queries have {channels}", "near is attention"
        )
    for name in ("use_gate", "sliding_window"):
        if call.get(name):
            raise RefusedError(f"its `{name}` is {call.get(name)}", "near is attention")


def _projection(arrays: dict[str, Array], rank: int, matrix: tuple[int, int]) -> dict[str, Array]:
    """The arrays of a convolution of one cell."""
    made = {"kernel": arrays["kernel"].reshape(*[1] * rank, *matrix)}
    return made | ({"bias": arrays["bias"].reshape(-1)} if "bias" in arrays else {})


def _embedding(call: LayerCall) -> int:
    if call.get("mask_zero"):
        raise RefusedError("its entry 0 is left out of what follows", "near is embedding")
    entries, units = call.get("input_dim"), call.get("output_dim")
    arrays = call.arrays(embeddings=(entries, units))
    fields = {"entries": entries, "units": units}
    source = call.inputs[0]
    cut = call.graph.operations.get(source)
    moves = cut is not None and cut.kind in ("flatten", "reshape")
    if cut is not None and moves and call.graph.shape(cut.inputs[0]) == (*call.shape, 1):
        source = cut.inputs[0]  # a map of one channel, which is left out before it is looked up
    elif call.rank:
        source = call.layer("reshape", {"shape": [*call.shape, 1]})
    return call.layer("embedding", fields, {"embedding": arrays["embeddings"]}, [source])


ATTENTION: Mapping[str, LayerReader] = MappingProxyType(
    {"Embedding": _embedding, "MultiHeadAttention": _attention}
)
"""By the names of Keras's classes."""
