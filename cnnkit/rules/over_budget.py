"""A total exceeds the budget that the spec sets itself.

## What it finds

A figure under `budget:` that the network's total lies above. `inference_memory`, its parts
`weight_memory` and `activation_memory`, and `memory_traffic` are of one example in float32.
`training_memory` is of a batch, the recipe's `batch_size`, where the spec has `train:` (128 where
that says none, 1 where it is `auto`), else of one example. A search holds its trials to the same.

## Why

A network that is to run on a phone or a microcontroller has limits that do not show in its
accuracy: parameters that must fit into flash, activations into RAM, multiplications into a
frame's time. A budget is checked at each change, long before anything is trained.

## Example

```yaml
input: 28x28x1
layers:
  - conv: {filters: 32, kernel: 3, padding: same, activation: relu}
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
budget: {parameters: 10k}
```

## Instead

```yaml
input: 28x28x1
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - conv: {filters: 32, kernel: 3, padding: same, activation: relu}
budget: {parameters: 10k}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.rules.base import RuleContext, percent, place_in
from cnnkit.spec.model.section import BYTES


def check(network: RuleContext) -> Iterator[Finding]:
    """The totals above their bounds."""
    analysis = network.analysis
    budget = analysis.spec.budget
    if budget is None:
        return
    totals = analysis.budgeted
    for name, limit in budget.figures().items():
        value = totals[name]
        if value > limit:
            unit = " bytes" if name in BYTES else ""
            if name == "training_memory" and analysis.spec.train is not None:
                unit += f" for a batch of {analysis.spec.train.known_batch:,}"
            over = value - limit
            part = f" ({percent(over, limit)})" if limit else ""
            largest = max(analysis.layers, key=lambda layer: getattr(layer, name, 0), default=None)
            share = getattr(largest, name, 0)
            yield Finding(
                "over-budget",
                "error",
                f"`{name}` is {value:,}{unit}: {over:,} above the budget of {limit:,}{part}",
                f"the largest part is `{largest.path}`, {largest.kind}, with {share:,}"
                if largest and share
                else "make the network smaller, or raise the budget",
                place_in(analysis.spec, "budget", name),
            )
