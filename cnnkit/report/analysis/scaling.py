"""The plan of a training on many devices, for all formats that people read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cnnkit.analysis.quantity import quantity
from cnnkit.presentation.numbers import memory, percent, short
from cnnkit.report.analysis.figure import Figure

if TYPE_CHECKING:
    from cnnkit.analysis.scaling.collective import Collective
    from cnnkit.analysis.scaling.prediction import Scaling, ScalingRow, StepTime

_TITLES = {
    "weak": "weak scaling: {local:,} examples on each device",
    "strong": "strong scaling: a batch of {batch:,}",
}


class ScalingTable(NamedTuple):
    """How a plan scales.

    Attributes:
        title: What stays the same from row to row.
        columns: The headings.
        rows: A row a number of devices, all figures as text.
        remark: What must be known to read it.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    remark: str = ""


def plan_figures(scaling: Scaling) -> Iterator[Figure]:
    """Memory, collectives, and the time of a step where a machine is named."""
    plan = scaling.plan
    note = f"{plan.mesh}; a batch of {plan.batch:,}, {plan.local_batch:,} on each"
    yield Figure("devices", f"{plan.mesh.devices:,}", note)
    parts = ", ".join(f"{size:,} {name}" for name, size in plan.memory._asdict().items() if size)
    total = plan.memory.total
    yield Figure("memory of a device", memory(total), f"{total:,} bytes: {parts}")
    note = f"{plan.flops:,} on each device, for {plan.local_batch:,} of the batch"
    yield Figure("FLOPs of a step", short(plan.flops), note)
    note = f"{plan.sent:,} bytes by each device" if plan.sent else "there is nothing to send"
    yield Figure("sent in a step", memory(plan.sent), note)
    for collective in plan.collectives:
        yield _figure(collective)
    if scaling.speeds is not None and (time := scaling.time) is not None:
        yield from _times(scaling, time)


def scaling_tables(scaling: Scaling) -> Iterator[ScalingTable]:
    """Weak and strong scaling, where they were asked for."""
    plan, timed = scaling.plan, scaling.speeds is not None
    for name, rows in scaling.tables.items():
        title = _TITLES[name].format(local=plan.local_batch, batch=plan.batch)
        columns = ["devices", "batch", "memory", "sent"]
        if timed:
            columns += ["compute", "exchange", "step", "examples/s", "efficiency"]
        remark = ""
        if name == "strong" and len(rows) < len(scaling.tables["weak"]):
            remark = f"a batch of {plan.batch:,} has no equal parts for other numbers of devices"
        yield ScalingTable(title, columns, [list(_cells(row)) for row in rows], remark)


def _cells(row: ScalingRow) -> Iterator[str]:
    plan = row.plan
    yield f"{plan.mesh.devices:,}"
    yield f"{plan.batch:,}"
    yield memory(plan.memory.total)
    yield memory(plan.sent)
    if row.time is not None and row.efficiency is not None:
        yield from (
            quantity(each, "s") for each in (row.time.compute, row.time.exchange, row.time.step)
        )
        yield f"{row.examples_per_second:,.0f}"
        yield percent(row.efficiency, 1)


def _figure(collective: Collective) -> Figure:
    over = " and ".join(collective.axes)
    note = f"{collective.what}, {collective.bytes:,} bytes over {over}"
    return Figure(f"  {collective.kind}", memory(collective.sent), note)


def _times(scaling: Scaling, time: StepTime) -> Iterator[Figure]:
    plan, speeds = scaling.plan, scaling.speeds
    assert speeds is not None  # noqa: S101 - there is no time without
    parts = f"compute {quantity(time.compute, 's')} and exchange {quantity(time.exchange, 's')}"
    names = [speeds.machine.name, *([speeds.link_name] if speeds.link_name else [])]
    origin = f"{', '.join(names)}; {speeds.machine.origin}"
    yield Figure("predicted step", quantity(time.step, "s"), f"{parts}; {origin}")
    yield Figure("examples/s", f"{plan.batch / time.step:,.0f}", "of all devices together")
