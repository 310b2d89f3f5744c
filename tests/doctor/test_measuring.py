"""Rates that are measured: of a machine whose rates are known, the file says these again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnnkit.analysis.estimate import TimeEstimate
from cnnkit.analysis.machines import Machine, read_machine
from cnnkit.analysis.memory import Memory
from cnnkit.analysis.precision import Precision, Program
from cnnkit.doctor.measuring import here
from cnnkit.doctor.measuring.probes import probes
from cnnkit.doctor.measuring.rates import measure_machine
from cnnkit.errors import UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import load
from cnnkit.spec.tracing import graph_of
from tests.cli.command import runner

RATES = {
    "product": 7e10, "dense": 7e10, "convolution": 3e11, "first": 2e11, "pointwise": 1e11,
    "depthwise": 2e10, "grouped": 9e10, "transposed": 8e10, "elementwise": 3e10,
    "normalization": 2e10, "pool": 1e10,
}  # fmt: skip
KNOWN = Machine.model_validate(
    {
        "format": 1,
        "name": "a box",
        "measured": True,
        "source": "by hand",
        "memory": {"bandwidth": 5e12},
        "overhead": {"operation": 1e-4, "call": 5e-3},
        "rates": {"float32": RATES},
        "training": {
            "overhead": {"operation": 2e-4, "call": 9e-3},
            "rates": {"float32": {kind: rate / 2 for kind, rate in RATES.items()}},
        },
    }
)


def seconds_of(spec: Spec, program: Program, batch: int, precision: Precision) -> float:
    """What a program would take on the known machine, by the estimate; no weights are updated."""
    estimate = TimeEstimate(KNOWN, Memory(graph_of(spec), 0, 0, batch, precision, "sgd"))
    if program == "inference":
        return estimate.inference
    assert estimate.training is not None
    return estimate.training - estimate.update


def measured(seconds: object = seconds_of) -> Machine:
    return measure_machine(
        seconds,  # type: ignore[arg-type]
        5e12,
        name="a box",
        date="2026-01-31",
        facts={"cores": "2"},
        versions={"cnnkit": "1"},
        precisions=("float32",),
    )


def test_what_is_measured_is_what_the_machine_does() -> None:
    found = measured()
    for program in ("inference", "training"):
        known, rates = KNOWN.rates_of("float32", program), found.rates_of("float32", program)
        assert known is not None
        assert rates is not None
        assert rates.model_dump() == pytest.approx(known.model_dump(), rel=0.01)
        overhead = KNOWN.overhead_of(program)
        # Each of the small operations also does a little.
        assert found.overhead_of(program).operation == pytest.approx(overhead.operation, rel=0.01)
        assert found.overhead_of(program).call == pytest.approx(overhead.call, rel=0.01)
    assert found.origin == "measured on 2026-01-31"
    assert found.memory.bandwidth == 5e12


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "machine.json"
    file.write_text(measured().model_dump_json(exclude_none=True), encoding="utf-8")
    assert read_machine(file) == measured()


def test_what_takes_no_longer_has_no_rate() -> None:
    """Noise is no rate: but for the product's, the others then are as the product's."""

    def flat(spec: Spec, program: Program, batch: int, precision: Precision) -> float:
        dense = any(layer.kind == "dense" for layer in spec.layers)
        return seconds_of(spec, program, batch, precision) if dense or batch == 1 else 1.0

    rates = measured(flat).rates_of("float32")
    assert rates is not None
    assert rates.convolution is rates.pool is None
    assert rates.product == pytest.approx(7e10, rel=0.05)


def test_a_machine_too_busy_to_be_measured_says_so() -> None:
    with pytest.raises(UsageError, match="the rate of a product in float32 could not be measured"):
        measured(lambda *_: 1.0)


def test_each_kind_is_measured_in_each_program() -> None:
    for program in ("inference", "training"):
        assert {probe.kind for probe in probes() if program in probe.programs} == set(RATES)
        for probe in probes():
            if program in probe.programs:
                assert probe.work(program, 2, "float32") > 0


@pytest.mark.parametrize("program", ["inference", "training"])
def test_the_programs_of_a_network_run(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small one, once: the clock says what the test says."""
    programs = pytest.importorskip("cnnkit.doctor.measuring.programs")
    spec = load("input: 4x4x2\nlayers: [{conv: {filters: 2, kernel: 1}}, batch_norm, relu]")
    call = programs.network_call(spec, program, 2, "float32")
    ticks = iter(range(1000))
    monkeypatch.setattr(programs.time, "perf_counter", lambda: next(ticks))
    assert programs.stopwatch(call) == 2.0  # the clock is read before each call and after it


def test_the_memory_is_passed_over_in_place() -> None:
    programs = pytest.importorskip("cnnkit.doctor.measuring.programs")
    call = programs.memory_call(8)
    call()
    call()


def test_the_command_writes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(here, "network_call", lambda *probe: probe)
    monkeypatch.setattr(here, "memory_call", lambda elements: elements)
    monkeypatch.setattr(here.measured_here, "__defaults__", (watch, ("float32",), None))
    run = runner(monkeypatch, capfd)
    file = tmp_path / "machine.json"
    done = run("doctor", "--measure", "--output", str(file))
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
        "measuring the memory",
        "measuring the overheads of inference",
        "measuring inference in float32",
        "measuring the overheads of training",
        "measuring training in float32",
    ]
    machine = read_machine(file)
    assert machine.memory.bandwidth == 536.9e6  # 8·2²⁵ bytes in half a second, in four digits
    assert machine.facts.keys() == {"processor", "cores", "system", "device", "oneDNN"}
    assert machine.versions.keys() == {"cnnkit", "jax", "Python"}
    done = run("doctor", "--measure")
    assert json.loads(done.out) == json.loads(file.read_text(encoding="utf-8"))
    shown = run("analyze", "specs/zoo/lenet-5.yaml", "--machine", str(file))
    assert "inference time" in shown.out


def watch(call: object) -> float:
    """Seconds of a program that is not there: those of the known machine."""
    return 0.5 if isinstance(call, int) else seconds_of(*call)  # type: ignore[misc]


def test_where_it_cannot_be_written_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = runner(monkeypatch, capfd)
    done = run("doctor", "--measure", "--output", str(tmp_path / "gone" / "machine.json"))
    assert done.code == 2
    assert f"there is no folder {tmp_path / 'gone'}" in done.err
    done = run("doctor", "--output", str(tmp_path / "machine.json"))
    assert done.code == 2
    assert "--output is of --measure: the examination goes to standard output" in done.err
