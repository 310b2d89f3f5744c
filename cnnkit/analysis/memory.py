"""Bytes of a network: at inference with buffers used again, and in training.

The model, for one example, times the batch where activations are meant:

- **inference**: weights and running state, and the most bytes of tensors that must be live at
  once when the operations run in order. A tensor is live from the operation that makes it to the
  last one that reads it, and the network's input, which its caller holds, throughout. A view
  (``flatten``) shares its input's buffer, and an operation that
  works element by element (``relu``, a norm, a sum) overwrites an input that dies with it. The
  scores of attention are live while it computes, and computed again in the backward pass. Side
  outputs are not run.
- **training**: weights, state, gradients, the optimizer's slots, and the tensors that the
  backward pass reads again, each once: a convolution's input, a ReLU's output; or those that are
  live at once in the forward pass, as above, where these are more. Temporary gradients of
  activations are not in it. Weights that are frozen all the time have neither gradients nor slots;
  the tensors are counted as without them.
- **traffic**: what the operations of an inference read and write when each runs on its own: all its
  inputs and weights once, and its output. A view moves nothing; side outputs are not run. For a
  convolution this is the memory access cost of ShuffleNet v2 (Ma et al., 2018, guideline 1).

``precision`` is that of the activations, and at inference of the weights;
``cnnkit.analysis.precision`` says what it means for each. Weights that are trained, their gradients
and slots are float32 at least, as mixed precision keeps them.

Of several devices the bytes are those of one: ``batch`` is its part of the batch, and
``shards`` and ``strips`` say how many devices share out the weights and the maps.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from cnnkit.analysis.precision import (
    Precision,
    is_quantized,
    tensor_bytes,
    weight_bytes,
    width_in_training,
)
from cnnkit.layers.base import Weight
from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import INPUT, Graph, Node
from cnnkit.spec.optimizer_state import STATE_ARRAYS


class TrainingBytes(NamedTuple):
    """What a device holds in a step of training, in bytes.

    Attributes:
        parameters: The weights.
        gradients: Those of the weights that are trained.
        slots: What the optimizer keeps of them.
        state: Running statistics, and weights that are not learnt.
        activations: The tensors that the backward pass reads again, or those that are live at once
            in the forward pass where these are more.
        gathered: The weights that devices share out, as a whole, from the forward pass that reads
            them to the end of the backward pass.
    """

    parameters: int
    gradients: int
    slots: int
    state: int
    activations: int
    gathered: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self)


@dataclass(frozen=True)
class Memory:
    """The bytes of a network, computed where they are asked for: most checks do without.

    Attributes:
        graph: Its operations.
        parameters: The elements that are trained.
        state: The elements of running statistics, and of weights that are not learnt.
        batch: Examples at once.
        precision: Of the activations.
        optimizer: Whose slots training keeps, a name of ``STATE_ARRAYS``.
        frozen: The operations whose weights are never trained, by their paths.
        shards: How many devices share out each array of weights that can be cut, in training.
        strips: How many devices share out each map along its first extent, in training.
    """

    graph: Graph
    parameters: int
    state: int
    batch: int = 1
    precision: Precision = "float32"
    optimizer: str = "adam"
    frozen: Set[str] = frozenset()
    shards: int = 1
    strips: int = 1

    @property
    def inference(self) -> int:
        """Bytes of the weights that it needs and of the tensors live at once, at the peak."""
        return self.weights + self.activations

    @cached_property
    def weights(self) -> int:
        """Bytes of the weights and running state of an inference, which side outputs are not in."""
        if not is_quantized(self.precision):
            sides = (node.effect.weights for node in self.graph.nodes if node.side)
            unused = sum(weight.size for weights in sides for weight in weights)
            return tensor_bytes(self.parameters + self.state - unused, self.precision)
        return sum(self._weights(node) for node in self.graph.nodes if not node.side)

    @cached_property
    def activations(self) -> int:
        """Bytes of the tensors that are live at once, at the peak."""
        return _peak(self.graph, self._bytes)

    @cached_property
    def traffic(self) -> int:
        """Bytes that an inference reads and writes, each operation on its own."""
        moved = 0
        for index, node in enumerate(self.graph.nodes):
            if not node.side and node.layer.storage != "view":
                tensors = sum(map(self._bytes, (*node.inputs, index)))
                owner = node if node.shares is None else self.graph.nodes[node.shares]
                moved += tensors + self._weights(owner)
        return moved

    def _bytes(self, node: int) -> int:
        """The bytes of an operation's output, of the whole batch."""
        return tensor_bytes(self.batch * _elements(self.graph, node), self.precision)

    def _weights(self, node: Node) -> int:
        return sum(weight_bytes(weight, self.precision) for weight in node.effect.weights)

    @property
    def saves_most(self) -> bool:
        """Whether the backward pass reads more again than is live at once in the forward pass."""
        return self._saved > self._live

    @property
    def training(self) -> int | None:
        """Bytes of all that a step of training holds.

        None in a precision of inference alone, in which training is not defined.
        """
        return None if self.in_training is None else self.in_training.total

    @cached_property
    def in_training(self) -> TrainingBytes | None:
        """The same by what they are for.

        The activations are the tensors saved for the backward pass, or the ones that are live at
        once in the forward pass where those are more.
        """
        if is_quantized(self.precision):
            return None
        width = width_in_training(self.precision)
        wide = max(width, 4)
        return TrainingBytes(
            parameters=(self.parameters - self._elsewhere(lambda _: 1)) * wide,
            gradients=self.trained * wide,
            slots=self.slots * wide,
            state=self.state * wide,
            activations=self.batch * max(self._saved, self._live) * width,
            gathered=self._gathered * wide,
        )

    @property
    def _gathered(self) -> int:
        """The elements of the arrays that devices share out."""
        if self.shards == 1:
            return 0
        sizes = ((weight.size, held(weight.shape, self.shards)) for weight, _ in self.trainable())
        return sum(whole for whole, part in sizes if part < whole)

    @property
    def trained(self) -> int:
        """The elements of the weights that the optimizer updates."""
        return self.parameters - self.untrained - self._elsewhere(lambda _: 1, frozen=False)

    @property
    def slots(self) -> int:
        """The elements that the optimizer keeps."""
        kept = STATE_ARRAYS[self.optimizer]
        slots = kept.kernels * (self.parameters - self.untrained)
        if kept.others != kept.kernels:
            slots += (kept.others - kept.kernels) * _beside_kernels(self.graph, self.frozen)
        return slots - self._elsewhere(
            lambda weight: kept.kernels if weight.name.endswith("kernel") else kept.others,
            frozen=False,
        )

    def trainable(self) -> Iterator[tuple[Weight, bool]]:
        """The weights that are parameters, and whether each of them is trained."""
        for node in self.graph.nodes:
            for weight in node.effect.weights:
                if weight.trainable:
                    yield weight, node.path not in self.frozen

    def _elsewhere(self, arrays: Callable[[Weight], int], *, frozen: bool = True) -> int:
        """The elements that other devices hold, of so many arrays for each weight."""
        if self.shards == 1:
            return 0
        return sum(
            arrays(weight) * (weight.size - held(weight.shape, self.shards))
            for weight, trained in self.trainable()
            if trained or frozen
        )

    @cached_property
    def untrained(self) -> int:
        """The elements of the frozen weights."""
        if not self.frozen:
            return 0
        return sum(
            weight.size
            for node in self.graph.nodes
            if node.path in self.frozen
            for weight in node.effect.weights
            if weight.trainable
        )

    @cached_property
    def _live(self) -> int:
        return _peak(self.graph, self._strip)

    @cached_property
    def _saved(self) -> int:
        return sum(map(self._strip, _saved(self.graph)))

    def _strip(self, node: int) -> int:
        """The elements of an operation's output that a device holds of each example."""
        shape = self.graph.shape(node) or (0,)
        if len(shape) == 1 or self.strips == 1:
            return math.prod(shape)
        return -(-shape[0] // self.strips) * math.prod(shape[1:])


def held(shape: Shape, shards: int) -> int:
    """The elements of an array of weights that each of so many devices holds.

    >>> held((3, 3, 64, 128), 4), held((3, 3, 15, 125), 4), held((128,), 4)
    (18432, 16875, 128)
    """
    # Only a plan of many devices pays for this import.
    from cnnkit.spec.model.training.parallel import sharded_axis

    size = math.prod(shape)
    return size if sharded_axis(shape, shards) is None else size // shards


def _beside_kernels(graph: Graph, frozen: Set[str]) -> int:
    """The trained elements that are no kernel's."""
    nodes = (node for node in graph.nodes if node.path not in frozen)
    weights = (weight for node in nodes for weight in node.effect.weights)
    return sum(each.size for each in weights if each.trainable and not each.name.endswith("kernel"))


def _elements(graph: Graph, node: int) -> int:
    return math.prod(graph.shape(node) or (0,))


def _peak(graph: Graph, size_of: Callable[[int], int]) -> int:
    """The most that is live at once, buffers used again, where an output is so large."""
    run = [index for index, node in enumerate(graph.nodes) if not node.side]
    # How often each tensor is still to be read; what the network gives is read by its caller, who
    # also holds what it takes.
    reads = Counter(source for index in run for source in graph.nodes[index].inputs)
    inputs = [INPUT - number for number in range(len(graph.inputs))]
    reads.update((*inputs, *graph.outputs.values()))
    buffer_of = {number: number for number in inputs}
    readers = {number: reads[number] for number in inputs}
    size = {number: size_of(number) for number in inputs}
    live = peak = sum(size.values())
    for index in run:
        node = graph.nodes[index]
        needed = size_of(index)
        buffer = _reused(node, index, needed, buffer_of, readers, size)
        if buffer == index:
            size[buffer] = needed
            live += size[buffer]
        buffer_of[index] = buffer
        readers[buffer] = readers.get(buffer, 0) + reads[index]
        peak = max(peak, live + node.effect.scratch)
        touched = [buffer_of[source] for source in node.inputs]
        for used in touched:
            readers[used] -= 1
        for used in (*touched, buffer):
            if readers[used] <= 0 and used in size:
                live -= size.pop(used)
    return peak


def _reused(
    node: Node,
    index: int,
    needed: int,
    buffer_of: dict[int, int],
    readers: dict[int, int],
    size: dict[int, int],
) -> int:
    """The buffer of an input that the node may write to; else one of its own."""
    storage = node.layer.storage
    if storage == "view":
        return buffer_of[node.inputs[0]]
    if storage == "in_place":
        for source in node.inputs:
            buffer = buffer_of[source]
            dying = readers[buffer] == sum(buffer_of[other] == buffer for other in node.inputs)
            if dying and buffer > INPUT and size.get(buffer, 0) >= needed:
                return buffer
    return index


def _saved(graph: Graph) -> set[int]:
    """The tensors that the backward pass reads again."""
    saved: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if "input" in node.layer.gradient_reads:
            saved.update(node.inputs)
        if "output" in node.layer.gradient_reads:
            saved.add(index)
    return saved
