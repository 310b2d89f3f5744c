"""A recipe teaches a network that has several inputs or outputs.

## What it finds

A section `train:` in a spec with several `inputs`, or with more than one `output`.

## Why

Training reads one array of examples and one of targets, and has one loss. Such a network is
analysed, drawn, built, verified and converted; to train it, `cnnkit convert` writes the code to go
on from, or `cnnkit.build` the Flax module.

## Example

```yaml
inputs: {left: 28x28x1, right: 28x28x1}
layers:
  - {name: encoder, conv: {filters: 8, kernel: 3, activation: relu}}
  - save: first
  - load: right
  - shared: encoder
  - merge: {with: first, by: subtract}
  - global_mean_pool
  - dense: {units: 10}
train: {data: mnist}
```

## Instead

```yaml
inputs: {left: 28x28x1, right: 28x28x1}
layers:
  - {name: encoder, conv: {filters: 8, kernel: 3, activation: relu}}
  - save: first
  - load: right
  - shared: encoder
  - merge: {with: first, by: subtract}
  - global_mean_pool
  - dense: {units: 10}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.rules.base import RuleContext, place_in


def check(network: RuleContext) -> Iterator[Finding]:
    """The section `train:`, of a network that it cannot teach."""
    spec = network.analysis.spec
    what = network.graph.several
    if spec.train is not None and what:
        yield Finding(
            "not-trainable",
            "error",
            f"`train` teaches a network of one input and one output, and this one has {what}",
            "leave `train` out: `cnnkit convert` writes the network as code that can be trained",
            place_in(spec, "train"),
        )
