"""What devices send each other in a step of training, by collective.

- **gradients**: each device has those of its examples, or of its part of them, and their sum over
  all devices is what the optimizer takes. An array that is whole on each device is all-reduced; of
  one that is cut each device keeps its part alone: a reduce-scatter over ``shard``, and an
  all-reduce of the parts over the other axes (Rajbhandari et al., 2020, "ZeRO").
- **weights** that are cut are gathered over ``shard`` before they are used, once in a step: what is
  gathered for the forward pass is read by the backward pass, too.
- **statistics** of a batch norm over the whole batch: three values a channel forwards (one to count
  from, so that no digits are lost, the mean, and the variance), and two sums backwards, which are
  the gradients of its scale and shift where it has these.
- **borders** of maps that are cut along their first extent: a window of F′ cells at a stride of S
  reads F′ − S rows of its neighbours' (Dryden et al., 2019, "Improving strong-scaling of CNN
  training by exploiting finer-grained parallelism"; Xu et al., 2021, "GSPMD"), and their gradients
  come from ⌈F′/S⌉ − 1 rows of the output's. A layer that reads the whole map has it gathered.
- **figures** that a step reports: its loss, and what its metrics count.

Weights, their gradients and statistics are float32 at least; maps are of the precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from cnnkit.analysis.memory import Memory, held
from cnnkit.analysis.precision import width_in_training
from cnnkit.analysis.scaling.collective import Collective, CollectiveKind
from cnnkit.analysis.scaling.mesh import DeviceMesh
from cnnkit.layers.normalization import BatchNorm


@dataclass(frozen=True)
class Exchange:
    """The collectives of a step.

    Attributes:
        memory: Of one device, with its part of the batch.
        mesh: The devices.
        figures: How many values the step reports.
    """

    memory: Memory
    mesh: DeviceMesh
    figures: int = 0

    def collectives(self) -> tuple[Collective, ...]:
        """Those of one step that move anything."""
        figures = Collective(
            "all-reduce", "figures", self.mesh.axes, self.mesh.devices, 4 * self.figures
        )
        found = (*self._of_weights(), *self._statistics(), *self._borders(), figures)
        return tuple(each for each in found if each.devices > 1 and each.bytes)

    def _of_weights(self) -> Iterator[Collective]:
        mesh = self.mesh
        whole = cut = gathered = 0
        for weight, trained in self.memory.trainable():
            if held(weight.shape, mesh.shard) == weight.size:
                whole += weight.size * trained
            else:
                cut += weight.size * trained
                gathered += weight.size
        parts = DeviceMesh(data=mesh.data, spatial=mesh.spatial)
        shards = DeviceMesh(shard=mesh.shard)
        yield self._of_floats(mesh, "all-reduce", "gradients", whole)
        yield self._of_floats(shards, "reduce-scatter", "gradients", cut)
        yield self._of_floats(parts, "all-reduce", "gradients of the parts", cut // mesh.shard)
        yield self._of_floats(shards, "all-gather", "weights", gathered)

    def _statistics(self) -> Iterator[Collective]:
        values = 0
        for node in self.memory.graph.nodes:
            if isinstance(node.layer, BatchNorm) and node.layer.learnt and node.output:
                settled = node.path in self.memory.frozen
                learnt = sum(weight.trainable for weight in node.effect.weights)
                values += 0 if settled else (3 + 2 - learnt) * node.output[-1]
        yield self._of_floats(self.mesh, "all-reduce", "statistics of batch norms", values)

    def _of_floats(
        self, mesh: DeviceMesh, kind: CollectiveKind, what: str, elements: int
    ) -> Collective:
        """A collective over the axes of a mesh, of values that are float32 at least."""
        width = max(width_in_training(self.memory.precision), 4)
        return Collective(kind, what, mesh.axes, mesh.devices, elements * width)

    def _borders(self) -> Iterator[Collective]:
        """What the strips of maps need of one another."""
        strips = DeviceMesh(spatial=self.mesh.spatial)
        graph, learning = self.memory.graph, self._learning()
        exchanged = gathered = 0
        for node in graph.nodes:
            for source in node.inputs:
                shape = graph.shape(source)
                if not shape or len(shape) == 1 or node.output is None or not node.effect.reach:
                    continue
                along = node.effect.reach[0]
                if along.size >= shape[0] > 1:
                    gathered += math.prod(shape)
                    continue
                exchanged += _rows(along.size - along.stride) * math.prod(shape[1:])
                if source in learning:
                    rows = _rows(Fraction(along.size) / along.stride - 1)
                    exchanged += rows * math.prod(node.output[1:])
        yield self._of_maps(strips, "collective-permute", "borders of maps", exchanged)
        yield self._of_maps(strips, "all-gather", "whole maps", gathered)

    def _learning(self) -> set[int]:
        """The operations whose output has a gradient: those that are trained, or behind such."""
        nodes, found = self.memory.graph.nodes, set[int]()
        for index, node in enumerate(nodes):
            owner = node if node.shares is None else nodes[node.shares]
            trained = any(weight.trainable for weight in owner.effect.weights)
            if (trained and owner.path not in self.memory.frozen) or found & {*node.inputs}:
                found.add(index)
        return found

    def _of_maps(
        self, mesh: DeviceMesh, kind: CollectiveKind, what: str, elements: int
    ) -> Collective:
        """A collective over the axes of a mesh, of so many elements of each example."""
        width = width_in_training(self.memory.precision)
        return Collective(kind, what, mesh.axes, mesh.devices, self.memory.batch * elements * width)


def _rows(count: int | Fraction) -> int:
    """Whole rows, and never less than none."""
    return max(math.ceil(count), 0)
