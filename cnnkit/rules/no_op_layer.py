"""A layer changes nothing.

## What it finds

`linear` as a layer of its own; a dropout of rate 0, or noise of deviation 0; padding or cropping by
nothing; a pool or upsampling of size 1; a `flatten` of a vector; a `reshape`, `slice`,
`channel_slice` or adaptive pool that keeps the shape; a `reduce` of axes of one value; a
`channel_shuffle` of one group, or of as many as there are channels; a `rescale` by 0 and 1; a
`local_response_norm` whose divisor is 1; a `leaky_relu` of slope 1; a `power` of exponent 1; a
shrinking by 0; a `maxout` of one piece; `repeat` with `times: 0` or without layers; `parallel`
without branches.

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
from cnnkit.layers.block import UnreadableLayer
from cnnkit.rules.base import Above, Removal, RuleContext, finding, noun
from cnnkit.rules.text import scalars, taken_out, without_items
from cnnkit.spec.language.place import LayerPlace
from cnnkit.spec.text.node import YamlNode


def check(network: RuleContext) -> Iterator[Finding]:
    """The layers that are the identity, in all copies of their line."""
    for layer, above, why in _found(network):
        yield finding(
            "no-op-layer",
            layer,
            above,
            f"this {noun(layer)} changes nothing: {why}",
            f"{taken_out(_fixed(network, layer))}, or give it the value that was meant",
        )


def fix(network: RuleContext) -> Iterator[Removal]:
    """The lines of the layers, unless a search names layers by numbers that would change."""
    if not network.analysis.spec.search:
        found = [_node(layer) for layer, _, _ in _found(network)]
        yield from without_items(network, [node for node in found if node is not None])


def _fixed(network: RuleContext, layer: LayerAnalysis) -> bool:
    node = _node(layer)
    search = network.analysis.spec.search
    return node is not None and not search and any(without_items(network, [node]))


def _found(network: RuleContext) -> Iterator[tuple[LayerAnalysis, Above, str]]:
    idle = [(layer, above, why) for layer, above in network.layers if (why := _reason(layer))]
    if not idle:
        return
    busy = {
        id(node)
        for layer, _ in network.layers
        if (node := _node(layer)) is not None and not _reason(layer)
    }
    for layer, above, why in idle:
        node = _node(layer)
        if node is None or (id(node) not in busy and not _switch(node)):
            yield layer, above, why


def _node(layer: LayerAnalysis) -> YamlNode | None:
    """The node that a layer as written stands in; None for one built in Python."""
    place = layer.place if layer.layer is not None else None
    return place.node if isinstance(place, LayerPlace) else None


def _switch(node: YamlNode) -> bool:
    """Whether variables decide what the layer does."""
    return any("$" in text for text in scalars(node))


def _reason(layer: LayerAnalysis) -> str | None:
    """Why a layer is the identity; None where it is not."""
    model = layer.layer
    if model is None or isinstance(model, UnreadableLayer) or layer.children or layer.input is None:
        return None
    return model.no_op(layer.input)
