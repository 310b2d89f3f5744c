"""Two outputs give the same tensor.

## What it finds

An `output:` that names a tensor which another one has named already, with no layer between them.

## Why

The network gives the same values twice, under two names. Mostly an `output:` stands before the
layer whose result was meant, or a `load` between the two is missing.

## Example

```yaml
input: 64x64x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - conv: {filters: 2, kernel: 1}
  - output: mask
  - output: label
```

## Instead

```yaml
input: 64x64x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - save: features
  - conv: {filters: 2, kernel: 1}
  - output: mask
  - load: features
  - global_mean_pool
  - dense: {units: 10}
  - output: label
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.rules.base import RuleContext, finding


def check(network: RuleContext) -> Iterator[Finding]:
    """The outputs whose tensor another one has named before."""
    outputs = network.graph.outputs
    if len(outputs) == 1:
        return
    named: dict[int, str] = {}
    for layer, above in network.layers:
        if layer.kind != "output" or layer.layer is None:
            continue
        name = str(vars(layer.layer)["tensor"])
        if name not in outputs:  # another one has the name, which is reported
            continue
        first = named.setdefault(outputs[name], name)
        if first != name:
            yield finding(
                "duplicate-output",
                layer,
                above,
                f"the outputs `{first}` and `{name}` are the same tensor",
                "take one of them out, or put it behind the layer whose result it is to give",
            )
