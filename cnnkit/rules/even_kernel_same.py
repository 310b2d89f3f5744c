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
from cnnkit.layers.advice import changing, written
from cnnkit.layers.window import Window, cell_names
from cnnkit.rules.base import RuleContext, counted, finding


def check(network: RuleContext) -> Iterator[Finding]:
    """The windows without a middle whose padding is lopsided."""
    for index, windows in network.sliding:
        if getattr(network.operations[index].layer, "padding", None) != "same":
            continue
        axis = next((axis for axis, window in enumerate(windows) if _lopsided(window)), None)
        if axis is None:
            continue
        window = windows[axis]
        layer, above = network.owner(index)
        cell = cell_names(len(windows))[axis]
        size = network.operations[index].layer.size_field
        yield finding(
            "even-kernel-same",
            layer,
            above,
            f"{size} {window.size} with `padding: same` pads {counted(window.before, cell)}"
            f" before and {window.after} after: the map shifts by half a {cell}",
            _odd(network, index),
            (size, axis),
        )


def _lopsided(window: Window) -> bool:
    return window.dilated % 2 == 0 and window.before != window.after


def _odd(network: RuleContext, index: int) -> str:
    """The nearest sizes that pad both sides alike, or what else does."""
    field = network.operations[index].layer.size_field
    windows = network.windows(index)
    good = []
    for step in (-1, 1):
        sizes = tuple(w.size + step if _lopsided(w) else w.size for w in windows)
        value = sizes[0] if len({window.size for window in windows}) == 1 else sizes
        outcome = network.tried("even-kernel-same", index, **changing(field, value))
        if max(sizes) > 1 and outcome and not any(map(_lopsided, outcome.windows)):
            good.append(written(value))
    if not good:
        return f"an odd {field}, or a padding that is as large on both sides"
    return f"{field} {' or '.join(good)} pads both sides alike"
