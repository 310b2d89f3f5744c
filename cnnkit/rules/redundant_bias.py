"""A bias stands directly before a batch norm, which takes it out again.

## What it finds

A convolution or dense layer with a bias whose output goes to a `batch_norm` and nowhere else; also
before an `instance_norm`, which subtracts the same mean. Neighbours are those of the graph, not of
the text: a block, branch or activation between them counts as what it is.

## Why

A bias adds one number to a whole channel, and the normalization subtracts the channel's mean, this
number included. Whatever its value, the output stays, so it has no gradient and learns nothing: the
parameters are useless. The `shift` of the batch norm does their work.

## Example

```yaml
input: 32x32x3
layers:
  - conv: {filters: 64, kernel: 3, padding: same}
  - batch_norm
  - relu
```

## Instead

```yaml
input: 32x32x3
layers:
  - conv: {filters: 64, kernel: 3, padding: same, bias: false}
  - batch_norm
  - relu
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.errors import Finding
from cnnkit.layers.weighted import Weighted
from cnnkit.rules.base import INPUT, RuleContext, counted, finding, noun


def check(network: RuleContext) -> Iterator[Finding]:
    """The biases that are subtracted again; one finding for all copies of a line."""
    lines: dict[object, list[tuple[int, int]]] = {}
    for norm in network.of(lambda layer: layer.centres_channels):
        index = network.source(norm)
        if useless := _useless(network, index):
            layer = network.owner(index)[0]
            lines.setdefault(layer.location or layer.path, []).append((index, useless))
    for copies in lines.values():
        index = copies[0][0]
        layer, above = network.owner(index)
        reader = network.operations[network.consumers[index][0]].layer.kind
        number = sum(useless for _, useless in copies)
        wasted = f"{counted(number, 'parameter')} {'is' if number == 1 else 'are'} useless"
        yield finding(
            "redundant-bias",
            layer,
            above,
            f"the bias of this {noun(layer)} does nothing, the {reader} after it subtracts it with "
            f"the mean: {wasted}{f' in {len(copies)} copies' if len(copies) > 1 else ''}",
            _advice(network, layer),
            ("bias",),
        )


def _advice(network: RuleContext, layer: LayerAnalysis) -> str:
    """One line for the layer, and one for all of its kind where none of them needs its bias."""
    own = "write `bias: false`"
    for index, operation in enumerate(network.operations):
        weights = operation.effect.weights
        if not any(weight.name == "bias" for weight in weights):
            continue
        model = network.owner(index)[0].layer
        if model is None or model.kind != layer.kind:
            continue
        # What a layer says itself goes before `defaults`.
        if "bias" in model.model_fields_set or not _useless(network, index):
            return own
    return f"{own}, or once for all `defaults: {{{layer.kind}: {{bias: false}}}}`"


def _useless(network: RuleContext, index: int) -> int:
    """The parameters of a bias that only normalizations read; 0 where there is none."""
    if index <= INPUT:
        return 0
    operation = network.operations[index]
    # The bias of a locally connected layer differs from cell to cell, so the mean keeps it.
    if not isinstance(operation.layer, Weighted) or not operation.layer.shares_weights:
        return 0
    readers = [network.operations[each].layer for each in network.consumers[index]]
    if (
        not readers
        or index in network.ends
        or not all(reader.centres_channels for reader in readers)
    ):
        return 0
    return sum(weight.size for weight in operation.effect.weights if weight.name == "bias")
