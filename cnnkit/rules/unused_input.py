"""Nothing that the network gives depends on one of its inputs.

## What it finds

An input of `inputs:` that no layer reads, or that is read by layers alone whose output reaches
neither an output of the network nor that of a `head:`.

## Why

Whoever uses the network must give the input, and it changes nothing. Mostly a `load` or a `merge`
has been forgotten.

## Example

```yaml
inputs: {image: 32x32x3, depth: 32x32x1}
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - global_mean_pool
  - dense: {units: 10}
```

## Instead

```yaml
inputs: {image: 32x32x3, depth: 32x32x1}
layers:
  - merge: {with: depth}
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - global_mean_pool
  - dense: {units: 10}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.rules.base import INPUT, RuleContext, place_in


def check(network: RuleContext) -> Iterator[Finding]:
    """The inputs that none of the ends depends on."""
    graph = network.graph
    if len(graph.inputs) == 1 or network.analysis.output is None:
        return
    found = [*graph.outputs.values(), *(node for node, _ in graph.sides)]
    read = set(found)
    for index in found:  # which grows meanwhile
        for source in network.operations[index].inputs if index > INPUT else ():
            if source not in read:
                read.add(source)
                found.append(source)
    for number, name in enumerate(graph.inputs):
        if INPUT - number not in read:
            yield Finding(
                "unused-input",
                "warning",
                f"nothing that the network gives depends on the input `{name}`",
                f"`load: {name}` or `merge: {{with: {name}}}`, or take it out of `inputs`",
                place_in(network.analysis.spec, "inputs", name),
            )
