"""Rows or columns at the end of a map are never read.

## What it finds

A convolution or pool whose `rounding: floor` or `ceil` accepts a stride that does not fit, so that
cells of the input lie behind the last window. Only cells of the input count: padding that is left
over loses nothing, its own or that of a `pad` before it, and so do the gaps of a stride larger than
the kernel, which skips cells everywhere. It is a note, `info`, for published networks do this, and
must be written as they are.

## Why

With (D + P − F′)/S no integer, the last window ends before the map does. What is at the right and
lower border of an image then has no influence on the outcome: the network is blind there, and its
centre is shifted. Frameworks round down in silence.

## Example

```yaml
input: 28x28x1
rounding: floor
layers:
  - conv: {filters: 8, kernel: 4, activation: relu}
  - max_pool: {size: 2}
```

## Instead

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 5, activation: relu}
  - max_pool: {size: 2}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.layers.advice import CureEffect
from cnnkit.layers.shape import show
from cnnkit.layers.spatial import Pad
from cnnkit.layers.window import Window, cell_names, sides
from cnnkit.rules.base import INPUT, RuleContext, counted, finding


def check(network: RuleContext) -> Iterator[Finding]:
    """The windows that leave cells behind the last one."""
    for index, windows in network.sliding:
        padded = _padded(network, index, len(windows))
        left = [
            max(0, _left(window) - cells) for window, cells in zip(windows, padded, strict=True)
        ]
        if not any(left):
            continue
        layer, above = network.owner(index)
        cells = zip(left, cell_names(len(windows)), strict=True)
        listed = " and ".join(counted(count, cell) for count, cell in cells if count)
        worst = windows[left.index(max(left))]
        fitting = [w.extent - count for w, count in zip(windows, left, strict=True)]
        yield finding(
            "unread-border",
            layer,
            above,
            f"{listed} of the {show([w.extent for w in windows])} map "
            f"{'are' if sum(left) > 1 else 'is'} never read: "
            f"{worst.formula(' ')} = {worst.quotient()}, which `rounding: {worst.rounding}` makes "
            f"{worst.output}",
            _advice(network, index, fitting),
            ("stride",),
        )


def _padded(network: RuleContext, index: int, rank: int) -> list[int]:
    """The cells behind the map's own that a `pad` before the layer has added, an axis each."""
    cells = [0] * rank
    while (index := network.source(index)) > INPUT:
        operation = network.operations[index]
        if isinstance(operation.layer, Pad):
            added = sides(operation.layer.padding, rank) or ()
            cells = [total + after for total, (_, after) in zip(cells, added, strict=True)]
        elif operation.effect.reach is not None or len(operation.inputs) > 1:
            break  # another map; what works cell by cell leaves the border where it is
    return cells


def _advice(network: RuleContext, index: int, fitting: list[int]) -> str:
    """The map that loses nothing, and the padding that reads all, where they do."""
    found = []
    channels = (network.incoming(index) or (1,))[-1]
    given = (*fitting, channels)
    if min(fitting) > 0 and _reads_all(network.tried("unread-border", index, given)):
        found.append(f"a map of {show(fitting)} before it loses nothing")
    if _reads_all(network.tried("unread-border", index, padding="same")):
        found.append("`padding: same` reads all")
    solved = "`cnnkit solve SPEC --vary input` lists the inputs for which every layer is exact"
    return "; ".join([*([", ".join(found)] if found else []), solved])


def _reads_all(outcome: CureEffect | None) -> bool:
    return outcome is not None and not any(map(_left, outcome.windows))


def _left(window: Window) -> int:
    """Cells behind the last window, but for the gap that follows each window."""
    if window.rounding == "exact":
        return 0  # an error, which the analysis reports
    return max(0, window.unread - max(0, window.stride - window.dilated))
