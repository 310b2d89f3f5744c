"""How long a network takes on a machine, by a roofline.

    time = max(FLOPs/rate, bytes/bandwidth) + overhead

for each pass that an operation has of its own: it is bound by what the machine multiplies or by
what its memory moves, whichever takes longer (Williams, Waterman and Patterson, Roofline, 2009).
The rate is that of the kind of work; pools, norms and other passes that multiply nothing have a
bandwidth of their own. The network takes the sum of its operations and the overhead of one call; a
step of training also updates the weights, an array in a pass: it reads them, their gradients and
what the optimizer keeps, and writes them and the latter again, in float32.

``cnnkit.analysis.work`` says what is counted. Nothing is known of what runs at once, of caches, or
of the shapes that a library is slow for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, get_args

from cnnkit.analysis.machines.machine import Machine, Moved, Multiplied
from cnnkit.analysis.memory import Memory
from cnnkit.analysis.precision import Program, is_quantized
from cnnkit.analysis.work import OperationWork, Workload

_WIDTH = 4
"""The bytes of an element of the weights while they are trained."""


class OperationTime(NamedTuple):
    """How long one operation takes, and why.

    Attributes:
        work: What it does.
        rate: FLOP/s of its kind; None where it multiplies nothing.
        bandwidth: Bytes/s of its kind.
        overhead: Seconds beside these, once.
    """

    work: OperationWork
    rate: float | None
    bandwidth: float
    overhead: float

    @property
    def computing(self) -> float:
        """Seconds of its multiplications, once."""
        return self.work.flops / self.rate if self.rate else 0.0

    @property
    def moving(self) -> float:
        """Seconds of its bytes, once."""
        return self.work.bytes / self.bandwidth

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.work.times * (max(self.computing, self.moving) + self.overhead)


@dataclass(frozen=True)
class TimeEstimate:
    """How long a network takes on a machine.

    Attributes:
        machine: The machine, which has rates of the precision.
        memory: The network, its batch, precision and optimizer.
    """

    machine: Machine
    memory: Memory

    @property
    def inference(self) -> float:
        """Seconds of one call that predicts a batch."""
        return sum(each.seconds for each in self.of_inference) + self.call_of("inference")

    @property
    def training(self) -> float | None:
        """Seconds of a step of training; None where it is not defined, or has no rates."""
        if self.of_training is None:
            return None
        operations = sum(each.seconds for each in self.of_training)
        return operations + self.update + self.call_of("training")

    @cached_property
    def of_inference(self) -> tuple[OperationTime, ...]:
        """Of each operation of the graph."""
        return tuple(self._time(work, "inference") for work in self._workload.inference)

    @cached_property
    def of_training(self) -> tuple[OperationTime, ...] | None:
        """Of each operation of the graph, forward and backward."""
        precision = self.memory.precision
        if is_quantized(precision) or self.machine.rates_of(precision, "training") is None:
            return None
        return tuple(self._time(work, "training") for work in self._workload.training)

    def call_of(self, program: Program) -> float:
        """Seconds of a call beside the operations."""
        return self.machine.overhead_of(program).call

    @property
    def updated_bytes(self) -> int:
        """What is read and written when the weights are updated."""
        return _WIDTH * (3 * self.memory.trained + 2 * self.memory.slots)

    @property
    def updated_arrays(self) -> int:
        """The arrays of weights that are updated."""
        nodes = (node for node in self.memory.graph.nodes if node.path not in self.memory.frozen)
        return sum(weight.trainable for node in nodes for weight in node.effect.weights)

    @property
    def update(self) -> float:
        """Seconds until the weights are updated, each array in a pass of its own."""
        overhead = self.machine.overhead_of("training").operation
        moving = self.updated_bytes / self.machine.memory.bandwidth
        return moving + self.updated_arrays * overhead

    def seconds(self, nodes: range, program: Program = "inference") -> float | None:
        """Those of a range of operations; None where the program has no estimate."""
        times = self.of_inference if program == "inference" else self.of_training
        return None if times is None else sum(times[node].seconds for node in nodes)

    @cached_property
    def _workload(self) -> Workload:
        memory = self.memory
        return Workload(memory.graph, memory.batch, memory.precision, memory.frozen)

    def _time(self, work: OperationWork, program: Program) -> OperationTime:
        machine, precision = self.machine, self.memory.precision
        overhead = 0.0 if work.joined else machine.overhead_of(program).operation
        kind: Multiplied | Moved = work.kind
        if kind in get_args(Moved):
            bandwidth = machine.bandwidth(kind, precision, program)  # type: ignore[arg-type]
            return OperationTime(work, None, bandwidth, overhead)
        rate = machine.rate(kind, precision, program)  # type: ignore[arg-type]
        return OperationTime(work, rate, machine.memory.bandwidth, overhead)
