"""The number that a spec has at a path."""

from __future__ import annotations

from decimal import Decimal

from cnnkit.errors import UsageError
from cnnkit.spec.language.layer import BESIDE
from cnnkit.spec.text.node import Node


def number_at(document: Node, path: str) -> Decimal | None:
    """The number at a path as `--set` takes it; None where it is left out or an expression.

    A path that leads nowhere gives None, too: putting a value there says what is wrong.

    Raises:
        UsageError: What is there is no number.
    """
    node = document
    for part in path.strip().split("."):
        inner = _below(node, part)
        if inner is None:
            return None
        node = inner
    value = node.value
    if value is None or isinstance(value, str):
        return None
    if isinstance(value, bool):
        raise UsageError(f"--vary {path}: this is {str(value).lower()}; name a number")
    if isinstance(value, dict):
        raise UsageError(f"--vary {path}: this is a mapping; name one number in it")
    if isinstance(value, list):
        raise UsageError(f"--vary {path}: this is a list; name one number, such as {path}.0")
    return Decimal(str(value))


def _below(node: Node, part: str) -> Node | None:
    value = node.value
    if isinstance(value, list):
        for item in value:
            name = item.value.get("name") if isinstance(item.value, dict) else None
            if name is not None and str(name.value) == part:
                return item
        return value[int(part)] if part.isdecimal() and int(part) < len(value) else None
    if not isinstance(value, dict):
        return None
    if part in value:
        return value[part]
    kinds = [key for key in value if key not in BESIDE]  # a layer's kind may be left out
    inner = value[kinds[0]].value if len(kinds) == 1 else None
    return inner.get(part) if isinstance(inner, dict) else None
