"""A block is defined and never used.

## What it finds

A block of the spec's own `blocks:` that neither its layers nor a block they use name. Blocks that
come by `extends:` are left alone. A spec that only offers blocks for others to extend says
`rules: {ignore: [unused-block]}`. `cnnkit check --fix` deletes the block.

## Why

Nothing checks the layers of a block that is never expanded, so it decays; and a reader takes it for
a part of the network.

## Example

```yaml
input: 32x32x3
blocks:
  unit:
    arguments: {filters: required}
    layers:
      - conv: {filters: $filters, kernel: 3, padding: same, activation: relu}
  wide_unit:
    layers:
      - conv: {filters: 64, kernel: 5, padding: same, activation: relu}
layers:
  - unit: {filters: 16}
  - unit: {filters: 32}
```

## Instead

```yaml
input: 32x32x3
blocks:
  unit:
    arguments: {filters: required}
    layers:
      - conv: {filters: $filters, kernel: 3, padding: same, activation: relu}
layers:
  - unit: {filters: 16}
  - unit: {filters: 32}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.layers.block import Block
from cnnkit.rules.base import Removal, RuleContext
from cnnkit.rules.text import own_names, scalars, section, taken_out, without_entries


def check(network: RuleContext) -> Iterator[Finding]:
    """The blocks that no layer leads to."""
    blocks = section(network, "blocks")
    for name in _unused(network):
        fixed = any(without_entries(network, "blocks", [name]))
        yield Finding(
            "unused-block",
            "warning",
            f"block `{name}` is never used",
            f"{taken_out(fixed)}, or use it in `layers:`",
            blocks.key_location(name) if blocks else None,
        )


def fix(network: RuleContext) -> Iterator[Removal]:
    """The lines of the blocks."""
    return without_entries(network, "blocks", _unused(network))


def _unused(network: RuleContext) -> list[str]:
    own, blocks = own_names(network, "blocks"), section(network, "blocks")
    if not own or blocks is None or not isinstance(blocks.value, dict):
        return []
    # A name in the text may be that of a layer that `when` has left out; one that an expression
    # puts together is seen in what it expands to.
    used = {layer.layer.block for layer, _ in network.layers if isinstance(layer.layer, Block)}
    for name in ("layers", "variables"):
        if node := section(network, name):
            used.update(blocks.value.keys() & set(scalars(node)))
    waiting = list(used)
    while waiting:
        if node := blocks.value.get(waiting.pop()):
            more = (blocks.value.keys() & set(scalars(node))) - used
            used |= more
            waiting += more
    return [name for name in own if name not in used]
