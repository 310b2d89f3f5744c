"""An activation behind a layer with weights, or behind a sum, as that layer's `activation`."""

from __future__ import annotations

from cnnkit.importing.graph import ACTIVATIONS
from cnnkit.importing.layer import WrittenLayer

_TAKING = ("conv", "depthwise_conv", "transposed_conv", "dense", "residual")
_LAST = ("softmax", "log_softmax", "linear")
"""What stands better on a line of its own: it is what the network gives."""


def fold_activations(layers: list[WrittenLayer]) -> list[WrittenLayer]:
    """The layers with each activation in the layer before it, where that can take it."""
    folded: list[WrittenLayer] = []
    for layer in layers:
        layer.parts = {name: fold_activations(part) for name, part in layer.parts.items()}
        taken = layer.kind in ACTIVATIONS and layer.kind not in _LAST and not layer.apart
        if taken and folded:
            before = folded[-1]
            if before.kind in _TAKING and "activation" not in before.fields:
                before.fields["activation"] = (
                    {layer.kind: layer.fields} if layer.fields else (layer.kind)
                )
                continue
        folded.append(layer)
    return folded
