"""Something is computed that nothing reads.

## What it finds

Layers whose output reaches neither the network's output nor that of a `head:`, and a tensor that is
saved under a name that nothing loads, merges, crops or upsamples to.

## Why

The layers cost time and memory and count in all totals, and no gradient reaches them, so their
weights stay as they were drawn. Mostly a `merge` has been forgotten, or a `load` went on from the
wrong place.

## Example

```yaml
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - save: early
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - load: early
  - conv: {filters: 16, kernel: 5, padding: same, activation: relu}
```

## Instead

```yaml
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - save: early
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - save: late
  - load: early
  - conv: {filters: 16, kernel: 5, padding: same, activation: relu}
  - merge: {with: late}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.rules.base import INPUT, RuleContext, counted, finding, noun


def check(network: RuleContext) -> Iterator[Finding]:
    """The ends that are no output, each with all that only it reads; and unread names."""
    if network.analysis.output is None:  # an error cut the network off
        return
    unread = {index for index, readers in enumerate(network.consumers) if not readers}
    dead_ends = sorted(unread.difference(network.ends), reverse=True)
    seen: set[int] = set()
    if dead_ends:
        _reading(network, network.ends, seen)
    for index in dead_ends:
        dead = _reading(network, [index], seen)
        layer, above = network.owner(index)
        weights = (each for part in dead for each in network.operations[part].effect.weights)
        parameters = sum(weight.size for weight in weights if weight.trainable)
        yield finding(
            "dead-branch",
            layer,
            above,
            f"nothing reads what this {noun(layer)} gives: {counted(len(dead), 'operation')} with "
            f"{counted(parameters, 'parameter')} lead nowhere",
            "`save` it and `merge` it where it belongs, or take the layers out",
        )
    yield from _unread_names(network)


def _reading(network: RuleContext, ends: list[int], seen: set[int]) -> list[int]:
    """These and what they read, however indirectly, and was not seen before; it is now."""
    found = [end for end in ends if end not in seen]
    seen.update(found)
    for index in found:  # which grows meanwhile
        for source in network.operations[index].inputs:
            if source > INPUT and source not in seen:
                seen.add(source)
                found.append(source)
    return found


def _unread_names(network: RuleContext) -> Iterator[Finding]:
    saves = [
        (str(vars(layer.layer)["tensor"]), layer, above)
        for layer, above in network.layers
        if layer.kind == "save" and layer.layer is not None
    ]
    if not saves:
        return
    read = set(_names_read(network))
    # In a repeat a line saves under a name for each `$index`; the last may be one too many.
    useful = {str(layer.location) for name, layer, _ in saves if name in read}
    for name, layer, above in saves:
        if name not in read and (layer.location is None or str(layer.location) not in useful):
            advice = f"`merge: {{with: {name}}}` or `load: {name}`, or take the line out"
            message = f"`{name}` is saved and never read"
            yield finding("dead-branch", layer, above, message, advice)


_READING = ("to", "context")
"""The fields that name a saved tensor, beside what `load` and `merge` are written for."""


def _names_read(network: RuleContext) -> Iterator[str]:
    for layer, _ in network.layers:
        fields = {} if layer.layer is None else vars(layer.layer)
        named = [fields.get(field) for field in _READING]
        if layer.kind in ("load", "merge"):
            others = fields["tensor" if layer.kind == "load" else "others"]
            named += [others] if isinstance(others, str) else others
        yield from (name for name in named if isinstance(name, str))
