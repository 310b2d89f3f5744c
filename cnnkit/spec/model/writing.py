"""Layers as plain data that read as the same network: no variables, no expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnkit.errors import Finding, SpecError
from cnnkit.layers.base import Layer
from cnnkit.layers.block import Block, UnreadableLayer
from cnnkit.layers.composition import Repeat
from cnnkit.spec.language.blocks import NAME


def written(
    layers: tuple[Layer, ...], findings: tuple[Finding, ...]
) -> tuple[list[Any], dict[str, Any]]:
    """Layers as plain data, and the blocks that they use.

    Args:
        layers: The layers.
        findings: The faults of their text.

    Raises:
        SpecError: A layer is not readable.
    """
    writer = _Writer(findings)
    listed = writer.layers(layers)
    return listed, {name: {"layers": inner} for name, inner in writer.blocks.items()}


class _Writer:
    """Writes layers, and collects the blocks that they use.

    The expansions of one block that differ become blocks of their own, `unit` and `unit-2`.
    """

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        self.blocks: dict[str, list[Any]] = {}

    def layers(self, layers: tuple[Layer, ...]) -> list[Any]:
        return [self.layer(layer) for layer in layers]

    def layer(self, layer: Layer) -> Any:
        """A layer as it stands in a list: a bare kind where there is nothing to say of it."""
        if isinstance(layer, UnreadableLayer):
            raise SpecError(self.findings)
        if isinstance(layer, Block):
            kind, fields = self._block(layer), None
        elif isinstance(layer, Repeat) and layer.copies is not None:
            kind, fields = "repeat", self._unrolled(layer.copies)
        else:
            kind, fields = layer.kind, self._fields(layer)
        if layer.name is not None:
            return {"name": layer.name, kind: fields}
        return {kind: fields} if fields else kind

    def _block(self, block: Block) -> str:
        layers = self.layers(block.layers)
        name, number = block.block, 1
        while self.blocks.setdefault(name, layers) != layers:
            number += 1
            name = f"{block.block}-{number}"
        return name

    def _unrolled(self, copies: tuple[tuple[Layer, ...], ...]) -> dict[str, Any]:
        """Copies that differ, each in a `repeat` of its own: that keeps their names apart."""
        return {
            "times": 1,
            "layers": [
                {"repeat": {"times": 1, "layers": self.layers(body)}} for body in copies if body
            ],
        }

    def _fields(self, layer: Layer) -> Any:
        """The fields that differ from the defaults of the kind."""
        given = {
            info.alias or name: self._value(getattr(layer, name))
            for name, info in type(layer).model_fields.items()
            if name != "name"
            and not info.exclude
            and (info.is_required() or getattr(layer, name) != info.default)
        }
        if layer.scalar_field is not None and list(given) == [layer.scalar_field]:
            return given[layer.scalar_field]
        return given

    def _value(self, value: Any) -> Any:
        if isinstance(value, Layer):
            return self.layer(value)
        if isinstance(value, tuple):
            return [self._value(item) for item in value]
        if isinstance(value, Mapping):
            entries = {key: self._value(item) for key, item in value.items()}
            return _named(entries) if any(map(_is_named, entries)) else _listed(entries)
        return plain(value)


def _is_named(branch: str) -> bool:
    return NAME.match(branch) is not None


def _named(branches: Mapping[str, Any]) -> dict[str, Any]:
    """Branches by name; ``wide[0]``, a copy of one, becomes ``wide-0``, a branch of its own."""
    found: dict[str, Any] = {}
    for name, layers in branches.items():
        plain_name = name.replace("[", "-").replace("]", "")
        while plain_name in found or (plain_name != name and plain_name in branches):
            plain_name += "-"
        found[plain_name] = layers
    return found


def _listed(branches: Mapping[str, Any]) -> list[Any]:
    """Branches without names; where `when` has left one out it is still counted.

    Copies of a branch, ``1[0]`` and so on, become branches of their own.
    """
    if not all(map(str.isdecimal, branches)):
        return list(branches.values())
    count = max(map(int, branches), default=-1) + 1
    return [branches.get(str(n), {"when": False, "layers": []}) for n in range(count)]


def plain(value: Any) -> Any:
    """A value without tuples, and a dollar in it doubled, so that it stands for itself."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value
