"""The contract of a layer: its fields, and its effect on an input of a given shape.

A kind of layer is a frozen Pydantic model. A *primitive* kind implements ``effect``: from the
shapes that come in to the shape that goes out, the weights, and the work. A *composite* kind
implements ``trace``: it wires other layers together, as a function of tensors. Everything is
exact integers, so a network of 10^18 neurons costs no more to analyse than a small one.
"""

from __future__ import annotations

import math
from operator import add, lt
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from cnnkit.layers.field import CLOSED, Expects
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cnnkit.errors import Location
    from cnnkit.layers.resample import TransposedWindow
    from cnnkit.layers.window import Reach, Window

Storage = Literal["new", "in_place", "view"]
BackwardReads = tuple[Literal["input", "output"], ...]


class Weight(NamedTuple):
    """An array that a layer owns: trained, or ``state`` such as a batch norm's running mean.

    Attributes:
        name: What it is called.
        shape: Its shape.
        trainable: Whether it is trained; else it is state.
        frozen: Whether it is state only because ``learnt: false`` says so.
    """

    name: str
    shape: Shape
    trainable: bool = True
    frozen: bool = False

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


class Operations(NamedTuple):
    """Scalar operations beside the multiply-accumulates of convolutions and dense layers."""

    add: int = 0
    multiply: int = 0
    compare: int = 0
    divide: int = 0
    exponential: int = 0

    def times(self, count: int) -> Operations:
        """The operations of ``count`` elements, from those of one."""
        return Operations._make([count * value for value in self])

    def plus(self, other: Operations) -> Operations:
        """Both together."""
        return Operations._make(map(add, self, other))


NO_OPERATIONS = Operations()


class Effect(NamedTuple):
    """What a layer does to an input of a given shape.

    Attributes:
        output: The shape that goes out; None where a problem leaves it unknown.
        weights: Trained weights and state.
        neurons: Output elements that have connection weights, as terms.
        macs: Multiplications of convolutions and dense layers, as terms.
        operations: All other scalar operations.
        windows: The sliding window of each spatial axis, where there is one.
        reach: How each axis of the output looks back on the input; None means cell by cell.
        problems: What is wrong.
        scratch: Elements that are live only while the layer computes.
    """

    output: Shape | None
    weights: tuple[Weight, ...] = ()
    neurons: Terms = ()
    macs: Terms = ()
    operations: Operations = NO_OPERATIONS
    windows: tuple[Window | TransposedWindow, ...] = ()
    reach: tuple[Reach, ...] | None = None
    problems: tuple[Problem, ...] = ()
    scratch: int = 0


class Tensor(NamedTuple):
    """A value inside a traced network: the node that makes it, and its shape where known."""

    node: int
    shape: Shape | None


class Place(Protocol):
    """Where a layer stands in a source text."""

    @property
    def index(self) -> int | None:
        """Its number in the list it is written in; layers that `when` leaves out count."""

    def find(self, field: tuple[str | int, ...]) -> Location | None:
        """The location of a field of the layer, or of the layer itself for ``()``."""


class Trace(Protocol):
    """The network under construction, as a layer sees it while it is traced."""

    def add(self, layer: Layer, *inputs: Tensor, label: str = "") -> Tensor:
        """One primitive operation on ``inputs``; ``label`` names it inside the layer."""

    def layer(self, layer: Layer, x: Tensor, label: str) -> Tensor:
        """A whole layer, shown as a row or group of its own below the one that is traced."""

    def sequence(self, label: str, layers: Sequence[Layer], x: Tensor) -> Tensor:
        """Layers one after the other; what they ``save`` is seen in this sequence only."""

    def slices(self, layers: Sequence[Layer], x: Tensor, opening: Layer, closing: Layer) -> Tensor:
        """Layers applied to each slice along the first axis, between two operations.

        The one lays the slices beside the examples of the batch, the other makes them one tensor.
        """

    def side(self, layers: Sequence[Layer], x: Tensor, loss_weight: float) -> None:
        """Layers that end in a side output, used in training only."""

    def head(self, layers: Sequence[Layer], x: Tensor, output: str) -> None:
        """Layers that end in an output of the network, beside the main path."""

    def copy(self) -> None:
        """Says that another copy of a repeated part begins."""

    def save(self, name: str, x: Tensor) -> None:
        """Remembers a tensor under a name in the sequence that is being traced."""

    def saved(self, name: str, field: tuple[str | int, ...]) -> Tensor | None:
        """A remembered tensor; where the name is unknown a finding at ``field``, and None."""

    def output(self, name: str, x: Tensor) -> None:
        """Names a tensor an output of the network."""

    def shared(self, name: str, x: Tensor) -> Tensor:
        """The layer of a name, traced before, applied once more with the same weights."""

    def problem(self, problem: Problem) -> None:
        """Reports a problem of the layer that is being traced."""


