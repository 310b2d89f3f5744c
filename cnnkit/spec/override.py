"""`--set PATH=VALUE`: one value of a spec replaced before it is read."""

from __future__ import annotations

from cnnkit.errors import UsageError, did_you_mean
from cnnkit.spec.node import Node
from cnnkit.spec.source import read_text


def override(node: Node, assignment: str) -> Node:
    """The spec with one value set: `variables.k=5`, `layers.0.filters=16`, `train.epochs=2`.

    The path leads through keys, indexes and names of layers; a layer's kind may be left out.

    Raises:
        UsageError: The assignment has no `=`, its value is no YAML, or its path leads nowhere.
    """
    path, equals, text = assignment.partition("=")
    parts = path.strip().split(".")
    if not equals or not all(parts):
        raise UsageError(f"--set {assignment}: write PATH=VALUE, such as variables.width=64")
    value, findings = read_text(text if text.strip() else '""', f"--set {path}")
    if value is None or findings:
        reason = findings[0].message if findings else "it is empty"
        raise UsageError(f"--set {assignment}: the value is no YAML: {reason}")
    return _set(node, parts, value, assignment, top=True)


def _set(node: Node, parts: list[str], new: Node, assignment: str, *, top: bool = False) -> Node:
    if not parts:
        return new
    part, *rest = parts
    value = node.value
    if isinstance(value, list):
        index = _index(value, part, assignment)
        items = list(value)
        items[index] = _set_layer(value[index], rest, new, assignment)
        return node.with_value(items)
    if isinstance(value, dict):
        inner = value.get(part)
        if inner is None and rest:
            if not top:
                raise _nowhere(part, list(value), assignment)
            inner = Node({}, new.source)
        made = _set(inner, rest, new, assignment) if inner is not None else new
        return node.with_value({**value, part: made})
    raise _nowhere(part, [], assignment)


def _index(items: list[Node], part: str, assignment: str) -> int:
    """The index that a part of the path names, by number or by a layer's name."""
    if part.isdecimal() and int(part) < len(items):
        return int(part)
    names: dict[str, int] = {}
    for index, item in enumerate(items):
        name = item.value.get("name") if isinstance(item.value, dict) else None
        if name is not None:
            names[str(name.value)] = index
    if part in names:
        return names[part]
    if part.isdecimal():
        raise UsageError(
            f"--set {assignment}: there is no index {part}, the list has {len(items)} entries"
        )
    raise _nowhere(part, list(names), assignment)


def _set_layer(node: Node, parts: list[str], new: Node, assignment: str) -> Node:
    """As ``_set``, where the next part may name a field of a layer's kind."""
    value = node.value
    if not parts:
        return new
    if isinstance(value, str):  # `- flatten` is `- flatten: {}`
        return _set_layer(node.with_value({value: Node({}, node.source)}), parts, new, assignment)
    if isinstance(value, dict) and parts[0] not in value and parts[0] not in ("name", "when"):
        kinds = [key for key in value if key not in ("name", "when")]
        if len(kinds) == 1:
            kind = kinds[0]
            fields = value[kind]
            if fields.value is None:
                fields = fields.with_value({})
            return node.with_value({**value, kind: _set(fields, parts, new, assignment)})
    return _set(node, parts, new, assignment)


def _nowhere(part: str, known: list[str], assignment: str) -> UsageError:
    near = did_you_mean(part, known)
    advice = f"did you mean `{near}`?" if near else f"known here: {', '.join(known) or 'nothing'}"
    return UsageError(f"--set {assignment}: there is no `{part}`; {advice}")
