"""Batch norm in a training whose batches have one example.

## What it finds

A `batch_norm` where `train:` has `batch_size: 1`; `accumulate` adds the gradients of batches up,
and leaves each of them as it is.

## Why

Batch norm takes the mean and the deviation of each channel over the batch. Of one vector these are
the vector itself and 0: what goes out is the shift, whatever comes in, and nothing before the layer
is learnt. Of one map they are those of the image, in training, and averages over many images when
the network is judged: it is judged as another network than was trained.

## Example

```yaml
input: 784
layers:
  - dense: {units: 64, bias: false}
  - batch_norm
  - relu
  - dense: {units: 10}
train: {data: mnist, epochs: 5, batch_size: 1}
```

## Instead

```yaml
input: 784
layers:
  - dense: {units: 64, bias: false}
  - batch_norm
  - relu
  - dense: {units: 10}
train: {data: mnist, epochs: 5, batch_size: 32}
```
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.rules.base import RuleContext, finding

_ADVICE = "a `batch_size` of 16 or more; where memory allows one example, `group_norm`"


def check(network: RuleContext) -> Iterator[Finding]:
    """The layers that have one example to take their statistics from."""
    train = network.analysis.spec.train
    if train is None or train.batch_size != 1:
        return
    for index in network.by_kind.get("batch_norm", ()):
        output = network.operations[index].output
        if output is None:
            continue
        values = math.prod(output[:-1])
        layer, above = network.owner(index)
        if values == 1:
            message = (
                "batch norm of 1 example has 1 value a channel, which is its own mean: all that "
                "comes in goes out as the same, and nothing before it is learnt"
            )
        else:
            message = (
                f"batch norm of 1 example takes the {values:,} values of one image a channel, and "
                f"is judged by averages over many images"
            )
        yield finding("batch-norm-of-one", layer, above, message, _ADVICE)
