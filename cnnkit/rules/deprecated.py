"""A layer is written in a way that is read, and has a better one.

## What it finds

A kind that another took the place of: in the layers, in the blocks, used or not, and in
`defaults:`. `cnnkit check --fix` writes the layer anew, in its place; comments and the layout stay.

| kind | in its place |
|---|---|
| `channel_slice` | `slice: {axis: channels, …}` |

## Why

The spec stays valid: it is read as before and means the same, and as the finding is of level info,
it fails no check, not even with `--strict`. But two ways to say one thing are one too many for
whoever reads specs, and new fields come to the kind that stays.

## Example

```yaml
input: 8x8x16
layers:
  - channel_slice: {start: 4, stop: 12}
```

## Instead

```yaml
input: 8x8x16
layers:
  - slice: {axis: channels, start: 4, stop: 12}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.layers.kinds import DEPRECATED, instead
from cnnkit.rules.base import Replacement, RuleContext, finding
from cnnkit.rules.text import anchored, layer_nodes, section
from cnnkit.spec.language.place import LayerPlace
from cnnkit.spec.text.node import YamlNode

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def check(network: RuleContext) -> Iterator[Finding]:
    """The layers of deprecated kinds: those of the network, then those that it does not use."""
    shown = set()
    for layer, above in network.layers:
        if layer.layer is not None and layer.layer.kind in DEPRECATED:
            place = layer.place
            node = place.node if isinstance(place, LayerPlace) else None
            shown.add(id(node))
            fixed = node is not None and _rewritten(network, node) is not None
            yield finding("deprecated", layer, above, *_said(layer.layer.kind, fixed))
    for node, kind in _written(network):
        if id(node) not in shown:
            said = _said(kind, _rewritten(network, node) is not None)
            yield Finding("deprecated", "info", *said, node.key_location(kind))
    for kind in _defaults(network):
        defaults = section(network, "defaults")
        advice = f"give its fields to the layers, which are then to be `{DEPRECATED[kind][0]}`"
        where = defaults.key_location(kind) if defaults else None
        yield Finding("deprecated", "info", f"`{kind}` is deprecated", advice, where)


def fix(network: RuleContext) -> Iterator[Replacement]:
    """The layers, written with the kind that took the place of theirs."""
    for node, _ in _written(network):
        if replacement := _rewritten(network, node):
            yield replacement


def _said(kind: str, fixed: bool) -> tuple[str, str]:
    """What is wrong with a kind, and what to do."""
    advice = f"{instead(kind)}{', as `cnnkit check --fix` does' if fixed else ''}"
    return f"`{kind}` is deprecated", advice


def _written(network: RuleContext) -> Iterator[tuple[YamlNode, str]]:
    """The nodes of layers of deprecated kinds, each once, and their kinds."""
    document = network.analysis.spec.origin.document
    if document is None or (document.source.text and not _mentioned(document)):
        return
    seen = set()
    for node in layer_nodes(document):
        if isinstance(node.value, dict) and id(node) not in seen:
            seen.add(id(node))
            for kind in DEPRECATED.keys() & node.value.keys():
                yield node, kind


def _mentioned(document: YamlNode) -> bool:
    """Whether a text may hold such a kind: a search of the text is quicker than of the nodes."""
    extends = isinstance(document.value, dict) and "extends" in document.value
    return extends or any(kind in document.source.text for kind in DEPRECATED)


def _defaults(network: RuleContext) -> list[str]:
    """The deprecated kinds of which `defaults:` gives fields."""
    node = section(network, "defaults")
    given = node.value if node is not None and isinstance(node.value, dict) else {}
    return [kind for kind in DEPRECATED if kind in given]


def _rewritten(network: RuleContext, node: YamlNode) -> Replacement | None:
    """The text from a layer's kind to its first field, with the new kind; None where it has none.

    Fields that an alias brings stand elsewhere, perhaps for other layers as well.
    """
    document = network.analysis.spec.origin.document
    if document is None or node.source is not document.source or not isinstance(node.value, dict):
        return None
    kind = next(kind for kind in DEPRECATED if kind in node.value)
    fields = node.value[kind]
    if kind not in node.keys or not isinstance(fields.value, dict) or not fields.keys:
        return None
    line, column, end_line, end_column = node.keys[kind]
    first_line, first_column, *_ = next(iter(fields.keys.values()))
    lines = range(line, first_line + 1)
    if (first_line, first_column) < (end_line, end_column) or kind in _defaults(network):
        return None
    if any(anchored(node.source.line(each)) for each in lines):
        return None
    between = _between(node, (end_line, end_column), (first_line, first_column))
    key = node.source.line(line)[column:end_column]
    quote = '"' if key.startswith('"') else ""
    better, given = DEPRECATED[kind]
    flow = fields.source.line(fields.line)[fields.column : fields.column + 1] == "{"
    found = _LINE_BREAK.search(node.source.text)
    after = ", " if flow else f"{found.group() if found else chr(10)}{' ' * first_column}"
    added = "".join(
        f"{quote}{name}{quote}: {quote}{value}{quote}{after}" for name, value in given.items()
    )
    text = f"{quote}{better}{quote}{between}{added}"
    return Replacement(line + 1, column + 1, first_line + 1, first_column + 1, text)


def _between(node: YamlNode, start: tuple[int, int], end: tuple[int, int]) -> str:
    """The text between two places, which stays."""
    starts = [0, *(found.end() for found in _LINE_BREAK.finditer(node.source.text))]
    return node.source.text[starts[start[0]] + start[1] : starts[end[0]] + end[1]]
