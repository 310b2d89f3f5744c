"""From the seconds of the probes to the file of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import geometric_mean
from typing import Final, get_args

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
from cnnkit.errors import UsageError
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

    Raises:
        UsageError: The machine is too busy to be measured.
    """
    overhead: dict[Program, Overhead] = {}
    rates: dict[Program, dict[Precision, Rates]] = {}
    for program in get_args(Program):
        tell(f"measuring the overheads of {program}")
        overhead[program] = _overhead(seconds, program)
        rates[program] = {}
        for precision in precisions:
            tell(f"measuring {program} in {precision}")
            operation = overhead[program].operation
            rates[program][precision] = _rates(seconds, program, precision, batch, operation)
    return Machine(
        format=FORMAT,
        name=name,
        measured=True,
        source=f"cnnkit doctor --measure: networks of a few layers, {batch} maps of 56x56x64",
        date=date,
        facts=facts,
        versions=versions,
        memory=DeviceMemory(bandwidth=_rounded(bandwidth)),
        overhead=overhead["inference"],
        rates=rates["inference"],
        training=StepOfTraining(overhead=overhead["training"], rates=rates["training"]),
    )


def _rates(
    seconds: Seconds, program: Program, precision: Precision, batch: int, overhead: float
) -> Rates:
    """The mean of each kind's probes."""
    found: dict[str, list[float]] = {}
    for probe in probes():
        if program in probe.programs:
            rate = _rate(seconds, probe, program, precision, batch, overhead)
            found.setdefault(probe.kind, []).extend(rate)
    if not found["product"]:
        raise UsageError(
            f"the rate of a product in {precision} could not be measured: twice the work took no "
            "longer; end what else runs, and try again"
        )
    means = {kind: _rounded(geometric_mean(each)) for kind, each in found.items() if each}
    return Rates(**means)


def _rate(
    seconds: Seconds,
    probe: Probe,
    program: Program,
    precision: Precision,
    batch: int,
    overhead: float,
) -> Iterator[float]:
    """What is done in a second; nothing where the two programs take as long as one another."""
    examples = probe.batch(batch)
    less, more = (seconds(spec, program, examples, precision) for spec in probe.specs)
    few, many = (probe.passes(spec, program) for spec in probe.specs)
    taken = more - less - (many - few) * overhead
    if taken > _TOO_NEAR * more:
        yield probe.work(program, examples, precision) / taken


def _overhead(seconds: Seconds, program: Program) -> Overhead:
    """That of an operation, by which many small ones are slower than few; the rest is a call's."""
    less, more = (seconds(spec, program, 1, "float32") for spec in SMALL.specs)
    few, many = (SMALL.passes(spec, program) for spec in SMALL.specs)
    operation = max(0.0, (more - less) / (many - few))
    call = max(0.0, less - few * operation)
    return Overhead(operation=_rounded(operation), call=_rounded(call))


def _rounded(value: float) -> float:
    """A measured value in four digits."""
    return float(f"{value:.4g}")
