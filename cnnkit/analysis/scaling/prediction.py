"""How long a step takes on so many devices, and what more of them bring.

A message of B bytes takes B/bandwidth + latency (Hockney, 1994, "The communication challenge for
MPP"), and a ring is as fast as its slowest link. What is computed and what is sent are added up, so
that a compiler that sends while it computes is faster than this.

- **weak scaling**: each device keeps its examples, and the batch grows with the devices;
- **strong scaling**: the batch stays, and each device has fewer examples.

The efficiency is that of a device: the examples that it trains on in a second, beside those of one
device that trains alone, on as many examples as it has in the first case, on all in the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from cnnkit.analysis.estimate import TimeEstimate
from cnnkit.analysis.machines import DeviceLink, Machine
from cnnkit.analysis.quantity import quantity
from cnnkit.analysis.scaling.collective import Collective
from cnnkit.analysis.scaling.mesh import DeviceMesh
from cnnkit.analysis.scaling.plan import TrainingPlan
from cnnkit.errors import UsageError, did_you_mean

FEWEST: Final = 8
MOST: Final = 4096
"""The devices of the first and of the last row of a table."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """The seconds of a step: in which each device computes, and in which it sends."""

    compute: float
    exchange: float

    @property
    def step(self) -> float:
        """Both, one after the other."""
        return self.compute + self.exchange


@dataclass(frozen=True, slots=True)
class Speeds:
    """How fast devices compute and send.

    Attributes:
        machine: The rates of each device.
        link_name: What joins the devices; None where nothing does, of one alone.
        link: Its rates; None likewise.
    """

    machine: Machine
    link_name: str | None
    link: DeviceLink | None

    def time(self, plan: TrainingPlan) -> StepTime:
        """The seconds of a step."""
        return StepTime(self.compute(plan), sum(map(self.exchange, plan.collectives)))

    def compute(self, plan: TrainingPlan) -> float:
        """The seconds in which each device computes, by the roofline of ``TimeEstimate``.

        Of maps that are cut each device does its part, of vectors all.

        Raises:
            UsageError: The machine has no rates of a step of training in the precision.
        """
        estimate = TimeEstimate(self.machine, plan.device)
        if estimate.of_training is None:
            raise UsageError(
                f"{self.machine.name} has no rates of a step of training in {plan.precision}: ask "
                "with another --precision"
            )
        operations = sum(
            each.work.times * (max(each.computing, each.moving) * float(part) + each.overhead)
            for each, part in zip(estimate.of_training, plan.parts_of_work, strict=True)
        )
        return operations + estimate.update + estimate.call_of("training")

    def exchange(self, collective: Collective) -> float:
        """The seconds of a collective."""
        if self.link is None:
            return 0.0
        return collective.sent / self.link.bandwidth + collective.messages * self.link.latency


def speeds_of(machine: Machine, link: str | None = None, *, alone: bool = False) -> Speeds:
    """The speeds of a machine whose devices are joined by one of its links.

    Args:
        machine: Its rates.
        link: The name of a link of the machine, or bytes a second; by default its first link.
        alone: Whether there is one device, which needs no link.

    Raises:
        UsageError: It has no such link, or none at all.
    """
    if link is None and alone:
        return Speeds(machine, None, None)
    if link is None:
        if not machine.links:
            raise UsageError(
                f"--machine: {machine.name} names no link: say the bytes that a device sends in a "
                "second, such as --link 25e9"
            )
        link = next(iter(machine.links))
    if link in machine.links:
        return Speeds(machine, link, machine.links[link])
    try:
        bandwidth = float(link)
    except ValueError:
        bandwidth = 0.0
    if 0 < bandwidth < float("inf"):
        return Speeds(machine, quantity(bandwidth, "B/s"), DeviceLink(bandwidth=bandwidth))
    near = did_you_mean(link, machine.links)
    known = ", ".join(machine.links) or "none"
    raise UsageError(
        f"--link {link}: {machine.name} has no such link; "
        + (f"did you mean `{near}`?" if near else f"its links: {known}.")
        + " Or give bytes a second, such as --link 25e9"
    )


@dataclass(frozen=True, slots=True)
class ScalingRow:
    """A number of devices, and what they come to.

    Attributes:
        plan: The step on so many devices.
        time: Its seconds; None where no machine is given.
        efficiency: What a device does in a second beside one that trains alone; None likewise.
    """

    plan: TrainingPlan
    time: StepTime | None
    efficiency: float | None

    @property
    def examples_per_second(self) -> float | None:
        """Of all devices together."""
        return None if self.time is None else self.plan.batch / self.time.step

    def to_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        time = self.time
        return {
            "devices": self.plan.mesh.devices,
            "batch": self.plan.batch,
            "local_batch": self.plan.local_batch,
            "memory": self.plan.memory.total,
            "sent": self.plan.sent,
            "compute": time and time.compute,
            "exchange": time and time.exchange,
            "step": time and time.step,
            "examples_per_second": self.examples_per_second,
            "efficiency": self.efficiency,
        }


def weak(plan: TrainingPlan, speeds: Speeds | None) -> Iterator[ScalingRow]:
    """From 8 to 4,096 devices, each with as many examples as the plan gives it."""
    alone = _alone(replace(plan, batch=plan.local_batch), speeds)
    for mesh in _meshes(plan.mesh):
        grown = replace(plan, mesh=mesh, batch=plan.local_batch * mesh.parts)
        yield _row(grown, alone, speeds)


def strong(plan: TrainingPlan, speeds: Speeds | None) -> Iterator[ScalingRow]:
    """The same batch on 8 to 4,096 devices, as far as it is cut into equal parts."""
    alone = _alone(plan, speeds)
    for mesh in _meshes(plan.mesh):
        if plan.batch % mesh.parts == 0:
            yield _row(replace(plan, mesh=mesh), alone, speeds)


def _meshes(mesh: DeviceMesh) -> Iterator[DeviceMesh]:
    """Twice as many devices from row to row, by the axis `data`."""
    group = mesh.shard * mesh.spatial
    devices = FEWEST
    while devices <= MOST:
        if devices % group == 0:
            yield replace(mesh, data=devices // group)
        devices *= 2


def _alone(plan: TrainingPlan, speeds: Speeds | None) -> float:
    """The examples that one device trains on in a second, where it has all of the batch."""
    return plan.batch / speeds.compute(replace(plan, mesh=DeviceMesh())) if speeds else 0.0


def _row(plan: TrainingPlan, alone: float, speeds: Speeds | None) -> ScalingRow:
    if speeds is None:
        return ScalingRow(plan, None, None)
    time = speeds.time(plan)
    return ScalingRow(plan, time, plan.batch / time.step / plan.mesh.devices / alone)


@dataclass(frozen=True)
class Scaling:
    """A plan, and how long it takes.

    Attributes:
        plan: The step on the devices that were asked for.
        speeds: How fast they are; None where no machine was named.
        tabulated: Whether it was asked how it scales to other numbers of devices.
    """

    plan: TrainingPlan
    speeds: Speeds | None = None
    tabulated: bool = False

    @property
    def time(self) -> StepTime | None:
        """The seconds of a step; None where no machine was named."""
        return None if self.speeds is None else self.speeds.time(self.plan)

    @cached_property
    def tables(self) -> dict[str, tuple[ScalingRow, ...]]:
        """Weak and strong scaling, a row a number of devices; empty where it was not asked."""
        if not self.tabulated:
            return {}
        return {
            "weak": tuple(weak(self.plan, self.speeds)),
            "strong": tuple(strong(self.plan, self.speeds)),
        }

    def to_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        time, speeds = self.time, self.speeds
        rows = {name: [row.to_dict() for row in rows] for name, rows in self.tables.items()}
        return {
            **self.plan.to_dict(),
            "machine": speeds and speeds.machine.name,
            "link": speeds and speeds.link_name,
            "compute": time and time.compute,
            "exchange": time and time.exchange,
            "step": time and time.step,
            "weak": rows.get("weak"),
            "strong": rows.get("strong"),
        }
