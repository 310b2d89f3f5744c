"""A layer of Keras that is called: its configuration, what it reads, and where its weights are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import Operation, OperationGraph, RefusedError
from cnnkit.importing.keras.activation import activation_of
from cnnkit.layers.shape import Shape

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.keras.store import Store


@dataclass(frozen=True)
class LayerCall:
    """A call of a layer.

    Attributes:
        kind: The name of its class.
        config: What it was made with.
        inputs: The operations that it reads.
        constants: The numbers and arrays that it reads.
        graph: What is built.
        store: The weights of the file.
        place: Where those of the layer are in an archive.
        names: The names of the models that it is in, and its own.
        legacy: Whether a Keras before 3 wrote it.
        args: What it is given by place, tensors as the numbers of operations.
        kwargs: What it is given by name.
        parts: The names of the layers within it that its arrays are of.
        scope: The names of the models that it is in, and its own, where it was given one.
        norm: How the weights of its filters are normalized, where the converted code does so.
    """

    kind: str
    config: Mapping[str, Any]
    inputs: Sequence[int]
    constants: Sequence[Any]
    graph: OperationGraph
    store: Store
    place: tuple[str, ...]
    names: tuple[str, ...]
    legacy: bool = False
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""
    parts: tuple[str, ...] = ()
    norm: str = ""

    @property
    def shape(self) -> Shape:
        """The shape of the first tensor that it reads."""
        return self.graph.shape(self.inputs[0])

    @property
    def rank(self) -> int:
        """How many spatial axes that has."""
        return len(self.shape) - 1

    def get(self, name: str, default: Any = None) -> Any:
        """A field of the configuration."""
        return self.config.get(name, default)

    def layer(
        self,
        kind: str,
        fields: Mapping[str, Any] | None = None,
        weights: Mapping[str, Array] | None = None,
        inputs: Sequence[int] | None = None,
    ) -> int:
        """An operation of ours."""
        given = {name: value for name, value in (fields or {}).items() if value is not None}
        read = tuple(self.inputs[:1] if inputs is None else inputs)
        node = "/".join(self.names)
        operation = Operation(kind, read, given, dict(weights or {}), self.scope, node)
        operation.origins = frozenset(["/".join(self.place)] if weights else [])
        return self.graph.add(operation)

    def activated(self, number: int) -> int:
        """An operation with the layer's activation behind it."""
        made = activation_of(self.get("activation"), legacy=self.legacy)
        if made is None:
            return number
        kind, fields = made
        return self.layer(kind, fields, inputs=[number])

    def arrays(self, **shapes: Shape | None) -> dict[str, Array]:
        """The arrays of the layer; a shape of None is one that it does not have."""
        wanted = {name: shape for name, shape in shapes.items() if shape is not None}
        return self.store.arrays(self.place, self.names, self.parts, wanted) if wanted else {}

    def normalized(
        self, kernel: Shape, each: Shape
    ) -> tuple[dict[str, Any], dict[str, Shape | None]]:
        """The field that says how filters are normalized, and the shapes of its arrays.

        Args:
            kernel: The shape of the kernel.
            each: That of what each filter has.
        """
        if not self.norm:
            return {}, {}
        extra: dict[str, Shape | None] = {}
        if self.norm in ("scaled_standardize", "weight_norm"):
            extra["gain"] = each
        if self.norm == "spectral_norm":
            extra = {"u": each, "v": kernel[:-1]}
        return {"weight_norm": self.norm}, extra

    def part(self, attribute: str, name: str, config: Mapping[str, Any] | None = None) -> LayerCall:
        """A layer within it.

        Args:
            attribute: What holds it, which is where the archive has its weights.
            name: Its own, which is where HDF5 has them.
            config: What it was made with, where that is told apart.
        """
        place, parts = (*self.place, attribute), (*self.parts, name)
        return replace(self, config=config or self.config, place=place, parts=parts)

    def channels_last(self) -> None:
        """Nothing, where the layer has its channels last.

        Raises:
            RefusedError: They are first.
        """
        if self.get("data_format") == "channels_first":
            raise RefusedError("it has its channels first", "save the model with channels last")

    def each(self, name: str, default: int = 1) -> list[int]:
        """A field that gives one number for all axes, or one for each."""
        value = self.get(name, default)
        numbers = [value] if isinstance(value, int) else list(value)
        numbers = numbers * self.rank if len(numbers) == 1 else numbers
        if len(numbers) != self.rank:
            raise RefusedError(f"its `{name}` is {value}, of {self.rank} axes")
        return [int(number) for number in numbers]
