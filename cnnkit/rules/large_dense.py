"""One dense layer on a flattened map holds most of the parameters.

## What it finds

A dense layer that reads a flattened map, with more than half of the network's parameters and more
than a million. Half, as everything else together is then smaller; a million, 4 MB of float32,
as below it the waste seldom matters. Where a global pool stands before it there is nothing to find.

## Why

A dense layer has a weight for each pair of a cell and a unit, so it grows with the image and has to
learn each pattern anew at each place: ten classes of a 256x256x256 volume take 168 million
parameters. A convolution shares a few weights between all places, and a global pool leaves one
number of each channel. Fewer parameters need less data and fit a smaller device.

## Example

```yaml
input: 64x64x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - flatten
  - dense: {units: 128, activation: relu}
  - dense: {units: 10}
```

## Instead

```yaml
input: 64x64x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, stride: 2, activation: relu}
  - conv: {filters: 32, kernel: 3, padding: same, stride: 2, activation: relu}
  - repeat: {times: 4, layers: [{conv: {filters: 64, kernel: 5, padding: same, activation: relu}}]}
  - global_mean_pool
  - dense: {units: 10}
```
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.layers.base import Layer
from cnnkit.layers.dense import Dense
from cnnkit.layers.shape import Shape, show
from cnnkit.rules.base import INPUT, RuleContext, finding, percent

_SHARE = 2  # more than one part in two
_MANY = 1_000_000


def check(network: RuleContext) -> Iterator[Finding]:
    """The dense layer that outweighs all others, if there is one."""
    total = network.analysis.totals.parameters
    if total <= _MANY:
        return
    for index in network.by_kind.get("dense", ()):
        operation = network.operations[index]
        held = sum(weight.size for weight in operation.effect.weights)
        if held <= _MANY or _SHARE * held <= total or not isinstance(operation.layer, Dense):
            continue
        shape = _map_before(network, index)
        if shape is None:
            continue
        layer, above = network.owner(index)
        yield finding(
            "large-dense",
            layer,
            above,
            f"this dense layer holds {held:,} of the network's {total:,} parameters "
            f"({percent(held, total)}): {operation.layer.units:,} units read all of "
            f"{show(shape)} = {math.prod(shape):,} cells",
            _alternatives(shape, operation.layer),
        )


def _map_before(network: RuleContext, index: int) -> Shape | None:
    """The map that was flattened for a layer; None where it was pooled, or where there is none."""
    while (index := network.source(index)) > INPUT:
        incoming = network.incoming(index)
        operation = network.operations[index]
        if incoming is not None and len(incoming) > 1:
            flattened = operation.layer.kind in ("flatten", "reshape")
            return incoming if flattened and math.prod(incoming[:-1]) > 1 else None
        if len(operation.inputs) > 1 or operation.layer.family in ("dense", "convolution"):
            return None
    return None


def _alternatives(shape: Shape, dense: Dense) -> str:
    """What would do its work, with the parameters that the analysis gives it."""
    from cnnkit.layers.convolution import Conv
    from cnnkit.layers.pooling import GlobalMeanPool

    pool = GlobalMeanPool()
    conv = Conv(filters=dense.units, kernel=3, padding="same", bias=dense.has_bias)
    written = f"conv: {{filters: {dense.units}, kernel: 3, padding: same}}"
    return (
        f"`global_mean_pool` in place of `flatten` leaves it {_parameters(shape, pool, dense):,} "
        f"parameters; `{written}` and `global_mean_pool` in place of both take "
        f"{_parameters(shape, conv, pool):,}"
    )


def _parameters(shape: Shape, *layers: Layer) -> int:
    from cnnkit.analysis.analyze import analyze
    from cnnkit.spec.model.spec import Spec

    return analyze(Spec(input=shape, layers=layers)).totals.parameters
