"""A window is so large for its map that most of what it reads is padding.

## What it finds

A padded convolution or pool more than half of whose reads, over all positions and cells of the
window, fall into the padding. Half is where padding outweighs the map; a 3x3 kernel on a 2x2
map is just above it (5 of 9), a 7x7 kernel on a 7x7 map below (43 %).

## Why

A weight that only meets padding learns nothing. A 3x3 convolution of a 1x1 map is a 1x1
convolution for nine times the parameters; a dilated window whose outer cells lie beyond the map
shrinks to its centre (Chen et al., "Rethinking Atrous Convolution", 2017). Mostly the input is
smaller than the network was made for, or has been pooled too often.

## Example

```yaml
input: 2x2x64
layers:
  - conv: {filters: 64, kernel: 5, padding: same, activation: relu}
```

## Instead

```yaml
input: 8x8x64
layers:
  - conv: {filters: 64, kernel: 5, padding: same, activation: relu}
```
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from cnnkit.errors import Finding
from cnnkit.layers.shape import show
from cnnkit.layers.window import Window
from cnnkit.rules.base import RuleContext, finding, percent

_LONGEST = 4096
"""A sum of more terms is not worth its time; no real window or map is larger on both sides."""


def check(network: RuleContext) -> Iterator[Finding]:
    """The windows that read more padding than map."""
    for index, windows in network.sliding:
        if not any(window.before or window.after for window in windows):
            continue
        reads = math.prod(window.size * window.output for window in windows)
        inside = math.prod(map(_inside, windows))
        if 2 * inside >= reads:
            continue
        layer, above = network.owner(index)
        size = network.operations[index].layer.size_field
        extents = [window.extent for window in windows]
        covered = show([window.dilated for window in windows])
        yield finding(
            "mostly-padding",
            layer,
            above,
            f"{percent(reads - inside, reads)} of what this {layer.kind} reads is padding: "
            f"its window covers {covered} cells, the map has {show(extents)}",
            f"a smaller {size} or dilation, fewer strides and pools before it, or a larger input",
            (size,),
        )


@lru_cache(maxsize=4096)  # the axes of a map are mostly alike, and so are many layers
def _inside(window: Window) -> int:
    """The pairs of a position and a cell of the window that fall on the map, along one axis."""
    # The cell k of position i reads i·stride + k·dilation − before: sum over the shorter of both.
    few, many = (window.size, window.dilation), (window.output, window.stride)
    if few[0] > many[0]:
        few, many = many, few
    if few[0] > _LONGEST:
        return window.size * window.output
    pairs = 0
    for number in range(few[0]):
        start = window.before - number * few[1]
        first = max(0, -(-start // many[1]))
        last = min(many[0] - 1, (start + window.extent - 1) // many[1])
        pairs += max(0, last - first + 1)
    return pairs
