"""The network squeezes its input through a narrow place early, then widens again.

## What it finds

A tensor that everything passes through, in the first half of the layers with weights, with less
than a 16th of the elements of a tensor before it and of one after it. No published network that we
know is as narrow: an inverted residual of MobileNet v2 has a 6th of its neighbours, and the
narrowest, a fire module of SqueezeNet 1.0, a 16th of a map after it. Networks whose output is a
map, and autoencoders, whose narrow place is the middle, squeeze on purpose and are left alone.

## Why

What is lost at the narrow place cannot come back, and the wide layers after it work on what is
left: "avoid representational bottlenecks, especially early in the network" is the first principle
of Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015. The size
should shrink gently from the input to the output.

## Example

```yaml
input: 64x64x3
layers:
  - conv: {filters: 1, kernel: 8, stride: 8, activation: relu}
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
  - conv: {filters: 64, kernel: 7, padding: same, activation: relu}
  - global_mean_pool
  - dense: {units: 10}
```

## Instead

```yaml
input: 64x64x3
layers:
  - conv: {filters: 16, kernel: 7, padding: same, stride: 2, activation: relu}
  - conv: {filters: 32, kernel: 5, padding: same, stride: 2, activation: relu}
  - conv: {filters: 64, kernel: 5, padding: same, stride: 2, activation: relu}
  - conv: {filters: 64, kernel: 7, padding: same, activation: relu}
  - global_mean_pool
  - dense: {units: 10}
```
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate
from operator import lt

from cnnkit.errors import Finding
from cnnkit.layers.shape import show
from cnnkit.layers.weighted import Weighted
from cnnkit.rules.base import INPUT, RuleContext, finding

_NARROW = 16


def check(network: RuleContext) -> Iterator[Finding]:
    """The narrowest early place, if it is too narrow."""
    output = network.graph.output
    several = len(network.graph.outputs) > 1  # what one of them does not see another one may
    if output is None or several or len(output) > 1 or not _shrinks(network):
        return
    places = _passed(network)
    sizes = [network.sizes[place] for place in places]
    before = list(accumulate([math.prod(network.graph.input), *sizes], max))
    after = [*accumulate(reversed(sizes), max)][::-1]
    weighted = list(accumulate(isinstance(each.layer, Weighted) for each in network.operations))
    narrow = [
        number
        for number, (place, size) in enumerate(zip(places, sizes, strict=True))
        if 2 * weighted[place] < weighted[-1]
        and _NARROW * size < min(before[number], after[number])
    ]
    if not narrow:
        return
    number = min(narrow, key=sizes.__getitem__)
    layer, above = network.owner(places[number])
    shape = show(network.operations[places[number]].output or ())
    yield finding(
        "early-bottleneck",
        layer,
        above,
        f"everything passes through {shape} = {sizes[number]:,} elements here, between "
        f"{before[number]:,} before and {after[number]:,} after",
        "more filters or a smaller stride here; let the size shrink gently towards the output",
    )


def _shrinks(network: RuleContext) -> bool:
    """Whether any operation at all is narrow, be it on every way or not: few networks have one."""
    sizes = network.sizes
    before = accumulate([math.prod(network.graph.input), *sizes[:-1]], max)
    after = [*accumulate(reversed(sizes), max)][::-1]
    bounds = map(min, before, after)
    return any(map(lt, (_NARROW * size for size in sizes), bounds))


def _passed(network: RuleContext) -> list[int]:
    """The operations that every way from the input to the output goes through."""
    end = network.graph.root.tensor
    needed = {end}
    last_reader: dict[int, int] = {}  # among the operations that the output needs
    for index in range(end, INPUT, -1):
        if index in needed:
            for source in network.operations[index].inputs:
                last_reader.setdefault(source, index)
                needed.add(source)
    found, reach = [], INPUT
    for index in sorted(needed):
        if index > INPUT and reach <= index:
            found.append(index)
        reach = max(reach, last_reader.get(index, index))
    return found