class Layer(BaseModel):
    """One layer of a network.

    ``name`` replaces the layer's index in its path. In a source text it stands beside the
    kind's key, not among its fields.
    """

    __slots__ = ("__place__",)  # an attribute of the source, no field: two layers that say
    # the same are equal wherever they stand

    model_config = ConfigDict(**CLOSED, arbitrary_types_allowed=True)

    kind: ClassVar[str] = ""
    family: ClassVar[str] = ""
    # A spec with the kind: its input, then its layers as they are written; left out where the kind
    # alone, on a map, says enough.
    example: ClassVar[tuple[str, ...]] = ()
    size_field: ClassVar[str] = "kernel"
    # Fields that hold one activation, and fields that hold a list of layers.
    activation_fields: ClassVar[tuple[str, ...]] = ()
    sequence_fields: ClassVar[tuple[str, ...]] = ()
    # The field that the kind's value is, where it is written without fields: `save: NAME`.
    scalar_field: ClassVar[str | None] = None
    # What the memory model needs to know: whether the output takes a buffer of its own, may
    # overwrite an input of its size, or is another view of it; and which tensors the gradient
    # is computed from.
    storage: ClassVar[Storage] = "new"
    backward_reads: ClassVar[BackwardReads] = ()
    # What rules ask of a kind; a test computes with every kind and holds it to its answers.
    # Whether the output is, at inference, a linear function of the one input that it reads.
    linear: ClassVar[bool] = False
    # Whether each channel's mean is subtracted, and with it what was added to all of the channel.
    centres_channels: ClassVar[bool] = False
    # What the outputs stay within, where they are not any number: `above 0`.
    limits: ClassVar[str | None] = None
    # Whether training sets a part of an example to 0, the field `rate`, and scales up the rest.
    drops: ClassVar[bool] = False
    # The field that says how many channels go out, whatever comes in.
    channels_field: ClassVar[str | None] = None
    # Other names for a field that frameworks use, with ours.
    field_aliases: ClassVar[Mapping[str, str]] = {}

    name: Annotated[str | None, Expects("a name")] = None

    @property
    def title(self) -> str:
        """What the report calls the layer."""
        return self.kind

    def segment(self, index: int) -> str:
        """Its part of a path, where it is number ``index`` of a list."""
        return self.name or str(index)

    @property
    def gradient_reads(self) -> BackwardReads:
        """``backward_reads``, or what of it these values of the fields leave."""
        return self.backward_reads

    @property
    def sees_all(self) -> bool:
        """Whether each cell is computed from all cells of the map, and stays in its place."""
        return False

    @property
    def random(self) -> bool:
        """Whether training draws random numbers."""
        return self.family == "regularization"

    @property
    def of_classes(self) -> bool:
        """Whether the channels become probabilities of classes, 1 together, or their logarithms."""
        return False

    @property
    def bounds(self) -> str | None:
        """``limits``, or what they are with these values of the fields."""
        return self.limits

    def no_op(self, shape: Shape) -> str | None:
        """Why the layer leaves every input of this shape as it is; None where it does not."""
        del shape
        return None

    @property
    def place(self) -> Place | None:
        """Where the layer stands in its source; None for one built in Python."""
        try:  # not by `getattr`, which Pydantic makes slow for what is not there
            place: Place = object.__getattribute__(self, "__place__")
        except AttributeError:
            return None
        return place

    def placed(self, place: Place) -> Layer:
        """This layer, knowing where it stands."""
        object.__setattr__(self, "__place__", place)
        return self

    def effect(self, *inputs: Shape) -> Effect:
        """The effect on inputs of these shapes; for primitive kinds."""
        raise NotImplementedError(f"{self.kind} is traced, not applied")

    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        """Adds the layer to a network. A primitive is one operation."""
        return graph.add(self, x)


def numbered(layers: Sequence[Layer]) -> Iterable[tuple[int, Layer]]:
    """Layers with their numbers in the list they were written in, or else in this one."""
    places = [place for layer in layers if (place := layer.place) is not None]
    numbers = [number for place in places if (number := place.index) is not None]
    if len(numbers) == len(layers) and all(map(lt, numbers, numbers[1:])):
        return zip(numbers, layers, strict=True)
    return enumerate(layers)


def elementwise(shape: Shape, operations: Operations = NO_OPERATIONS) -> Effect:
    """The effect of a layer that keeps the shape and does ``operations`` on each element."""
    return Effect(output=shape, operations=operations.times(math.prod(shape)))


def keeps_shape(layer: Layer, shape: Shape) -> str | None:
    """Why a layer is a no-op that only ever changes the shape."""
    return "it keeps the shape" if layer.effect(shape).output == shape else None


def broken(*problems: Problem) -> Effect:
    """The effect of a layer whose output cannot be told."""
    return Effect(output=None, problems=problems)
