"""A number of channels is no multiple of 8.

## What it finds

A convolution or dense layer whose output channels 8 does not divide. The last layer is exempt: its
channels are the classes. The rule is off unless it is selected: it speaks of speed on some
hardware, and says nothing of the network.

## Why

The matrix units of GPUs and TPUs, and the vector units of phones, work on blocks of 8 or more
channels. What is left over is filled up with zeros, so 30 channels take the time of 32. The
mobile nets round all their widths to multiples of 8 for this reason; `round_to(x, 8)` does it in an
expression.

## Example

```yaml
input: 150
layers:
  - dense: {units: 30, activation: relu}
  - dense: {units: 10}
```

## Instead

```yaml
input: 150
layers:
  - dense: {units: 32, activation: relu}
  - dense: {units: 10}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.layers.advice import changing
from cnnkit.layers.weighted import Weighted
from cnnkit.rules.base import INPUT, RuleContext, counted, finding


def check(network: RuleContext) -> Iterator[Finding]:
    """The layers, but for the last ones, whose channels 8 does not divide."""
    last = {_last(network, end) for end in network.ends}
    for index in sorted(network.of(lambda layer: layer.channels_field)):
        operation = network.operations[index]
        output = operation.output
        if not output or not output[-1] % 8 or index in last:
            continue
        layer, above = network.owner(index)
        # The middle of a squeeze_excite is a handful of numbers, whatever its units.
        if any(each.kind == "squeeze_excite" for each in above):
            continue
        # The queries of attention speak for keys and values; as many go out as came in.
        if layer.kind == "attention" and operation.path != f"{layer.path}.query":
            continue
        channels = output[-1]
        near = [
            str(number)
            for number in (channels // 8 * 8, channels // 8 * 8 + 8)
            if number and _fills(network, index, number)
        ]
        yield finding(
            "channels-not-multiple-of-8",
            layer,
            above,
            f"{counted(channels, 'channel')} {'is' if channels == 1 else 'are'} no multiple of 8",
            f"{' or '.join(near) or 'a multiple of 8'} would fill the blocks that hardware works "
            "on",
            (operation.layer.channels_field or "",),
        )


def _fills(network: RuleContext, index: int, channels: int) -> bool:
    """Whether the layer can have so many channels: its groups have to divide them."""
    field = network.operations[index].layer.channels_field or "filters"
    outcome = network.tried("channels-not-multiple-of-8", index, **changing(field, channels))
    return outcome is not None and (outcome.effect.output or (0,))[-1] == channels


def _last(network: RuleContext, end: int) -> int:
    """The last layer with weights before an end of the network."""
    while network.source(end) > INPUT:
        layer = network.operations[end].layer
        if isinstance(layer, Weighted) or layer.channels_field:
            break
        end = network.source(end)
    return end
