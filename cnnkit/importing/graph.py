"""The small graph that every format is read into: operations in our kinds, with their weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnkit.layers.base import Layer
from cnnkit.layers.field import Rounding
from cnnkit.layers.joining import Joined
from cnnkit.layers.kinds import layer_class
from cnnkit.layers.shape import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

INPUT = -1
"""What stands for the network's input among the inputs of an operation."""
JOINS = ("add", "subtract", "multiply", "divide", "concat", "mean", "maximum", "minimum")
"""The kinds of operations that take several tensors."""
CENTRED = "centred"
"""A tensor minus its mean over the channels."""
REVERSED = "reversed"
"""A tensor whose axis ``axis`` is turned round."""
UNFINISHED = ("channel_multiply", "channel_add", "erf", CENTRED, REVERSED)
"""Parts of a layer, a constant factor or summand a channel, the error function of GELU, what a
layer norm divides and what a recurrent layer reads backward, until the layer is found that they
belong to."""
SCORES, ADDED, ATTEND = "scores", "added", "attend"
"""The products of queries with keys, these and a constant of each pair, and softmax(factor·scores +
bias)·values of these and values: parts of an attention whose projections a pattern finds."""

GROUP = "group"
"""Operations that share their weights with others as one; it is written as a block."""
SHARED = "shared"
"""A copy of an operation, whose number is its field ``layer``, with the same weights."""
EACH = "each"
"""Operations, its ``inner``, that are applied to each slice along the first axis."""
BLOCK = "block"
"""The operations of a block of the spec that a model was written from, or of a copy of a repeat."""
PLACEHOLDER = "placeholder"
"""What stands in a part of a spec for a node that no kind says; no kind is called so."""


class RefusedError(Exception):
    """What a node does cannot be said in the language; ``advice`` names what is near."""

    def __init__(self, message: str, advice: str | None = None) -> None:
        self.advice = advice
        super().__init__(message)


class Enclosure(NamedTuple):
    """A block of the spec that a model was written from, where it is used, or a copy of a repeat.

    Attributes:
        key: What no other has.
        block: The name of the block; None of a copy of layers that are no block.
        name: What the spec calls the layer that uses the block, or the repeat.
        repeat: What all copies of one repeat have; None of what is no copy.
    """

    key: str
    block: str | None = None
    name: str | None = None
    repeat: str | None = None


class SpecPlace(NamedTuple):
    """Where an operation is in the spec that a model was written from.

    Attributes:
        within: The blocks and copies that it is in, the outermost first.
        name: What the spec calls the layer.
        apart: Whether it is known to be a layer of its own, not the activation of another.
    """

    within: tuple[Enclosure, ...] = ()
    name: str | None = None
    apart: bool = False


@dataclass(slots=True)
class Operation:
    """One operation, all tensors without the batch and with their channels last.

    Attributes:
        kind: A kind of layer, one of ``JOINS`` or of ``UNFINISHED``.
        inputs: The numbers of the operations that it reads, or ``INPUT``.
        fields: The fields of the layer.
        weights: Its arrays, by the names and in the layout of our layers.
        scope: Where the model has it, such as ``layer1/0/conv1``.
        node: What messages call it.
        shape: The shape that goes out.
        parts: The arrays of a layer that is several operations, of each in the order in which
            they run.
        origins: What the model has its arrays as: the names of its parameters, or of the layer
            that they are of. Two operations of equal arrays and the same origins share them.
        folded: How many trained numbers of the model went into its arrays beyond those it has.
        inner: The operations that it stands for, where several share their weights with others
            as one, are applied to each slice, or are a block.
        place: Where the spec has it that the model was written from, where that is known.
    """

    kind: str
    inputs: tuple[int, ...]
    fields: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Array] = field(default_factory=dict)
    scope: str = ""
    node: str = ""
    shape: Shape = ()
    parts: tuple[dict[str, Array], ...] = ()
    origins: frozenset[str] = frozenset()
    folded: int = 0
    inner: OperationGraph | None = None
    place: SpecPlace | None = None

    @property
    def arrays(self) -> tuple[dict[str, Array], ...]:
        """The arrays of each layer that it is, where it has any."""
        return self.parts or ((self.weights,) if self.weights else ())

    @property
    def elementwise(self) -> bool:
        """Whether each element goes out alone, whatever the shape."""
        return self.kind in ELEMENTWISE


