"""What devices send each other in a step of training, by collective.

- **gradients**: each device has those of its examples, and their sum over all devices is what the
  optimizer takes. An array that is whole on each device is all-reduced; of one that is cut each
  device keeps its part alone: a reduce-scatter over ``shard``, and an all-reduce of the parts over
  ``data`` (Rajbhandari et al., 2020, "ZeRO"). Before that, those of the layers of maps that are cut
  are summed up over ``spatial``.
- **weights** that are cut are gathered over ``shard`` before they are used, once in a step: what is
  gathered for the forward pass is read by the backward pass, too.
- **statistics** of a batch norm over the whole batch: three values a channel forwards (one to count
  from, so that no digits are lost, the mean, and the variance), and two sums backwards, which are
  the gradients of its scale and shift where it has these. Where each part of a batch has its own,
  their means, for the running averages.
- **borders** of maps that are cut along their first extent: a window of F′ cells at a stride of S
  reads F′ − S rows of its neighbours' (Dryden et al., 2019, "Improving strong-scaling of CNN
  training by exploiting finer-grained parallelism"; Xu et al., 2021, "GSPMD"), once forwards and
  once for the gradient of its kernel; that of the map comes from ⌈F′/S⌉ − 1 rows of the output's.
  A pool of the whole map is a sum over all strips, and any other layer that reads all of it has it
  gathered.
- **figures** that a step reports, its loss and what its metrics count; and of arrays that are cut
  the squares of the gradient and of the update, by which numbers that are lost are found.

Weights, their gradients and statistics are float32 at least; maps are of the precision.

Gradients of whole arrays go in one round, and with those of a synchronized norm's scale and shift,
for which the backward pass waits anyway, what is known of them by then. A norm takes four: the
mean counts from the first values, the variance from the mean. An array that is cut has a round of
its own, forwards and backwards, and so has each map at its borders.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from cnnkit.analysis.memory import Memory, held
from cnnkit.analysis.precision import width_in_training
from cnnkit.analysis.scaling.collective import Collective, CollectiveKind
from cnnkit.analysis.scaling.mesh import DeviceMesh
from cnnkit.layers.normalization import BatchNorm
from cnnkit.spec.graph import Node


@dataclass(frozen=True)
class Exchange:
    """The collectives of a step.

    Attributes:
        memory: Of one device, with its part of the batch.
        mesh: The devices.
        figures: How many values the step reports.
        synchronized: Whether batch norms take their statistics over the whole batch.
    """

    memory: Memory
    mesh: DeviceMesh
    figures: int = 0
    synchronized: bool = True

    def collectives(self) -> tuple[Collective, ...]:
        """Those of one step that move anything."""
        found = (*self._of_weights(), *self._statistics(), *self._of_maps(), *self._figures())
        return tuple(each for each in found if each.devices > 1 and each.bytes)

    def _of_weights(self) -> Iterator[Collective]:
        whole, cut, gathered = self._elements
        arrays, learnt = self._arrays
        strips, parts = DeviceMesh(spatial=self.mesh.spatial), DeviceMesh(data=self.mesh.data)
        shards, examples = DeviceMesh(shard=self.mesh.shard), replace(self.mesh, spatial=1)
        yield self._floats(strips, "all-reduce", "gradients of the strips", self._of_strips())
        yield self._floats(examples, "all-reduce", "gradients", whole)
        yield self._floats(shards, "reduce-scatter", "gradients", cut, learnt)
        yield self._floats(parts, "all-reduce", "gradients of the parts", cut // self.mesh.shard)
        yield self._floats(shards, "all-gather", "weights", gathered, arrays)

    @cached_property
    def _elements(self) -> tuple[int, int, int]:
        """Of arrays that stay whole and of those that are cut the trained ones; of these all."""
        whole = cut = gathered = 0
        for weight, trained in self.memory.trainable():
            if held(weight.shape, self.mesh.shard) == weight.size:
                whole += weight.size * trained
            else:
                cut += weight.size * trained
                gathered += weight.size
        return whole, cut, gathered

    @cached_property
    def _arrays(self) -> tuple[int, int]:
        """How many arrays are cut; how many of them are trained."""
        cut = [
            trained
            for weight, trained in self.memory.trainable()
            if held(weight.shape, self.mesh.shard) < weight.size
        ]
        return len(cut), sum(cut)

    def _of_strips(self) -> int:
        """The trained elements of the layers whose maps are cut."""
        graph = self.memory.graph
        return sum(
            weight.size
            for node in graph.nodes
            if self._trains(node) and len(graph.shape(node.inputs[0]) or ()) > 1
            for weight in node.effect.weights
            if weight.trainable
        )

    def _figures(self) -> Iterator[Collective]:
        _, arrays = self._arrays
        shards = DeviceMesh(shard=self.mesh.shard)
        examples = replace(self.mesh, spatial=1)
        yield Collective("all-reduce", "figures", examples.axes, examples.devices, 4 * self.figures)
        yield Collective(
            "all-reduce", "squares of the parts", shards.axes, shards.devices, 2 * 4 * arrays
        )

    def _statistics(self) -> Iterator[Collective]:
        values = norms = 0
        for node in self.memory.graph.nodes:
            if isinstance(node.layer, BatchNorm) and node.layer.learnt and node.output:
                settled = node.path in self.memory.frozen
                learnt = sum(weight.trainable for weight in node.effect.weights)
                each = 3 + 2 - learnt if self.synchronized else 2
                values += 0 if settled else each * node.output[-1]
                norms += not settled
        rounds = 4 * norms if self.synchronized else 1
        yield self._floats(self.mesh, "all-reduce", "statistics of batch norms", values, rounds)

    def _of_maps(self) -> Iterator[Collective]:
        """What the strips of maps need of one another."""
        strips = DeviceMesh(spatial=self.mesh.spatial)
        graph, exchanged, gathered, pooled = self.memory.graph, 0, 0, 0
        borders = maps = pools = 0
        learning = self._learning() if strips.devices > 1 else set()
        for node in graph.nodes if strips.devices > 1 else ():
            for source in node.inputs:
                shape = graph.shape(source)
                if not shape or len(shape) == 1 or node.output is None or not node.effect.reach:
                    continue
                along = node.effect.reach[0]
                if along.size < shape[0]:
                    rows, times = _rows(along.size - along.stride), 1 + self._trains(node)
                    exchanged += rows * times * math.prod(shape[1:])
                    borders += times * (rows > 0)
                    if source in learning:
                        rows = _rows(Fraction(along.size) / along.stride - 1)
                        exchanged += rows * math.prod(node.output[1:])
                        borders += rows > 0
                elif node.layer.family == "pooling":
                    pooled += math.prod(node.output)
                    pools += 1
                else:
                    gathered += math.prod(shape)
                    maps += 1
        yield self._maps(strips, "collective-permute", "borders of maps", exchanged, borders)
        yield self._maps(strips, "all-reduce", "pooled maps", pooled, pools)
        yield self._maps(strips, "all-gather", "whole maps", gathered, maps)

    def _learning(self) -> set[int]:
        """The operations whose output has a gradient: those that are trained, or behind such."""
        found = set[int]()
        for index, node in enumerate(self.memory.graph.nodes):
            if self._trains(node) or found & {*node.inputs}:
                found.add(index)
        return found

    def _trains(self, node: Node) -> bool:
        """Whether an operation has weights that are trained, be they its own or another's."""
        owner = node if node.shares is None else self.memory.graph.nodes[node.shares]
        trained = any(weight.trainable for weight in owner.effect.weights)
        return trained and owner.path not in self.memory.frozen

    def _floats(
        self, mesh: DeviceMesh, kind: CollectiveKind, what: str, elements: int, rounds: int = 1
    ) -> Collective:
        """A collective over the axes of a mesh, of values that are float32 at least."""
        width = max(width_in_training(self.memory.precision), 4)
        return Collective(kind, what, mesh.axes, mesh.devices, elements * width, rounds)

    def _maps(
        self, mesh: DeviceMesh, kind: CollectiveKind, what: str, elements: int, rounds: int
    ) -> Collective:
        """A collective over the axes of a mesh, of so many elements of each example."""
        size = self.memory.batch * elements * width_in_training(self.memory.precision)
        return Collective(kind, what, mesh.axes, mesh.devices, size, rounds)


def _rows(count: int | Fraction) -> int:
    """Whole rows, and never less than none."""
    return max(math.ceil(count), 0)
