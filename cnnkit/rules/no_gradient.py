"""Weights before an embedding are never trained.

## What it finds

An `embedding` behind layers with weights of which nothing else is computed. It rounds what comes in
to the numbers of entries, so nothing that it gives changes with a small change of them.

## Why

Training follows the slope of the loss by each weight. Before a rounding the slope is 0: these
weights stay what they were drawn as, and no metric tells. An embedding belongs where the numbers
come in.

## Example

```yaml
input: 20
layers:
  - dense: {units: 20, activation: relu}
  - embedding: {entries: 70, units: 8}
  - conv: {filters: 16, kernel: 3, activation: relu}
  - global_mean_pool
  - dense: {units: 2}
```

## Instead

```yaml
input: 20
layers:
  - embedding: {entries: 70, units: 8}
  - conv: {filters: 16, kernel: 3, activation: relu}
  - global_mean_pool
  - dense: {units: 2}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.rules.base import INPUT, RuleContext, counted, finding


def check(network: RuleContext) -> Iterator[Finding]:
    """The weights of which only embeddings are computed, at the embedding that reads them."""
    embeddings = network.by_kind.get("embedding", [])
    if not any(network.source(index) > INPUT for index in embeddings):
        return
    reached = _reached(network)
    for index in embeddings:
        before = [each for each in network.before(index) if each != index and each not in reached]
        weights = [weight for each in before for weight in network.operations[each].effect.weights]
        parameters = sum(weight.size for weight in weights if weight.trainable)
        if parameters:
            reached.update(before)  # told once
            layer, above = network.owner(index)
            yield finding(
                "no-gradient",
                layer,
                above,
                f"this embedding rounds what it reads, so {counted(parameters, 'parameter')} "
                "before it would never be trained",
                "put it first, where whole numbers come in",
            )


def _reached(network: RuleContext) -> set[int]:
    """The operations that the slope of the loss reaches: not what embeddings read."""
    found = list(network.ends)
    seen = set(found)
    for index in found:  # which grows meanwhile
        operation = network.operations[index]
        if operation.layer.kind == "embedding":
            continue
        for source in operation.inputs:
            if source > INPUT and source not in seen:
                seen.add(source)
                found.append(source)
    return seen
