"""What devices send each other in a step of training, by collective.

- **gradients**: each device has those of its examples, or of its part of them, and their sum over
  all devices is what the optimizer takes. An array that is whole on each device is all-reduced; of
  one that is cut each device keeps its part alone: a reduce-scatter over ``shard``, and an
  all-reduce of the parts over the other axes (Rajbhandari et al., 2020, "ZeRO").
- **weights** that are cut are gathered over ``shard`` before they are used, once in a step: what is
  gathered for the forward pass is read by the backward pass, too.
- **statistics** of a batch norm over the whole batch: two values a channel forwards, the mean and
  the variance, and two backwards.
- **borders** of maps that are cut along their first extent: a window of F′ cells at a stride of S
  reads F′ − S rows of its neighbours' (Dryden et al., 2019, "Improving strong-scaling of CNN
  training by exploiting finer-grained parallelism"; Xu et al., 2021, "GSPMD"), and their gradients
  come from ⌈F′/S⌉ − 1 rows of the output's. A layer that reads the whole map has it gathered.

Sums that a step reports, such as its loss, are a few bytes and are left out.
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
from cnnkit.analysis.scaling.work import learners
from cnnkit.spec.graph import Node


@dataclass(frozen=True)
class Exchange:
    """The collectives of a step.

    Attributes:
        memory: Of one device, with its part of the batch.
        mesh: The devices.
    """

    memory: Memory
    mesh: DeviceMesh

    def collectives(self) -> tuple[Collective, ...]:
        """Those of one step that move anything."""
        found = (*self._of_weights(), *self._statistics(), *self._borders())
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
        yield self._over(parts, "all-reduce", "gradients of the parts", cut // mesh.shard)
        yield self._over(mesh, "all-reduce", "gradients", whole)
        shards = DeviceMesh(shard=mesh.shard)
        yield self._over(shards, "reduce-scatter", "gradients", cut)
        yield self._over(shards, "all-gather", "weights", gathered)

    def _statistics(self) -> Iterator[Collective]:
        channels = sum(
            node.output[-1]
            for node in self.memory.graph.nodes
            if node.layer.kind == "batch_norm" and node.output and self._learns(node)
        )
        yield self._over(self.mesh, "all-reduce", "statistics of batch norms", 2 * channels)

    def _learns(self, node: Node) -> bool:
        return node.path not in self.memory.frozen

    def _over(self, mesh: DeviceMesh, kind: CollectiveKind, what: str, elements: int) -> Collective:
        """A collective over the axes of a mesh, of values that are float32 at least."""
        width = max(width_in_training(self.memory.precision), 4)
        return Collective(kind, what, mesh.axes, mesh.devices, elements * width)

    def _borders(self) -> Iterator[Collective]:
        """What the strips of maps need of one another."""
        strips = DeviceMesh(spatial=self.mesh.spatial)
        graph = self.memory.graph
        learning = set(learners(graph, self.memory.frozen))
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

    def _of_maps(
        self, mesh: DeviceMesh, kind: CollectiveKind, what: str, elements: int
    ) -> Collective:
        """A collective over the axes of a mesh, of so many elements of each example."""
        width = width_in_training(self.memory.precision)
        size = self.memory.batch * elements * width
        return Collective(kind, what, mesh.axes, mesh.devices, size)


def _rows(count: int | Fraction) -> int:
    """Whole rows, and never less than none."""
    return max(math.ceil(count), 0)
