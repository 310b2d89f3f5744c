"""A step of training on many devices: what each of them holds, computes and sends."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from cnnkit.analysis.memory import Memory, TrainingBytes
from cnnkit.analysis.precision import Precision
from cnnkit.analysis.scaling.collective import Collective
from cnnkit.analysis.scaling.exchange import Exchange
from cnnkit.analysis.scaling.mesh import DeviceMesh
from cnnkit.analysis.work import Workload
from cnnkit.spec.graph import Node


@dataclass(frozen=True)
class TrainingPlan:
    """A step of a network on a mesh of devices.

    Attributes:
        network: Its memory on one device.
        mesh: The devices.
        batch: The examples of a step, on all devices together.
        accumulate: The steps whose gradients make one update.
        figures: How many values a step reports: its loss, and what its metrics count.
        synchronized: Whether batch norms take their statistics over the whole batch.
    """

    network: Memory
    mesh: DeviceMesh
    batch: int
    accumulate: int = 1
    figures: int = 0
    synchronized: bool = True

    @property
    def precision(self) -> Precision:
        """Of the activations."""
        return self.network.precision

    @property
    def local_batch(self) -> int:
        """The examples on each device; of parts that are unequal on the fullest."""
        return -(-self.batch // self.mesh.parts)

    @cached_property
    def memory(self) -> TrainingBytes:
        """The bytes that each device holds.

        Where gradients are accumulated their sum is held beside those of the step.

        Raises:
            ValueError: The precision is one of inference alone.
        """
        found = self.device.in_training
        if found is None:
            raise ValueError(f"there is no training in {self.precision}")
        if self.accumulate > 1:
            found = found._replace(gradients=2 * found.gradients)
        return found

    @cached_property
    def flops(self) -> int:
        """The FLOPs of convolutions and matrix products of each device."""
        device = self.device
        works = Workload(device.graph, device.batch, device.precision, device.frozen).training
        return sum(
            math.ceil(work.flops * work.times * part)
            for work, part in zip(works, self.parts_of_work, strict=True)
        )

    @cached_property
    def parts_of_work(self) -> tuple[Fraction, ...]:
        """Of the work of each operation that of a device, of unequal ones the largest.

        The layers of maps are done in strips, those of vectors on each device.
        """
        return tuple(map(self._part_of_work, self.network.graph.nodes))

    def _part_of_work(self, node: Node) -> Fraction:
        shape = node.output or (1,)
        if len(shape) == 1 and node.layer.family == "pooling":  # a sum over all strips
            shape = self.network.graph.shape(node.inputs[0]) or (1,)
        if len(shape) == 1:
            return Fraction(1)
        return Fraction(-(-shape[0] // self.mesh.spatial), shape[0])

    @cached_property
    def collectives(self) -> tuple[Collective, ...]:
        """What the devices send each other."""
        return Exchange(self.device, self.mesh, self.figures, self.synchronized).collectives()

    @property
    def sent(self) -> int:
        """The bytes that each device sends."""
        return sum(each.sent for each in self.collectives)

    @cached_property
    def device(self) -> Memory:
        """The memory of one device."""
        mesh = self.mesh
        return replace(self.network, batch=self.local_batch, shards=mesh.shard, strips=mesh.spatial)

    def to_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "devices": self.mesh.devices,
            "mesh": asdict(self.mesh),
            "batch": self.batch,
            "local_batch": self.local_batch,
            "memory": {**self.memory._asdict(), "total": self.memory.total},
            "flops": self.flops,
            "collectives": [each.to_dict() for each in self.collectives],
            "sent": self.sent,
        }
