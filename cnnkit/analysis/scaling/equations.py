"""How the numbers of a plan come about: each formula with the values put in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnkit.analysis.derivation import Line, sum_of
from cnnkit.analysis.quantity import quantity
from cnnkit.analysis.scaling.collective import PASSES, Collective

if TYPE_CHECKING:
    from cnnkit.analysis.scaling.plan import TrainingPlan
    from cnnkit.analysis.scaling.prediction import Scaling, Speeds


def equations(scaling: Scaling) -> Iterator[Line]:
    """The lines of a plan: memory, work, collectives, and time where a machine is named."""
    plan = scaling.plan
    yield from _of_devices(plan)
    for collective in plan.collectives:
        yield _sent(collective)
    yield Line("sent in a step", f"{sum_of([each.sent for each in plan.collectives])} bytes")
    if scaling.speeds is not None:
        yield from _times(plan, scaling.speeds)


def _of_devices(plan: TrainingPlan) -> Iterator[Line]:
    mesh = plan.mesh
    sizes = "·".join(f"{each:,}" for each in (mesh.data, mesh.shard, mesh.spatial))
    yield Line("devices", f"{sizes} = {mesh.devices:,}", "data·shard·spatial")
    parts = f"{mesh.data:,}·{mesh.shard:,}"
    share = f"{plan.batch:,}/({parts}) = {plan.local_batch:,}"
    if plan.batch % mesh.parts:
        share = f"⌈{plan.batch:,}/({parts})⌉ = {plan.local_batch:,}, on the fullest"
    yield Line("examples of a device", share, "batch/(data·shard)")
    parts_of = ", ".join(f"{size:,} {name}" for name, size in plan.memory._asdict().items())
    yield Line("memory of a device", f"{sum_of(plan.memory)} bytes: {parts_of}")
    each = plan.flops // plan.local_batch
    yield Line(
        "FLOPs of a device",
        f"{plan.local_batch:,}·{each:,} = {plan.flops:,}: of each example the forward pass, the "
        "gradients of its weights and those of its maps",
        "examples·FLOPs",
    )


def _sent(collective: Collective) -> Line:
    """``2·(n−1)/n·bytes = 2·(8−1)/8·1,000 = 1,750``."""
    label = f"{collective.kind} of {collective.what} over {' and '.join(collective.axes)}"
    passes = PASSES.get(collective.kind)
    if passes is None:
        halved = f"{collective.bytes:,}/2 = " if collective.devices == 2 else ""
        return Line(
            label, f"{halved}{collective.sent:,} bytes", collective.formula if halved else ""
        )
    n, twice = collective.devices, "2·" if passes > 1 else ""
    exact = passes * (n - 1) * collective.bytes % n == 0
    text = f"{twice}({n:,}−1)/{n:,}·{collective.bytes:,}"
    if not exact:
        text = f"⌈{text}⌉"
    return Line(label, f"{text} = {collective.sent:,} bytes", collective.formula)


def _times(plan: TrainingPlan, speeds: Speeds) -> Iterator[Line]:
    time, link = speeds.time(plan), speeds.link
    if link is not None and plan.collectives:
        messages = sum(each.messages for each in plan.collectives)
        terms = " + ".join(map(_messages, plan.collectives))
        yield Line("messages", f"{terms} = {messages:,}, one waiting for the other")
        yield Line(
            "exchange",
            f"{plan.sent:,}/{quantity(link.bandwidth, 'B/s')} + "
            f"{messages:,}·{quantity(link.latency, 's')} = {quantity(time.exchange, 's')}, "
            f"by {speeds.link_name}",
            "sent/bandwidth + messages·latency",
        )
    yield Line(
        "step",
        " + ".join(quantity(each, "s") for each in (time.compute, time.exchange))
        + f" = {quantity(time.step, 's')}",
        "compute + exchange",
    )
    yield Line(
        "examples in a second",
        f"{plan.batch:,}/{quantity(time.step, 's')} = {plan.batch / time.step:,.0f}",
        "batch/step",
    )


def _messages(collective: Collective) -> str:
    """``3·2·(8−1)``: the rounds, how often each part goes round, and the steps of a ring."""
    rounds = f"{collective.rounds:,}·" if collective.rounds > 1 else ""
    passes = PASSES.get(collective.kind)
    if passes is None:
        return f"{rounds}2"
    return f"{rounds}{'2·' if passes > 1 else ''}({collective.devices:,}−1)"
