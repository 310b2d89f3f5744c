"""`cnnkit convert`: what it writes, where, and how it fails."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.cli.command import Run, runner

SPEC = """
name: small
input: 8x8x1
layers:
  - conv: {filters: 2, kernel: 3}
  - flatten
  - dense: {units: $units}
variables: {units: 4}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(SPEC, encoding="utf-8")
    return runner(monkeypatch, capfd)


@pytest.mark.parametrize("target", ["flax", "torch", "keras"])
def test_writes_code_to_standard_output(run: Run, target: str) -> None:
    done = run("convert", "small.yaml", "--to", target)
    assert (done.code, done.err) == (0, "")
    ast.parse(done.out)
    assert done.out.startswith('"""small as a')
    assert f"written by `cnnkit convert --to {target}`" in done.out


def test_writes_a_file(run: Run) -> None:
    done = run("convert", "small.yaml", "--to", "torch", "--output", "small.py")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert "nn.Linear(72, 4)" in Path("small.py").read_text(encoding="utf-8")


def test_sets_values(run: Run) -> None:
    done = run("convert", "small.yaml", "--to", "torch", "--set", "variables.units=7")
    assert "nn.Linear(72, 7)" in done.out


def test_reads_standard_input(run: Run) -> None:
    done = run("convert", "-", "--to", "keras", stdin=SPEC.encode())
    assert done.code == 0
    assert "layers.Dense(4" in done.out


def test_a_faulty_spec_is_a_finding(run: Run) -> None:
    Path("small.yaml").write_text(SPEC.replace("kernel: 3", "kernel: 9"), encoding="utf-8")
    done = run("convert", "small.yaml", "--to", "flax", "--output", "small.py")
    assert (done.code, done.err) == (1, "")
    assert "small.yaml:5:32: " in done.out
    assert "[window-too-large]" in done.out
    assert not Path("small.py").exists()


def test_what_is_no_spec_is_a_finding(run: Run) -> None:
    Path("small.yaml").write_text("input: [", encoding="utf-8")
    done = run("convert", "small.yaml", "--to", "flax")
    assert done.code == 1
    assert "[syntax]" in done.out


def test_wrong_usage(run: Run) -> None:
    done = run("convert", "none.yaml", "--to", "flax")
    assert (done.code, done.out, done.err) == (2, "", "cnnkit: there is no file none.yaml\n")
    assert run("convert", "small.yaml", "--to", "caffe").code == 2
    assert "Missing option" in run("convert", "small.yaml").err
    done = run("convert", "small.yaml", "--to", "flax", "--output", "no/small.py")
    assert (done.code, done.err) == (
        2,
        "cnnkit: cannot write no/small.py: No such file or directory\n",
    )
