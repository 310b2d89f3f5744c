"""A step of training on many devices: what each of them holds, computes and sends."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from cnnkit.analysis.memory import Memory, TrainingBytes
from cnnkit.analysis.precision import Precision
from cnnkit.analysis.scaling.collective import Collective
from cnnkit.analysis.scaling.exchange import Exchange
from cnnkit.analysis.scaling.mesh import DeviceMesh
from cnnkit.analysis.scaling.work import step_flops


@dataclass(frozen=True)
class TrainingPlan:
    """A step of a network on a mesh of devices.

    Attributes:
        network: Its memory on one device.
        mesh: The devices.
        batch: The examples of a step, on all devices together.
        accumulate: The steps whose gradients make one update.
    """

    network: Memory
    mesh: DeviceMesh
    batch: int
    accumulate: int = 1

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
        found = self._device.in_training
        if found is None:
            raise ValueError(f"there is no training in {self.precision}")
        if self.accumulate > 1:
            found = found._replace(gradients=2 * found.gradients)
        return found

    @cached_property
    def flops(self) -> int:
        """The FLOPs of convolutions and matrix products of each device."""
        network = self.network
        return self.local_batch * step_flops(network.graph, network.frozen, self.mesh.spatial)

    @cached_property
    def collectives(self) -> tuple[Collective, ...]:
        """What the devices send each other."""
        return Exchange(self._device, self.mesh).collectives()

    @property
    def sent(self) -> int:
        """The bytes that each device sends."""
        return sum(each.sent for each in self.collectives)

    @cached_property
    def _device(self) -> Memory:
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
