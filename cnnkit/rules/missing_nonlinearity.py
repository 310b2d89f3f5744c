"""Two linear layers stand in a row, with no activation between them.

## What it finds

A convolution or dense layer that reads another one through linear operations only: directly, or
through a flatten, padding, dropout, mean pool or batch norm, none of which bends a line. Depthwise
convolutions are looked through. What something else reads too, such as the map that a gate is
multiplied into, is no row; nor are two convolutions of different resolutions, with an `upsample` or
a `depth_to_space` between them, whose work no single one does.

Factorizations are meant to be linear and are left alone: a depthwise convolution and the pointwise
one beside it; a layer with fewer channels than go into it and come out of the next, the linear
bottleneck of MobileNet v2 (a 1x1 convolution may have as many as go in, as one of MobileNet v3
has); and kernels along different axes, 1x7 then 7x1. A sum or concatenation of branches ends the
row.

## Why

A linear function of a linear function is a linear function: both layers together can say no more
than one of them, of a larger kernel. The depth, and the work, are for nothing.

## Example

```yaml
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same}
  - conv: {filters: 32, kernel: 3, padding: same}
  - relu
```

## Instead

```yaml
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - conv: {filters: 32, kernel: 3, padding: same}
  - relu
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.layers.weighted import Weighted
from cnnkit.rules.base import INPUT, RuleContext, finding, noun


def check(network: RuleContext) -> Iterator[Finding]:
    """One pass: of each operation, the layer with weights that it is a linear function of."""
    consumers = network.consumers
    linear_in: list[int | None] = []
    for index, operation in enumerate(network.operations):
        layer = operation.layer
        source = operation.inputs[0]
        alone = source > INPUT and len(consumers[source]) == 1 and source not in network.ends
        before = linear_in[source] if alone else None
        if isinstance(layer, Weighted) and layer.mixes_channels:
            if before is not None and not _factorized(network, before, index):
                yield _found(network, before, index)
            linear_in.append(index)
        else:
            passes = layer.linear and not _enlarges(network, index)
            linear_in.append(before if passes else None)


def _enlarges(network: RuleContext, index: int) -> bool:
    """Whether a map grows at least twofold: layers at two resolutions are no row of linear ones."""
    before, after = network.incoming(index), network.outgoing(index)
    if before is None or after is None or len(before) != len(after):
        return False
    return any(new >= 2 * old for old, new in zip(before[:-1], after[:-1], strict=True))


def _factorized(network: RuleContext, first: int, second: int) -> bool:
    """Whether the two say less than one layer in their place, for fewer parameters."""
    before, between, after = (
        shape[-1] if shape else 0
        for shape in (
            network.incoming(first),
            network.operations[first].output,
            network.operations[second].output,
        )
    )
    windows = [network.windows(index) for index in (first, second)]
    axes = [{axis for axis, each in enumerate(w) if each.size > 1} for w in windows]
    pointwise = bool(windows[0]) and not axes[0]
    if between < min(before + pointwise, after):
        return True
    return bool(axes[0] and axes[1]) and axes[0].isdisjoint(axes[1])


def _found(network: RuleContext, first: int, second: int) -> Finding:
    layer, above = network.owner(second)
    other = network.owner(first)[0]
    which = f"the {noun(other)}"
    advice = f"give `{other.path}` an activation, such as `activation: relu`"
    if other.kind == "attention":  # its last part is linear, and it takes no `activation`
        which = f"the last projection of the {noun(other)}"
        advice = f"put an activation after `{other.path}`, such as `- relu`"
    return finding(
        "missing-nonlinearity",
        layer,
        above,
        f"no activation stands between this {noun(layer)} and {which} `{other.path}` "
        "before it: together they are one linear layer",
        f"{advice}; or leave one of them out",
    )
