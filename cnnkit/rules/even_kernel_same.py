"""An even kernel with `padding: same` pads one side more than the other.

## What it finds

A convolution or pool with `padding: same` whose window covers an even number of cells and whose
padding is odd. (At a stride of 2 an even kernel needs even padding on an even map, which is fine.)

## Why

An even window has no middle cell. `same` puts the odd cell after, so each such layer shifts the map
by half a cell to the left and up, against its input and against any other branch; and PyTorch,
which pads both sides alike, gives another extent.

## Example

```yaml
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 4, padding: same, activation: relu}
```

## Instead

```yaml
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 5, padding: same, activation: relu}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.layers.window import cell_names
from cnnkit.rules.base import Network, counted, finding


def check(network: Network) -> Iterator[Finding]:
    """The windows without a middle whose padding is lopsided."""
    for index, windows in network.sliding:
        operation = network.operations[index]
        if getattr(operation.layer, "padding", None) != "same":
            continue
        for axis, window in enumerate(windows):
            if window.dilated % 2 == 0 and window.before != window.after:
                layer, above = network.owner(index)
                cell = cell_names(len(windows))[axis]
                size = operation.layer.size_field
                odd = [each for each in (window.size - 1, window.size + 1) if each > 1]
                yield finding(
                    "even-kernel-same",
                    layer,
                    above,
                    f"{size} {window.size} with `padding: same` pads {counted(window.before, cell)}"
                    f" before and {window.after} after: the map shifts by half a {cell}",
                    f"{size} {' or '.join(map(str, odd))} pads both sides alike",
                    (size, axis),
                )
                break
