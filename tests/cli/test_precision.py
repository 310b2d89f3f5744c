"""Precisions of inference on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import Run

CONV = """\
input: 8x8x2
layers:
  - conv: {filters: 4, kernel: 3, padding: 1}
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "a.yaml"
    path.write_text(CONV)
    return str(path)


def test_solve_looks_for_the_widest_that_the_ram_of_a_microcontroller_holds(
    run: Run, spec: str
) -> None:
    # 64 cells in 2 channels of a byte each come in, so 4 more channels of 64 bytes fit.
    result = run(
        "solve", spec, "--vary", "layers.0.filters", "--budget", "activation_memory=400",
        "--precision", "int8", "--format", "json",
    )  # fmt: skip
    assert json.loads(result.out)["best"]["value"] == 4


def test_solve_refuses_a_budget_of_training_in_it(run: Run, spec: str) -> None:
    result = run(
        "solve", spec, "--vary", "layers.0.filters", "--budget", "training_memory=400",
        "--precision", "int4",
    )  # fmt: skip
    assert result.code == 2
    assert "a budget of training_memory in int4 has no meaning" in result.err


def test_diff_leaves_out_what_is_not_defined(run: Run, spec: str, tmp_path: Path) -> None:
    other = tmp_path / "b.yaml"
    other.write_text(CONV.replace("filters: 4", "filters: 5"))
    result = run("diff", spec, str(other), "--precision", "int8")
    assert "training memory" not in result.out
    assert "inference memory" in result.out
    assert "unknown" not in result.out
