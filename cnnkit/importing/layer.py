"""A layer of the tree that a graph becomes: as it will be written, with the arrays it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array


@dataclass(slots=True)
class WrittenLayer:
    """A layer, and for a composite one the lists of layers in it.

    Attributes:
        kind: Its kind.
        fields: Its fields, but for lists of layers.
        parts: Its lists of layers, in the order in which they run: ``layers`` and ``shortcut`` of
            a residual, the numbers of the branches of a parallel.
        arrays: The arrays of each of its operations that has some, in the order in which they run.
        scope: Where the model has it.
        number: The number of the operation that it is, which those that share its weights name.
        name: Its name, where it must have one, or the spec had it that the model is of.
        apart: Whether it is known to be a layer of its own, not the activation of another.
    """

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, list[WrittenLayer]] = field(default_factory=dict)
    arrays: list[dict[str, Array]] = field(default_factory=list)
    scope: str = ""
    number: int | None = None
    name: str | None = None
    apart: bool = False

    def walk(self) -> Iterator[WrittenLayer]:
        """This layer and all below it, in the order in which they run."""
        yield self
        for layers in self.parts.values():
            yield from walk(layers)

    def data(self) -> dict[str, Any]:
        """The layer as plain data: its kind, with fields and lists of layers."""
        fields = dict(self.fields)
        if self.kind == "parallel":
            fields = {"branches": [as_data(part) for part in self.parts.values()], **fields}
        else:
            fields = {**{name: as_data(part) for name, part in self.parts.items()}, **fields}
        return {**({"name": self.name} if self.name else {}), self.kind: fields}


def walk(layers: Sequence[WrittenLayer]) -> Iterator[WrittenLayer]:
    """Layers and all below them, in the order in which they run."""
    for layer in layers:
        yield from layer.walk()


def as_data(layers: Sequence[WrittenLayer]) -> list[dict[str, Any]]:
    """Layers as plain data."""
    return [layer.data() for layer in layers]
