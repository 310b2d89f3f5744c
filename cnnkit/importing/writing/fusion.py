"""An activation behind a layer with weights, or behind a sum, as that layer's `activation`."""

from __future__ import annotations

from cnnkit.importing.graph import ACTIVATIONS
from cnnkit.importing.layer import WrittenLayer

_TAKING = ("conv", "depthwise_conv", "transposed_conv", "dense", "residual")
_LAST = ("softmax", "log_softmax", "linear")
"""What stands better on a line of its own: it is what the network gives."""

_FOLDED = frozenset({*ACTIVATIONS, "maxout"}.difference(_LAST))


def fold_activations(layers: list[WrittenLayer]) -> list[WrittenLayer]:
    """The layers with each activation in the layer before it, where that can take it."""
    folded: list[WrittenLayer] = []
    for layer in layers:
        layer.parts = {name: fold_activations(part) for name, part in layer.parts.items()}
        takes = layer.kind in _FOLDED and not layer.apart
        if takes and folded:
            before = folded[-1]
            if _takes(before, layer):
                before.fields["activation"] = (
                    {layer.kind: layer.fields} if layer.fields else (layer.kind)
                )
                continue
        folded.append(layer)
    return folded


def _takes(layer: WrittenLayer, activation: WrittenLayer) -> bool:
    """Whether a layer can have an activation; one with a maxout has as many sets of weights."""
    if layer.kind not in _TAKING or "activation" in layer.fields:
        return False
    if activation.kind == "maxout":
        name = "units" if layer.kind == "dense" else "filters"
        if layer.kind not in ("conv", "dense"):
            return False
        layer.fields[name] //= activation.fields["pieces"]
    return True
