"""A layer changes nothing.

## What it finds

`linear` as a layer of its own; a dropout of rate 0, or noise of deviation 0; padding or cropping by
nothing; a pool or upsampling of size 1; a `flatten` of a vector; a `reshape`, `channel_slice` or
adaptive pool that keeps the shape; a `channel_shuffle` of one group, or of as many as there are
channels; a `rescale` by 0 and 1; `repeat` with `times: 0`; `parallel` without branches.

A layer whose fields hold an expression is a switch that happens to be off, and is left alone, and
so is a line of a block or repeat that does something in another of its uses. `cnnkit check --fix`
deletes the line.

## Why

It costs nothing and says something false: that there is regularization, or that the shape changes
here. Mostly a number was meant to be another.

## Example

```yaml
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - dropout: {rate: 0}
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
```

## Instead

```yaml
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - dropout: {rate: 0.2}
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.errors import Finding
from cnnkit.layers.block import Unreadable
from cnnkit.rules.base import Above, Network, Removal, finding, noun
from cnnkit.rules.text import scalars, taken_out, without_items
from cnnkit.spec.language.place import LayerPlace
from cnnkit.spec.text.node import Node

_ZERO_FIELDS = {
    "dropout": "rate",
    "spatial_dropout": "rate",
    "drop_path": "rate",
    "gaussian_noise": "deviation",
}
_KEEPS_SHAPE = frozenset(
    {
        "pad",
        "reshape",
        "depth_to_space",
        "space_to_depth",
        "channel_slice",
        "adaptive_max_pool",
        "adaptive_mean_pool",
    }
)
_OTHERS = frozenset(
    {
        "linear",
        "flatten",
        "crop",
        "upsample",
        "scale",
        "channel_shuffle",
        "rescale",
        "max_pool",
        "mean_pool",
        "repeat",
        "parallel",
    }
)
_SUSPECTS = _KEEPS_SHAPE | _OTHERS | _ZERO_FIELDS.keys()


def check(network: Network) -> Iterator[Finding]:
    """The layers that are the identity, in all copies of their line."""
    for layer, above, why in _found(network):
        yield finding(
            "no-op-layer",
            layer,
            above,
            f"this {noun(layer)} changes nothing: {why}",
            f"{taken_out(_fixed(network, layer))}, or give it the value that was meant",
        )


def fix(network: Network) -> Iterator[Removal]:
    """The lines of the layers, unless a search names layers by numbers that would change."""
    if not network.analysis.spec.search:
        found = [_node(layer) for layer, _, _ in _found(network)]
        yield from without_items(network, [node for node in found if node is not None])


def _fixed(network: Network, layer: LayerAnalysis) -> bool:
    node = _node(layer)
    search = network.analysis.spec.search
    return node is not None and not search and any(without_items(network, [node]))


def _found(network: Network) -> Iterator[tuple[LayerAnalysis, Above, str]]:
    idle = [
        (layer, above, why) for layer, above in network.layers if (why := _reason(network, layer))
    ]
    if not idle:
        return
    busy = {
        id(node)
        for layer, _ in network.layers
        if (node := _node(layer)) is not None and not _reason(network, layer)
    }
    for layer, above, why in idle:
        node = _node(layer)
        if node is None or (id(node) not in busy and not _switch(node)):
            yield layer, above, why


def _node(layer: LayerAnalysis) -> Node | None:
    """The node that a layer as written stands in; None for one built in Python."""
    place = layer.place if layer.layer is not None else None
    return place.node if isinstance(place, LayerPlace) else None


def _switch(node: Node) -> bool:
    """Whether variables decide what the layer does."""
    return any("$" in text for text in scalars(node))


def _reason(network: Network, layer: LayerAnalysis) -> str | None:
    """Why a layer is the identity; None where it is not."""
    kind, model = layer.kind, layer.layer
    if kind not in _SUSPECTS or model is None or isinstance(model, Unreadable):
        return None
    if layer.children or layer.input is None:
        return None
    if kind in _ZERO_FIELDS:
        field = _ZERO_FIELDS[kind]
        return f"its {field} is 0" if getattr(model, field, None) == 0 else None
    if kind in _KEEPS_SHAPE:
        return "it keeps the shape" if layer.input == layer.output else None
    return _other_reason(network, layer)


def _other_reason(network: Network, layer: LayerAnalysis) -> str | None:
    model, channels = layer.layer, (layer.input or (1,))[-1]
    match layer.kind:
        case "linear":
            return "it is the identity"
        case "flatten" if layer.input == layer.output:
            return "the input is a vector already"
        case "crop" | "upsample" if getattr(model, "to", None) is None:
            return "it keeps the shape" if layer.input == layer.output else None
        case "scale" if not getattr(model, "learnt", True) and getattr(model, "init", 0) == 1:
            return "it multiplies by 1"
        case "channel_shuffle" if getattr(model, "groups", 0) in (1, channels):
            return "of one group, or of one channel a group, the order stays"
        case "rescale" if (getattr(model, "mean", 0), getattr(model, "deviation", 0)) == (0, 1):
            return "the mean is 0 and the deviation 1"
        case "max_pool" | "mean_pool":
            windows = network.windows(layer.nodes.start)
            alone = all((w.size, w.stride, w.before, w.after) == (1, 1, 0, 0) for w in windows)
            return "its window and stride are 1" if windows and alone else None
        case "repeat" if not layer.nodes:
            return "it repeats its layers 0 times"
        case "parallel" if not layer.nodes:
            return "it has no branches"
    return None
