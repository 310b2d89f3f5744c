"""How the seconds of an operation and of the whole come about, with the values put in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnkit.analysis.derivation import Line
from cnnkit.analysis.estimate import OperationTime, TimeEstimate
from cnnkit.analysis.quantity import quantity

if TYPE_CHECKING:
    from cnnkit.analysis.result import Settings

ROOFLINE = "max(FLOPs/rate, bytes/bandwidth) + overhead"
MOVED = "bytes/bandwidth + overhead"


def time_lines(estimate: TimeEstimate, node: int) -> Iterator[Line]:
    """The seconds of one operation: a line for an inference, and one for a step of training."""
    yield _line("inference time", estimate.of_inference[node])
    if estimate.of_training is not None:
        yield _line("training time", estimate.of_training[node])


def _line(label: str, time: OperationTime) -> Line:
    work = time.work
    if not work.times:
        return Line(label, "none: it is not run, or moves nothing")
    if work.joined and not work.bytes:
        return Line(label, "none of its own: it is computed with the operation before it")
    moved = f"{work.bytes:,}/{quantity(time.bandwidth, 'B/s')}"
    terms, formula = moved, "bytes/bandwidth" if work.joined else MOVED
    values = _seconds(time.moving)
    if time.rate is not None:
        terms = f"max({work.flops:,}/{quantity(time.rate, 'FLOP/s')}, {moved})"
        values = f"max({_seconds(time.computing)}, {values})"
        formula = ROOFLINE
    if not work.joined:
        terms, values = (f"{each} + {_seconds(time.overhead)}" for each in (terms, values))
    if work.times > 1:
        terms, values, formula = (f"{work.times}·({each})" for each in (terms, values, formula))
    kind = "as part of the operation before it" if work.joined else f"of the kind `{work.kind}`"
    return Line(label, f"{terms} = {values} = {_seconds(time.seconds)}, {kind}", formula)


def total_lines(estimate: TimeEstimate, settings: Settings) -> Iterator[Line]:
    """The seconds of the network, and what they are of."""
    machine = estimate.machine
    call = estimate.call_of("inference")
    setting = (
        f"for batch {settings.batch:,} in {settings.precision} on {machine.name}, {machine.origin}"
    )
    operations = estimate.inference - call
    yield Line(
        "inference time",
        f"{_seconds(operations)} + {_seconds(call)} = {_seconds(estimate.inference)}: the "
        f"operations, and the overhead of a call, {setting}",
    )
    if estimate.training is None:
        yield Line("training time", f"no rates of a step of training in {settings.precision}")
        return
    update, call = estimate.update, estimate.call_of("training")
    operations = estimate.training - update - call
    bandwidth = quantity(machine.memory.bandwidth, "B/s")
    each = _seconds(machine.overhead_of("training").operation)
    yield Line(
        "training time",
        f"{_seconds(operations)} + {_seconds(update)} + {_seconds(call)} = "
        f"{_seconds(estimate.training)}: the operations forward and backward, the update of the "
        f"weights by {settings.optimizer} ({estimate.updated_bytes:,}/{bandwidth} + "
        f"{estimate.updated_arrays:,}·{each}), and the overhead of a call, {setting}",
    )


def _seconds(value: float) -> str:
    return quantity(value, "s")
