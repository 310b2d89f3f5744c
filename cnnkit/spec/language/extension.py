"""`extends:`: a spec that says only what differs from another."""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeAlias

from typing_extensions import override

from cnnkit.errors import Finding, Location
from cnnkit.spec.text.node import YamlNode
from cnnkit.spec.text.scalars import Scalar
from cnnkit.spec.text.source import read_file

# Merged key by key, `defaults` by the fields of each kind, too; any other section of the extended
# spec is replaced as a whole.
_MERGED: Final = ("variables", "defaults", "blocks", "train")
# These speak of the one network they stand beside.
_NOT_INHERITED: Final = ("name", "about", "expect", "budget", "search", "extends")
_MAX_CHAIN: Final = 10
# What marks the folder of a project. Files outside are another's: what a spec says of them, and
# what a message would show of them, is nobody's business.
_MARKS: Final = ("cnnkit.toml", "pyproject.toml", ".git")

Value: TypeAlias = Scalar | list[YamlNode] | dict[str, YamlNode]


def extended(node: YamlNode, file: str | Path | None) -> tuple[YamlNode, list[Finding]]:
    """The node with the spec that it extends put below it; paths stay in its project."""
    findings: list[Finding] = []
    if not isinstance(node.value, dict) or "extends" not in node.value:
        return node, findings
    path = None if file is None else Path(file)
    folder = (path.parent if path is not None else Path()).resolve()
    trail = [path.resolve()] if path is not None else []
    return _extend(node, folder, project(folder), trail, findings), findings


def project(folder: Path) -> Path:
    """The nearest folder from this one upwards that is marked as a project; else itself."""
    return next(filter(_marked, (folder, *folder.parents)), folder)


def _marked(folder: Path) -> bool:
    return any((folder / name).exists() for name in _MARKS)


def _extend(
    node: YamlNode, here: Path, root: Path, trail: list[Path], findings: list[Finding]
) -> YamlNode:
    if not isinstance(node.value, dict) or "extends" not in node.value:
        return node
    reference = node.value["extends"]

    def refuse(rule: str, message: str, advice: str) -> YamlNode:
        findings.append(Finding(rule, "error", message, advice, reference.location()))
        return _without(node)

    if not isinstance(reference.value, str) or not reference.value:
        message = "`extends` is not the name of a file"
        return refuse("wrong-type", message, "write `extends: other.yaml`")
    name = reference.value
    try:
        target = (here / name).resolve()
        missing = not target.is_file()
    except (OSError, ValueError, RuntimeError):  # a name too long, or links in a circle
        target, missing = root / "nothing", True
    if Path(name).is_absolute() or not target.is_relative_to(root):
        return refuse(
            "unreadable-file",
            f"`extends: {name}` leads out of the {'project' if _marked(root) else 'spec'}'s folder",
            "a spec extends files below its project's folder, the nearest one above it with "
            f"{', '.join(_MARKS[:-1])} or {_MARKS[-1]}; without one, below its own",
        )
    if target in trail:
        return refuse(
            "recursive-extends",
            f"`extends: {name}` comes back to a file that it started from",
            "let the chain end in a spec that extends none",
        )
    if len(trail) > _MAX_CHAIN:
        return refuse("too-large", f"more than {_MAX_CHAIN} specs extend one another", "join some")
    if missing:
        return refuse(
            "unreadable-file",
            f"`extends: {name}`: there is no such file",
            "the path is relative to the folder of the spec that names it",
        )
    shown = str(Path(node.source.name).parent / name)
    base, faults = read_file(target, shown)
    findings += faults
    if base is None:
        return _without(node)
    if not isinstance(base.value, dict):
        message = f"`extends: {name}`: what is in that file is no mapping, so no spec"
        return refuse("wrong-type", message, "name a file with `input:` and `layers:`")
    base = _extend(base, target.parent, root, [*trail, target], findings)
    return _merged(base, node)


def _without(node: YamlNode) -> YamlNode:
    value = node.value if isinstance(node.value, dict) else {}
    return node.with_value({key: item for key, item in value.items() if key != "extends"})


def _merged(base: YamlNode, node: YamlNode) -> YamlNode:
    """The node over its base: keys of both, the node's where both have one."""
    below = base.value if isinstance(base.value, dict) else {}
    above = node.value if isinstance(node.value, dict) else {}
    value = {key: item for key, item in below.items() if key not in _NOT_INHERITED}
    for key, item in above.items():
        if key in _MERGED and key in value:
            value[key] = _joined(value[key], item, inner=key == "defaults")
            if key == "variables":
                value[key] = _ordered(value[key])
        elif key != "extends":
            value[key] = item
    return _Over(node, base, value)


def _joined(base: YamlNode, node: YamlNode, *, inner: bool = False) -> YamlNode:
    """The entries of both, the node's where both have one: or ``inner`` those joined again."""
    below, above = base.value, node.value
    if not isinstance(below, dict) or not isinstance(above, dict):
        return node
    value = {**below, **above}
    if inner:
        value |= {key: _joined(below[key], above[key]) for key in below.keys() & above.keys()}
    return _Over(node, base, value)


def _ordered(variables: YamlNode) -> YamlNode:
    """The variables of both specs in an order in which each comes after those that it reads."""
    entries = variables.value if isinstance(variables.value, dict) else {}
    ordered: dict[str, YamlNode] = {}
    begun: set[str] = set()  # in a circle, what reads one that is not there yet is told so
    waiting = list(reversed(entries))
    while waiting:
        name = waiting[-1]
        reads = [] if name in begun else sorted((_read_by(entries[name]) & entries.keys()) - begun)
        begun.add(name)
        if reads:
            waiting += reads
        else:
            ordered.setdefault(name, entries[name])
            waiting.pop()
    return variables.with_value(ordered)


def _read_by(node: YamlNode) -> frozenset[str]:
    """The variables that an entry reads."""
    if isinstance(node.value, list):
        return frozenset().union(*map(_read_by, node.value))
    if not isinstance(node.value, str) or "$" not in node.value:
        return frozenset()
    from cnnkit.spec.language.expression import names_in
    from cnnkit.spec.language.value import ExpressionError

    try:
        return names_in(node.value)
    except ExpressionError:  # reported where the value is read
        return frozenset()


class _Over(YamlNode):
    """A mapping put over that of an extended spec, whose keys stand in their own text."""

    __slots__ = ("base",)

    def __init__(self, node: YamlNode, base: YamlNode, value: Value) -> None:
        super().__init__(
            value,
            node.source,
            node.line,
            node.column,
            node.end_line,
            node.end_column,
            node.keys,
        )
        self.base = base

    @override
    def key_location(self, key: str) -> Location | None:
        return super().key_location(key) or self.base.key_location(key)

    @override
    def with_value(self, value: Value) -> YamlNode:
        return _Over(self, self.base, value)
