"""What each operation has to do: the FLOPs it multiplies, the bytes it moves, and with which other.

An operation that works element by element (``storage = "in_place"``) on an output that it alone
reads is computed in the pass that makes this output, and moves nothing but its other inputs:

- at inference, in the pass of any operation: norms are folded into the convolutions before them,
  activations and sums are computed as the results come about;
- in training, in the pass of another that works so, or of a norm: a convolution is a pass of its
  own, and what follows it another one. It moves its output too, where the backward pass reads again
  what comes in or goes out.

A pass reads its inputs and weights once and writes its output once. A norm that needs statistics
reads its input once more. In a step of training the work is counted once for the forward pass, once
more where the gradient of what came in is needed, and once more where weights are trained.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from cnnkit.analysis.machines.machine import Moved, Multiplied
from cnnkit.analysis.precision import Precision, Program, tensor_bytes, weight_bytes
from cnnkit.layers.resample import TransposedWindow
from cnnkit.layers.shape import total
from cnnkit.spec.graph import INPUT, Graph, Node

FEW_CHANNELS: Final = 4
"""Channels of an image: convolutions over no more are a kind of their own."""

_FAMILIES: Final[dict[str, Moved]] = {"normalization": "normalization", "pooling": "pool"}


class OperationWork(NamedTuple):
    """What one operation does in a program.

    Attributes:
        kind: The kind of its pass; ``elementwise`` where it is part of another one.
        flops: Twice its multiply-accumulates, of the whole batch, once.
        bytes: What it reads and writes, once.
        times: How often: 1 at inference, up to 3 in a step of training, 0 where it is not run.
        joined: Whether it is part of the pass of the operation before it.
    """

    kind: Multiplied | Moved
    flops: int
    bytes: int
    times: int = 1
    joined: bool = False


NO_WORK: Final = OperationWork("elementwise", 0, 0, 0, joined=True)


@dataclass(frozen=True)
class Workload:
    """The work of all operations of a network.

    Attributes:
        graph: The operations.
        batch: Examples at once.
        precision: Of the tensors, and at inference of the weights.
        frozen: The paths of the operations whose weights are never trained.
    """

    graph: Graph
    batch: int = 1
    precision: Precision = "float32"
    frozen: Set[str] = frozenset()

    @cached_property
    def inference(self) -> tuple[OperationWork, ...]:
        """What each operation does when the network predicts."""
        return tuple(self._works("inference"))

    @cached_property
    def training(self) -> tuple[OperationWork, ...]:
        """What each operation does in a step of training."""
        return tuple(self._works("training"))

    def _works(self, program: Program) -> Iterator[OperationWork]:
        training = program == "training"
        nodes = self.graph.nodes
        made: dict[int, Multiplied | Moved] = {}  # the kind of the pass that makes a tensor
        trained: set[int] = set()  # what a gradient goes back through
        for index, node in enumerate(nodes):
            if node.output is None or (node.side and not training):
                yield NO_WORK
                continue
            behind = not trained.isdisjoint(node.inputs)
            if behind or self._is_trained(node):
                trained.add(index)
            drops = training and node.layer.family == "regularization"
            if node.layer.storage == "view" and not drops:
                if self._read_by_one(node.inputs[0]) and node.inputs[0] in made:
                    made[index] = made[node.inputs[0]]
                yield NO_WORK
                continue
            times = (1 + behind + self._is_trained(node)) if training else 1
            if training and behind and not (node.effect.macs and self._owner(node).effect.weights):
                times = 3  # what has no kernel has two inputs, or reads two tensors to go back
            into = self._joins(index, made, training=training)
            if into is not None:
                made[index] = made[into]
                moved = [source for source in node.inputs if source != into]
                if training and node.layer.gradient_reads:
                    moved.append(index)
                size = sum(map(self._tensor, moved))
                yield OperationWork("elementwise", 0, size, times, joined=True)
                continue
            made[index] = kind = self._kind(node, training=training)
            yield OperationWork(kind, self._flops(node), self._moved(index, kind), times)

    def _joins(
        self, index: int, made: dict[int, Multiplied | Moved], *, training: bool
    ) -> int | None:
        """The input in whose pass an operation is computed; None where it has one of its own."""
        node = self.graph.nodes[index]
        passes = {"elementwise", "normalization"} if training else set(made.values())
        statistics = self._kind(node, training=training) == "normalization"
        if node.layer.storage != "in_place" or statistics or node.effect.macs:
            return None
        for source in sorted(node.inputs, reverse=True):  # the later one: the other is there
            alike = self._elements(source) == self._elements(index)
            if alike and made.get(source) in passes and self._read_by_one(source):
                return source
        return None

    def _read_by_one(self, source: int) -> bool:
        return source > INPUT and self._readers[source] == 1

    @cached_property
    def _readers(self) -> Counter[int]:
        readers = Counter(source for node in self.graph.nodes for source in node.inputs)
        readers.update(self.graph.outputs.values())
        return readers

    def _is_trained(self, node: Node) -> bool:
        owner = self._owner(node)
        trains = any(weight.trainable for weight in owner.effect.weights)
        return trains and owner.path not in self.frozen

    def _owner(self, node: Node) -> Node:
        return node if node.shares is None else self.graph.nodes[node.shares]

    def _kind(self, node: Node, *, training: bool) -> Multiplied | Moved:
        if node.effect.macs:
            return self._multiplied(node)
        if node.layer.family == "normalization" and node.layer.linear and not training:
            return "elementwise"  # by the running averages
        return _FAMILIES.get(node.layer.family, "elementwise")

    def _multiplied(self, node: Node) -> Multiplied:
        windows = node.effect.windows
        kernel = next((w for w in self._owner(node).effect.weights if w.name == "kernel"), None)
        shape = self.graph.shape(node.inputs[0])
        if node.layer.family == "dense":
            return "dense"
        if not windows or kernel is None or shape is None or len(kernel.shape) != len(windows) + 2:
            return "product"
        if isinstance(windows[0], TransposedWindow):
            return "transposed"
        read = kernel.shape[-2]  # channels of a group
        if read != shape[-1]:
            return "depthwise" if read == 1 else "grouped"
        if math.prod(kernel.shape[:-2]) == 1:
            return "pointwise"
        return "first" if read <= FEW_CHANNELS else "convolution"

    def _flops(self, node: Node) -> int:
        return 2 * self.batch * total(node.effect.macs)

    def _moved(self, index: int, kind: Multiplied | Moved) -> int:
        """The bytes that a pass of its own reads and writes."""
        node = self.graph.nodes[index]
        again = node.inputs[:1] if kind == "normalization" else ()
        tensors = sum(map(self._tensor, (*node.inputs, *again, index)))
        weights = self._owner(node).effect.weights
        return tensors + sum(weight_bytes(weight, self.precision) for weight in weights)

    def _tensor(self, node: int) -> int:
        return tensor_bytes(self.batch * self._elements(node), self.precision)

    def _elements(self, node: int) -> int:
        return math.prod(self.graph.shape(node) or (0,))
