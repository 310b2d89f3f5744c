"""A variable is defined and never read.

## What it finds

A variable of the spec's own `variables:` that no expression reads: not in its layers or blocks, nor
in another variable, nor in any other section. An argument of a block hides a variable of its name.
Variables that come by `extends:` are left alone. `cnnkit check --fix` deletes the variable.

## Why

`--set variables.width=64` and a search over it change nothing, and a reader believes that they do.
Often the number is written out somewhere that should read it.

## Example

```yaml
input: 32x32x3
variables:
  width: 16
  kernel: 3
layers:
  - conv: {filters: 16, kernel: $kernel, padding: same, activation: relu}
```

## Instead

```yaml
input: 32x32x3
variables:
  width: 16
  kernel: 3
layers:
  - conv: {filters: $width, kernel: $kernel, padding: same, activation: relu}
```
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cnnkit.errors import Finding
from cnnkit.rules.base import Removal, RuleContext
from cnnkit.rules.text import own_names, scalars, section, taken_out, without_entries
from cnnkit.spec.text.node import YamlNode


def check(network: RuleContext) -> Iterator[Finding]:
    """The variables that no expression reads."""
    variables = section(network, "variables")
    for name in _unused(network):
        fixed = any(without_entries(network, "variables", [name]))
        yield Finding(
            "unused-variable",
            "warning",
            f"variable `{name}` is never read",
            f"write `${name}` where it is meant, or {taken_out(fixed)}",
            variables.key_location(name) if variables else None,
        )


def fix(network: RuleContext) -> Iterator[Removal]:
    """The lines of the variables."""
    return without_entries(network, "variables", _unused(network))


def _unused(network: RuleContext) -> list[str]:
    own = own_names(network, "variables")
    document = network.analysis.spec.origin.document
    if not own or document is None or not isinstance(document.value, dict):
        return []
    read: set[str] = set()
    for name, node in document.value.items():
        if name == "blocks" and isinstance(node.value, dict):
            for block in node.value.values():
                read |= _read_in_block(block)
        else:
            read |= _names(scalars(node))
    return [name for name in own if name not in read]


def _read_in_block(block: YamlNode) -> set[str]:
    """The variables that a block reads, without its arguments; their defaults may read some."""
    parts = block.value if isinstance(block.value, dict) else {}
    arguments = parts.get("arguments")
    given = arguments.value if arguments and isinstance(arguments.value, dict) else {}
    defaults = _names(text for node in given.values() for text in scalars(node))
    layers = parts.get("layers")
    return defaults | (_names(scalars(layers)) - given.keys() if layers else set())


def _names(texts: Iterable[str]) -> set[str]:
    from cnnkit.spec.language.expression import names_in
    from cnnkit.spec.language.value import ExpressionError

    names: set[str] = set()
    for text in texts:
        if "$" in text:
            try:
                names |= names_in(text)
            except ExpressionError:  # reported where the text is read
                continue
    return names
