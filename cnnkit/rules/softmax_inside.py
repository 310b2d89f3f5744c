"""A softmax stands inside the network instead of at its end.

## What it finds

A `softmax` or `log_softmax` whose output is read, directly or further on, by another layer with
weights, by a normalization or by another activation. What is multiplied into a map is a gate, as in
attention, and is left alone; so is what only shapes, joins or pools the probabilities.

## Why

Softmax squeezes all channels into one budget of 1: where one is large, the others, and the
gradients through them, are almost 0. As an activation it stops a network from learning; it belongs
behind the last layer, once, to read its scores as probabilities.

## Example

```yaml
input: 28x28x1
layers:
  - flatten
  - dense: {units: 64, activation: softmax}
  - dense: {units: 10}
```

## Instead

```yaml
input: 28x28x1
layers:
  - flatten
  - dense: {units: 64, activation: relu}
  - dense: {units: 10, activation: softmax}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.rules.base import RuleContext, finding, noun
from cnnkit.spec.graph import Node

_READERS = frozenset({"convolution", "dense", "normalization", "activation"})


def check(network: RuleContext) -> Iterator[Finding]:
    """The softmaxes that another layer computes with."""
    softmaxes = network.of(lambda layer: layer.of_classes)
    ends = network.ends
    found = sorted(index for index in softmaxes if network.consumers[index] and index not in ends)
    if not found:
        return
    reader: list[int | None] = [None] * len(network.operations)
    for index in range(len(reader) - 1, found[0] - 1, -1):
        for consumer in network.consumers[index]:
            operation = network.operations[consumer]
            if operation.layer.family in _READERS and operation.layer.kind != "linear":
                reader[index] = consumer
            elif not _gates(operation):
                reader[index] = reader[consumer]
            if reader[index] is not None:
                break
    for index in found:
        consumer_or_none = reader[index]
        if consumer_or_none is not None:
            layer, above = network.owner(index)
            kind = network.operations[index].layer.kind
            after = network.owner(consumer_or_none)[0]
            yield finding(
                "softmax-inside",
                layer,
                above,
                f"this {kind} is not the end: the {noun(after)} `{after.path}` reads it",
                "use an activation such as `relu` here, and softmax behind the last layer only",
                () if layer.kind == kind else ("activation",),
            )


def _gates(operation: Node) -> bool:
    """Whether it multiplies its inputs, one of which weighs the other."""
    return getattr(operation.layer, "by", None) == "multiply"
