"""The number that a spec has at a path."""

from __future__ import annotations

from decimal import Decimal

from cnnkit.errors import UsageError
from cnnkit.spec.layer_reader import BESIDE
from cnnkit.spec.node import Node


def number_at(document: Node, path: str) -> Decimal | None:
    """The number at a path as `--set` takes it; None where it is left out or an expression.

    A path that leads nowhere gives None, too: putting a value there says what is wrong.

    Raises:
        UsageError: What is there is no number.
    """
    node: Node | None = document
    for part in path.strip().split("."):
        node = _below(node, part)
        if node is None:
            return None
    value = node.value
    if value is None or isinstance(value, str):
        return None
    if isinstance(value, (list, dict)) or isinstance(value, bool):
        what = {list: "a list", dict: "a mapping"}.get(type(value), str(value).lower())
        example = ", such as " + f"{path}.0" if isinstance(value, list) and value else ""
        raise UsageError(f"--vary {path}: this is {what}; name one number{example}")
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
