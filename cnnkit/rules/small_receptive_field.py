"""The features that go into the head see only a part of the input.

## What it finds

A network whose convolutions and pools end in a vector, by a global pool or a flatten, before their
receptive field is as large as the input, along any axis. Behind a flatten, two dense layers or more
can still join what the windows see, as in AlexNet and VGG, so these are left alone, and so are
networks whose output is a map, that join several vectors, or that have several inputs. Behind a
squeeze and excitation, or any other branch that was pooled over the whole map and joined to it
again, every cell sees all of the input, so that there is nothing to find. It is a note, `info`:
what matters may be small.

## Why

What lies further apart than the receptive field is never seen together: the network can count the
parts of an object, not see how they belong together, and a global pool after it averages what
many small windows say. The effective field is smaller still than the one computed, as the middle
of a window weighs most (Luo et al., "Understanding the Effective Receptive Field", 2016).

## Example

```yaml
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - max_pool: {size: 2}
  - conv: {filters: 32, kernel: 3, padding: same, activation: relu}
  - global_mean_pool
  - dense: {units: 10}
```

## Instead

```yaml
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - max_pool: {size: 2}
  - conv: {filters: 32, kernel: 3, padding: same, activation: relu}
  - max_pool: {size: 2}
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
  - max_pool: {size: 2}
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
  - global_mean_pool
  - dense: {units: 10}
```
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from cnnkit.analysis.receptive_field import Field
from cnnkit.errors import Finding
from cnnkit.layers.shape import show
from cnnkit.rules.base import INPUT, RuleContext, counted, finding

_JOINING = 2  # dense layers that can say how far-off features belong together


def check(network: RuleContext) -> Iterator[Finding]:
    """Where the main path leaves the map: the fields of the features there."""
    extents = network.graph.input[:-1]
    index = _leaves_map(network) if len(network.graph.inputs) == 1 else None
    if index is None or network.source(index) <= INPUT:
        return
    fields = network.analysis.tree.seen[network.source(index)]
    if fields is None or len(fields) != len(extents):
        return
    small = [
        (field, extent)
        for field, extent in zip(fields, extents, strict=True)
        if field.size < extent and not field.pooled
    ]
    if not small or all(field.size == 1 for field in fields):  # no window has slid at all
        return
    layer, above = network.owner(index)
    sizes = [math.ceil(field.size) for field in fields]
    # A network on its way to a small map may still lack this many layers of the usual kind.
    missing = max(_more(field, extent) for field, extent in small)
    yield finding(
        "small-receptive-field",
        layer,
        above,
        f"the features that reach the {layer.kind} see {show(sizes)} of the {show(extents)} input",
        f"{counted(missing, 'more convolution')} of kernel 3 before it would see all; so would "
        "strides or pools further ahead, or dilation",
    )


def _leaves_map(network: RuleContext) -> int | None:
    """The operation on the main path that makes a vector, or a 1x1 map, of a larger map."""
    index = network.graph.root.tensor
    dense = 0
    while index > INPUT and len(network.operations[index].inputs) == 1:
        before, after = network.incoming(index), network.operations[index].output
        if before is None or after is None:
            return None
        layer = network.operations[index].layer
        if layer.family == "recurrence":  # it goes along the axis, and joins what is far off
            return None
        kind = layer.kind
        dense += kind == "dense"
        pooled = kind.startswith(("global_", "adaptive_"))
        if (
            math.prod(before[:-1]) > 1
            and math.prod(after[:-1]) == 1
            and (pooled or len(after) == 1)
        ):
            return index if pooled or dense < _JOINING else None
        index = network.source(index)
    return None


def _more(field: Field, extent: int) -> int:
    """How many convolutions of kernel 3, at the stride of the field, would see the whole axis."""
    return int(-(-(extent - field.size) // (2 * field.stride)))
