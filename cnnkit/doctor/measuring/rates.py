"""From the seconds of the probes to the file of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import geometric_mean
from typing import Final

from cnnkit.analysis.machines.machine import (
    FORMAT,
    DeviceMemory,
    Machine,
    Overhead,
    Rates,
    StepOfTraining,
)
from cnnkit.analysis.precision import Precision, Program
from cnnkit.doctor.measuring.probes import SMALL, Probe, probes
from cnnkit.spec.model.spec import Spec

Seconds = Callable[[Spec, Program, int, Precision], float]
"""Those of a network's program, for a batch in a precision."""

MEASURED: Final[tuple[Precision, ...]] = ("float32", "bfloat16")
_TOO_NEAR: Final = 0.02
"""Two programs that differ by less of their time say nothing of what they differ in."""


def measure_machine(
    seconds: Seconds,
    bandwidth: float,
    *,
    name: str,
    date: str,
    facts: Mapping[str, str],
    versions: Mapping[str, str],
    batch: int = 8,
    precisions: Sequence[Precision] = MEASURED,
    tell: Callable[[str], object] = lambda _: None,
) -> Machine:
    """The file of a machine.

    Args:
        seconds: Measures a program.
        bandwidth: The bytes/s of the memory.
        name: What the machine is called.
        date: The day.
        facts: What it consists of.
        versions: Of the software.
        batch: Examples at once, of maps of 56x56x64.
        precisions: Those that are measured.
        tell: Is told what is measured next.
    """
    rates: dict[Program, dict[Precision, Rates]] = {"inference": {}, "training": {}}
    for program, by_precision in rates.items():
        for precision in precisions:
            tell(f"measuring {program} in {precision}")
            by_precision[precision] = _rates(seconds, program, precision, batch)
    return Machine(
        format=FORMAT,
        name=name,
        measured=True,
        source=f"cnnkit doctor --measure: networks of a few layers, {batch} maps of 56x56x64",
        date=date,
        facts=facts,
        versions=versions,
        memory=DeviceMemory(bandwidth=bandwidth),
        overhead=_overhead(seconds, "inference"),
        rates=rates["inference"],
        training=StepOfTraining(overhead=_overhead(seconds, "training"), rates=rates["training"]),
    )


def _rates(seconds: Seconds, program: Program, precision: Precision, batch: int) -> Rates:
    found: dict[str, list[float]] = {}
    for probe in probes():
        if program in probe.programs:
            found.setdefault(probe.kind, []).extend(
                _rate(seconds, probe, program, precision, batch)
            )
    means = {kind: float(f"{geometric_mean(each):.4g}") for kind, each in found.items() if each}
    return Rates(**means)


def _rate(
    seconds: Seconds, probe: Probe, program: Program, precision: Precision, batch: int
) -> Iterator[float]:
    """What is done in a second; nothing where the two programs take as long as one another."""
    examples = probe.batch(batch)
    less, more = (seconds(spec, program, examples, precision) for spec in probe.specs)
    if more - less > _TOO_NEAR * more:
        yield probe.work(program, examples, precision) / (more - less)


def _overhead(seconds: Seconds, program: Program) -> Overhead:
    """That of an operation, by which many small ones are slower than few; the rest is a call's."""
    less, more = (seconds(spec, program, 1, "float32") for spec in SMALL.specs)
    few, many = (SMALL.passes(spec, program) for spec in SMALL.specs)
    operation = max(0.0, (more - less) / (many - few))
    return Overhead(operation=operation, call=max(0.0, less - few * operation))
