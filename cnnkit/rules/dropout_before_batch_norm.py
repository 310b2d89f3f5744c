"""A dropout stands before a batch norm, which then normalizes by the wrong variance.

## What it finds

A `dropout` or `spatial_dropout` whose output reaches a `batch_norm`, through other layers too, as
long as no other normalization comes between. A sum or concatenation with another branch ends the
search: the branch without dropout keeps the variance together, as in wide residual networks.

## Why

Dropout scales what it keeps by 1/(1 − rate), which preserves the mean and raises the variance, in
training only. The batch norm learns this raised variance, and divides by it in an evaluation, where
there is no dropout: the two disagree, and accuracy is lost (Li, Chen, Hu and Yang, "Understanding
the Disharmony between Dropout and Batch Normalization by Variance Shift", 2019). They advise to
drop after the last batch norm.

## Example

```yaml
input: 32x32x3
layers:
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
  - dropout: {rate: 0.3}
  - conv: {filters: 64, kernel: 3, padding: same, bias: false}
  - batch_norm
  - relu
```

## Instead

```yaml
input: 32x32x3
layers:
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
  - conv: {filters: 64, kernel: 3, padding: same, bias: false}
  - batch_norm
  - relu
  - dropout: {rate: 0.3}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.rules.base import INPUT, RuleContext, finding


def check(network: RuleContext) -> Iterator[Finding]:
    """One pass: of each operation, the dropout whose variance it still carries."""
    dropouts = {index for index in network.of(lambda layer: layer.drops) if _rate(network, index)}
    if not dropouts or not network.by_kind.get("batch_norm"):
        return
    dropped: list[int | None] = []
    for index, operation in enumerate(network.operations):
        source = operation.inputs[0]
        before = None if source <= INPUT or len(operation.inputs) > 1 else dropped[source]
        if operation.layer.family == "normalization":
            if operation.layer.kind == "batch_norm" and before is not None:
                layer, above = network.owner(before)
                yield finding(
                    "dropout-before-batch-norm",
                    layer,
                    above,
                    f"this {layer.kind} raises the variance that the batch_norm after it learns, "
                    f"by 1/(1 − {_rate(network, before):g}) in training and not in an evaluation",
                    "put dropout after the last batch_norm, or leave it out",
                )
            before = None
        dropped.append(index if index in dropouts else before)


def _rate(network: RuleContext, index: int) -> float:
    return float(getattr(network.operations[index].layer, "rate", 0))
