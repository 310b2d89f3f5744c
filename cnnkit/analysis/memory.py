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
  activations are not in it.

``precision`` is that of the activations. Weights that are trained, their gradients and slots
are float32 at least, as mixed precision keeps them.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from cnnkit.spec.graph import INPUT, Graph, Node
from cnnkit.spec.optimizer_state import STATE_ARRAYS

Precision = Literal["float32", "bfloat16", "float16", "float64"]
PRECISIONS: tuple[str, ...] = get_args(Precision)

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "float64": 8}


@dataclass(frozen=True)
class Memory:
    """The bytes of a network, computed where they are asked for: most checks do without.

    Attributes:
        graph: Its operations.
        parameters: The elements that are trained.
        state: The elements of running statistics.
        batch: Examples at once.
        precision: Of the activations.
        optimizer: Whose slots training keeps, a name of ``STATE_ARRAYS``.
    """

    graph: Graph
    parameters: int
    state: int
    batch: int = 1
    precision: Precision = "float32"
    optimizer: str = "adam"

    @cached_property
    def inference(self) -> int:
        """Bytes of the weights that it needs and of the tensors live at once, at the peak."""
        sides = (node.effect.weights for node in self.graph.nodes if node.side)
        unused = sum(weight.size for weights in sides for weight in weights)
        weights = self.parameters + self.state - unused
        return (weights + self.batch * self._live) * _BYTES[self.precision]

    @property
    def saves_most(self) -> bool:
        """Whether the backward pass reads more again than is live at once in the forward pass."""
        return self._saved > self._live

    @cached_property
    def training(self) -> int:
        """Bytes of weights, state, gradients, optimizer slots, and of the tensors that are held.

        These are the tensors saved for the backward pass, or the ones that are live at once in the
        forward pass where those are more.
        """
        width = _BYTES[self.precision]
        kept = STATE_ARRAYS[self.optimizer]
        slots = kept.kernels * self.parameters
        if kept.others != kept.kernels:
            slots += (kept.others - kept.kernels) * _beside_kernels(self.graph)
        weights = (2 * self.parameters + slots + self.state) * max(width, 4)
        return weights + self.batch * max(self._saved, self._live) * width

    @cached_property
    def _live(self) -> int:
        return _peak(self.graph)

    @cached_property
    def _saved(self) -> int:
        return _saved(self.graph)


def _beside_kernels(graph: Graph) -> int:
    """The trained elements that are no kernel's."""
    weights = (weight for node in graph.nodes for weight in node.effect.weights)
    return sum(each.size for each in weights if each.trainable and not each.name.endswith("kernel"))


def _elements(graph: Graph, node: int) -> int:
    return math.prod(graph.shape(node) or (0,))


def _peak(graph: Graph) -> int:
    """The most elements live at once, buffers used again."""
    run = [index for index, node in enumerate(graph.nodes) if not node.side]
    # How often each tensor is still to be read; the network's output is read by its caller, who
    # also holds its input.
    reads = Counter(source for index in run for source in graph.nodes[index].inputs)
    reads.update((INPUT, graph.root.tensor))
    buffer_of = {INPUT: INPUT}
    readers = {INPUT: reads[INPUT]}
    size = {INPUT: _elements(graph, INPUT)}
    live = peak = size[INPUT]
    for index in run:
        node = graph.nodes[index]
        buffer = _reused(graph, node, index, buffer_of, readers, size)
        if buffer == index:
            size[buffer] = _elements(graph, index)
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
    graph: Graph,
    node: Node,
    index: int,
    buffer_of: dict[int, int],
    readers: dict[int, int],
    size: dict[int, int],
) -> int:
    """The buffer of an input that the node may write to; else one of its own."""
    storage = node.layer.storage
    if storage == "view":
        return buffer_of[node.inputs[0]]
    if storage == "in_place":
        needed = _elements(graph, index)
        for source in node.inputs:
            buffer = buffer_of[source]
            dying = readers[buffer] == sum(buffer_of[other] == buffer for other in node.inputs)
            if dying and buffer != INPUT and size.get(buffer, 0) >= needed:
                return buffer
    return index


def _saved(graph: Graph) -> int:
    """Elements of the tensors that the backward pass reads again, each tensor once."""
    saved: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if "input" in node.layer.gradient_reads:
            saved.update(node.inputs)
        if "output" in node.layer.gradient_reads:
            saved.add(index)
    return sum(_elements(graph, node) for node in saved)
