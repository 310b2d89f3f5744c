"""Squeeze-and-excitation: a map times a small network of its channels' means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnkit.importing.layer import WrittenLayer


def name_gates(layers: list[WrittenLayer]) -> list[WrittenLayer]:
    """The layers with each gate as a `squeeze_excite`. Activations are folded before."""
    for layer in layers:
        layer.parts = {name: name_gates(part) for name, part in layer.parts.items()}
    return [_gate(layer) or layer for layer in layers]


def _gate(layer: WrittenLayer) -> WrittenLayer | None:
    if layer.kind != "parallel" or layer.fields.get("merge") != "multiply":
        return None
    branches = sorted(layer.parts.values(), key=len)
    if len(branches) != 2 or branches[0]:
        return None
    body = [each for each in branches[1] if each.kind != "reshape"]
    if len(body) < 3 or body[0].kind != "global_mean_pool":
        return None
    reduce, expand, *rest = body[1:]
    gate = expand.fields.get("activation")
    if rest and not gate and len(rest) == 1 and not rest[0].arrays:
        gate, rest = {rest[0].kind: rest[0].fields} if rest[0].fields else rest[0].kind, []
    if rest or gate is None or not (_dense(reduce) and _dense(expand)):
        return None
    biases = {each.fields.get("bias", True) for each in (reduce, expand)}
    if len(biases) != 1:
        return None
    fields: dict[str, Any] = {"units": reduce.fields.get("filters", reduce.fields.get("units"))}
    activation = reduce.fields.get("activation", "linear")
    if activation != "relu":
        fields["activation"] = activation
    if gate != "sigmoid":
        fields["gate"] = gate
    if False in biases:
        fields["bias"] = False
    return WrittenLayer(
        "squeeze_excite",
        fields,
        arrays=_arrays((reduce, expand)),
        scope=reduce.scope,
        name=layer.name,
    )


def _dense(layer: WrittenLayer) -> bool:
    """Whether it connects channels of one cell, all of them, once."""
    if layer.kind == "dense":
        return True
    allowed = {"filters", "kernel", "activation", "bias"}
    return layer.kind == "conv" and set(layer.fields) <= allowed and layer.fields["kernel"] == 1


def _arrays(layers: Sequence[WrittenLayer]) -> list[dict[str, Any]]:
    """The kernels of 1x1 convolutions as the matrices that they are."""
    return [
        {
            name: value.reshape(value.shape[-2:]) if name == "kernel" else value
            for name, value in layer.arrays[0].items()
        }
        for layer in layers
    ]
