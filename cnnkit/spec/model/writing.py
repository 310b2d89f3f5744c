"""A ``Spec`` as plain data that reads as the same network: no variables, no expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cnnkit.errors import SpecError
from cnnkit.layers.base import Layer, show
from cnnkit.layers.block import Block, Unreadable
from cnnkit.layers.composition import Repeat
from cnnkit.spec.language.blocks import NAME

if TYPE_CHECKING:
    from cnnkit.spec.model.spec import Spec


def written(spec: Spec) -> dict[str, Any]:
    """The sections of a spec, in the order in which they are best read.

    `search:` is not among them: the variables and blocks that its paths lead to are put in, and
    so no longer there.

    Raises:
        SpecError: A layer of the spec is not readable.
    """
    writer = _Writer(spec)
    layers = writer.layers(spec.layers)
    sections = {
        "name": _plain(spec.name),
        "input": show(spec.input),
        "rounding": spec.rounding if spec.rounding != "exact" else None,
        "blocks": {name: {"layers": inner} for name, inner in writer.blocks.items()},
        "layers": layers,
        "expect": spec.expect and _plain(spec.expect.model_dump(exclude_none=True)),
        "budget": spec.budget and _plain(spec.budget.model_dump(exclude_none=True)),
        "rules": _plain(spec.rules.model_dump(exclude_defaults=True)),
        "train": spec.train and _plain(spec.train.written()),
    }
    return {key: value for key, value in sections.items() if value or key == "layers"}


class _Writer:
    """Writes layers, and collects the blocks that they use.

    The expansions of one block that differ become blocks of their own, `unit` and `unit-2`.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.blocks: dict[str, list[Any]] = {}

    def layers(self, layers: tuple[Layer, ...]) -> list[Any]:
        return [self.layer(layer) for layer in layers]

    def layer(self, layer: Layer) -> Any:
        """A layer as it stands in a list: a bare kind where there is nothing to say of it."""
        if isinstance(layer, Unreadable):
            raise SpecError(self.spec.origin.findings)
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
            return entries if any(map(NAME.fullmatch, entries)) else _listed(entries)
        return _plain(value)


def _listed(branches: Mapping[str, Any]) -> list[Any]:
    """Branches without names; where `when` has left one out it is still counted."""
    count = max(map(int, branches), default=-1) + 1
    return [branches.get(str(n), {"when": False, "layers": []}) for n in range(count)]


def _plain(value: Any) -> Any:
    """A value without tuples, and a dollar in it doubled, so that it stands for itself."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value