ELEMENTWISE = frozenset(
    {
        "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid",
        "hard_sigmoid", "hard_silu", "tanh", "softplus", "linear", "dropout", "celu", "hard_tanh",
        "log_sigmoid", "softsign", "quick_gelu", "softshrink", "hard_shrink", "threshold", "power",
    }
)  # fmt: skip
ACTIVATIONS = (ELEMENTWISE - {"dropout"}) | {"softmax", "log_softmax"}
"""What a layer with weights, a residual or a gate may have as its activation."""


@dataclass(slots=True)
class OperationGraph:
    """A network as operations in an order in which they can be run.

    Attributes:
        name: What the model calls itself.
        input: The shape of one example, of several inputs that of the first.
        operations: By their numbers, which patterns may leave gaps in.
        output: The number of the operation whose tensor goes out; of several the last.
        refused: What patterns found that cannot be said, with what is near.
        inputs: The shape of each of several inputs by its name, numbered from ``INPUT`` down;
            empty where there is one.
        outputs: The number of each of several outputs by its name; empty where there is one.
        folded: How many trained numbers of the model are none of ours, because they were folded
            into others or are constants of a layer.
        outlined: Whether blocks are operations, and layers have the names of ``place``.
    """

    name: str
    input: Shape
    operations: dict[int, Operation] = field(default_factory=dict)
    output: int = INPUT
    refused: list[RefusedError] = field(default_factory=list)
    inputs: dict[str, Shape] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    folded: int = 0
    outlined: bool = False
    _readers: dict[int, set[int]] | None = field(default=None, init=False, repr=False)

    def refuse(self, operation: Operation, message: str, advice: str | None = None) -> None:
        """Notes that an operation cannot be said, and puts a placeholder in its stead."""
        self.refused.append(RefusedError(message, advice))
        operation.fields = {"operator": operation.kind, "node": operation.node}
        operation.kind, operation.weights = PLACEHOLDER, {}

    def add(self, operation: Operation) -> int:
        """Appends an operation, and gives it its shape and its number.

        Raises:
            RefusedError: It cannot be applied to its inputs.
        """
        operation.shape = output_shape(operation, [self.shape(each) for each in operation.inputs])
        number = next(reversed(self.operations), INPUT) + 1
        self.put(number, operation)
        return number

    def put(self, number: int, operation: Operation) -> None:
        """Gives a number to an operation, which it takes from the one that has it."""
        if number in self.operations:
            self._forget(number)
        self.operations[number] = operation
        self._note(number)

    def rewire(self, number: int, inputs: tuple[int, ...]) -> None:
        """Lets an operation read other tensors."""
        self._forget(number)
        self.operations[number].inputs = inputs
        self._note(number)

    def remove(self, number: int) -> Operation:
        """Takes an operation away."""
        self._forget(number)
        return self.operations.pop(number)

    def _note(self, number: int) -> None:
        if self._readers is not None:
            for source in self.operations[number].inputs:
                self._readers.setdefault(source, set()).add(number)

    def _forget(self, number: int) -> None:
        if self._readers is not None:
            for source in self.operations[number].inputs:
                self._readers[source].discard(number)

    def shape(self, number: int) -> Shape:
        """The shape that an operation gives, or the input has."""
        if number < INPUT:
            return list(self.inputs.values())[INPUT - number]
        return self.input if number == INPUT else self.operations[number].shape

    @property
    def given(self) -> Shape | dict[str, Shape]:
        """The shape of one example, of several inputs by their names."""
        return self.inputs or self.input

    @property
    def ends(self) -> set[int]:
        """The operations whose tensors go out."""
        return {self.output, *self.outputs.values()}

    def consumers(self) -> dict[int, list[int]]:
        """The operations that read each tensor, one entry for each time they do."""
        given = [INPUT - at for at in range(max(1, len(self.inputs)))]
        found: dict[int, list[int]] = {number: [] for number in (*given, *self.operations)}
        for number, operation in self.operations.items():
            for source in operation.inputs:
                found[source].append(number)
        return found

    def readers(self, number: int) -> list[int]:
        """The operations that read a tensor, in order."""
        if self._readers is None:
            self._readers = {}
            for reader in self.operations:
                self._note(reader)
        return sorted(self._readers.get(number, ()))

    def sole_reader(self, number: int) -> int | None:
        """The operation that alone reads a tensor, once, where it does not go out."""
        readers = self.readers(number)
        if len(readers) != 1 or number in self.ends:
            return None
        return readers[0] if self.operations[readers[0]].inputs.count(number) == 1 else None

    def only_reader(self, number: int) -> Operation | None:
        """As ``sole_reader``, the operation itself."""
        reader = self.sole_reader(number)
        return None if reader is None else self.operations[reader]

    def bypass(self, number: int) -> None:
        """Removes an operation of one input: whoever reads it reads that input."""
        (source,) = self.remove(number).inputs
        self.redirect(number, source)

    def redirect(self, old: int, new: int) -> None:
        """Lets whoever reads one tensor read another."""
        for reader in self.readers(old):
            inputs = self.operations[reader].inputs
            self.rewire(reader, tuple(new if each == old else each for each in inputs))
        if self.output == old:
            self.output = new
        if old in self.outputs.values():
            self.outputs = {
                name: new if number == old else number for name, number in self.outputs.items()
            }

    def used(self) -> Iterator[int]:
        """The operations that the outputs depend on, in order."""
        wanted = self.ends
        for number in reversed(self.operations):
            if number in wanted:
                wanted.update(self.operations[number].inputs)
        return (number for number in self.operations if number in wanted)

    def prune(self) -> None:
        """Removes the operations that no output depends on."""
        used = set(self.used())
        for number in [each for each in self.operations if each not in used]:
            self.remove(number)

    def drop(self, numbers: Iterable[int]) -> None:
        """Removes those operations that nothing reads, and what they alone read."""
        waiting = list(numbers)
        while waiting:
            number = waiting.pop()
            if number in self.operations and number not in self.ends and not self.readers(number):
                waiting += self.remove(number).inputs


