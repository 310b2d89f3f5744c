"""`--set PATH=VALUE`: one value of a spec replaced before it is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cnnkit.errors import UsageError, did_you_mean
from cnnkit.layers import KINDS, layer_class
from cnnkit.spec.language.faults import field_names
from cnnkit.spec.language.layer import BESIDE, CONDITIONAL
from cnnkit.spec.model.spec import SECTIONS
from cnnkit.spec.text.node import YamlNode
from cnnkit.spec.text.source import read_text

# In these, only what the spec has can be set: nothing would read a variable that is new.
_CLOSED = ("variables", "blocks", "layers")
_MAX_SHOWN = 20


def override(node: YamlNode, assignment: str) -> YamlNode:
    """The spec with one value set: `variables.k=5`, `layers.0.filters=16`, `train.epochs=2`.

    The path leads through keys, indexes and names of layers; a layer's kind may be left out.

    Raises:
        UsageError: The assignment has no `=`, its value is no YAML, or its path leads nowhere.
    """
    path, equals, text = assignment.partition("=")
    parts = path.strip().split(".")
    if not equals or not all(parts):
        raise UsageError(f"--set {assignment}: write PATH=VALUE, such as variables.width=64")
    value, findings = read_text(text if text.strip() else '""', f"--set {path.strip()}")
    if value is None or findings:
        reason = findings[0].message if findings else "it is empty"
        raise UsageError(f"--set {assignment}: the value is no YAML: {reason}")
    if not isinstance(node.value, dict):
        return node  # that it is no spec is said where it is read
    section, *rest = parts
    if section == "extends":
        raise UsageError(f"--set {assignment}: only the text of a spec says what it extends")
    setting = _Setting(value, assignment, section in _CLOSED, _blocks(node.value))
    if section not in SECTIONS:
        raise setting.nowhere(section, SECTIONS)
    return setting.at_key(node, section, rest)


def _blocks(spec: dict[str, YamlNode]) -> dict[str, YamlNode]:
    blocks = spec.get("blocks")
    return blocks.value if blocks is not None and isinstance(blocks.value, dict) else {}


class _Setting(NamedTuple):
    """The value to set; whether only what is there may be set; the blocks of the spec."""

    new: YamlNode
    assignment: str
    closed: bool
    blocks: dict[str, YamlNode]

    def below(self, node: YamlNode, parts: list[str]) -> YamlNode:
        """The node, with the value set at a path below it."""
        if not parts:
            return self.new
        part, *rest = parts
        if isinstance(node.value, list):
            items = list(node.value)
            index = self._index(items, part)
            items[index] = (self.layer if self.closed else self.below)(items[index], rest)
            return node.with_value(items)
        entries = node.value if node.value is not None else {}
        if entries == part and not self.closed:  # `optimizer: sgd` is `optimizer: {sgd: {}}`
            entries = {part: YamlNode(None, node.source)}
            node = node.with_value(entries)
        if isinstance(entries, dict) and entries.keys() == CONDITIONAL and part not in entries:
            return self.at_key(node, "layers", parts)  # a branch: its path leads into its layers
        if not isinstance(entries, dict) or (self.closed and part not in entries):
            raise self.nowhere(part, entries if isinstance(entries, dict) else ())
        return self.at_key(node, part, rest)

    def at_key(self, node: YamlNode, key: str, rest: list[str]) -> YamlNode:
        """A mapping, with the value set at a path below a key that it may lack."""
        entries = node.value if isinstance(node.value, dict) else {}
        inner = entries.get(key) or YamlNode(None, self.new.source)
        return node.with_value({**entries, key: self.below(inner, rest)})

    def layer(self, node: YamlNode, parts: list[str]) -> YamlNode:
        """As ``below``, of a layer, where the next part may name a field of its kind."""
        if parts and isinstance(node.value, str):  # `- flatten` is `- flatten: {}`
            node = node.with_value({node.value: YamlNode(None, node.source)})
        value = node.value
        if not parts or not isinstance(value, dict) or value.keys() == CONDITIONAL:
            return self.below(node, parts)
        part, *rest = parts
        kinds = [key for key in value if key not in BESIDE]
        if part in BESIDE or len(kinds) != 1:
            return self.at_key(node, part, rest)
        (kind,) = kinds
        if part == kind:
            if not rest:
                return node.with_value({**value, kind: self.new})
            parts = rest
        return node.with_value({**value, kind: self._field(kind, value[kind], parts)})

    def _field(self, kind: str, node: YamlNode, parts: list[str]) -> YamlNode:
        """What stands behind a kind, with the value set at a path below it."""
        field, *rest = parts
        if kind in self.blocks:
            definition = self.blocks[kind].value
            arguments = definition.get("arguments") if isinstance(definition, dict) else None
            known = arguments.value if arguments and isinstance(arguments.value, dict) else {}
            if field == "layers" and field not in known:
                where = f"`blocks.{kind}.{'.'.join(parts)}`"
                raise self._refused(f"the layers of a block are set where they stand, at {where}")
            if field not in known:
                raise self.nowhere(field, known)
        elif kind in KINDS:
            cls = layer_class(kind)
            if field not in field_names(cls):
                raise self.nowhere(field, field_names(cls))
            entries = node.value if isinstance(node.value, dict) else {}
            if rest and field in cls.activation_fields and field in entries:
                inner = self.layer(entries[field], rest)
                return node.with_value({**entries, field: inner})
        return self.at_key(node, field, rest)

    def _index(self, items: list[YamlNode], part: str) -> int:
        """The index that a part of the path names, by number or by a layer's name."""
        names: dict[str, int] = {}
        for index, item in enumerate(items):
            name = item.value.get("name") if isinstance(item.value, dict) else None
            if name is not None:
                names[str(name.value)] = index
        if part in names:
            return names[part]
        if not (part.isascii() and part.isdecimal()):
            raise self.nowhere(part, names)
        if len(part) > len(str(len(items))) or int(part) >= len(items):
            count = f"{len(items)} {'entry' if len(items) == 1 else 'entries'}"
            raise self._refused(f"there is no index {part}, the list has {count}")
        return int(part)

    def nowhere(self, part: str, known: Iterable[str]) -> UsageError:
        """The error of a part that is not there; ``known`` is what is."""
        if "[" in part:
            return self._refused(
                f"`{part}` is one copy of what is written once; a path leads through the text, "
                "such as layers.stage2.layers.0.filters"
            )
        known = list(known)
        near = did_you_mean(part, known)
        listed = ", ".join(known[:_MAX_SHOWN]) + (", …" if len(known) > _MAX_SHOWN else "")
        advice = f"did you mean `{near}`?" if near else f"known here: {listed or 'nothing'}"
        return self._refused(f"there is no `{part}`; {advice}")

    def _refused(self, reason: str) -> UsageError:
        return UsageError(f"--set {self.assignment}: {reason}")