def told_apart(array: Array) -> bool:
    """Whether an array can be known by its values: one of ones or zeros is like many others.

    Exporters write such arrays once, whichever layers they are of.
    """
    return bool((array != array.reshape(-1)[:1]).any())


def output_shape(operation: Operation, inputs: Sequence[Shape]) -> Shape:
    """The shape that an operation gives, by the layer that it will be.

    Raises:
        RefusedError: It cannot be applied to its inputs.
    """
    if operation.kind == PLACEHOLDER:
        return operation.shape or inputs[0]
    if operation.kind in (*UNFINISHED, ADDED, "attention"):
        return inputs[0]
    if operation.kind in (SCORES, ATTEND):
        return operation.shape
    if operation.kind == EACH and operation.inner is not None:
        return (inputs[0][0], *operation.inner.shape(operation.inner.output))
    made: Layer
    if operation.kind in JOINS:
        labels = tuple(f"input {index}" for index in range(len(inputs)))
        made = Joined.model_validate({"by": operation.kind, "labels": labels, **operation.fields})
    else:
        rounding: Rounding = "floor"
        made = layer_class(operation.kind).model_validate(operation.fields)
        if "rounding" in type(made).model_fields and vars(made)["rounding"] is None:
            made = made.model_copy(update={"rounding": rounding})
    effect = made.effect(*inputs)
    if effect.problems or effect.output is None:
        raise RefusedError(effect.problems[0].message if effect.problems else "it has no shape")
    return effect.output
