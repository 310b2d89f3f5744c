"""`cnnkit analyze` of a spec whose input has letters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import Run, runner

TEXT = "name: net\ninput: HxWx3\nlayers:\n  - conv: {filters: 8, kernel: 3, stride: 2}\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("open.yaml").write_text(TEXT)
    Path("closed.yaml").write_text(TEXT.replace("HxWx3", "9x9x3"))
    return runner(monkeypatch, capfd)


def test_the_table_holds_formulas(run: Run) -> None:
    done = run("analyze", "open.yaml")
    assert (done.code, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines() if "─" not in line]
    assert lines == [
        "net HxWx3 → (H − 1)/2 x (W − 1)/2 x 8",
        "",
        "layer kind output parameters MACs",
        "layers.0 conv (H − 1)/2 x (W − 1)/2 x 8 224 54·H·W − 54·H − 54·W + 54",
        "",
        "H: exact for H = 2·n + 1, from 3 on",
        "W: exact for W = 2·n + 1, from 3 on",
        "neurons: 2·H·W − 2·H − 2·W + 2",
        "parameters: 224",
        "MACs: 54·H·W − 54·H − 54·W + 54",
        "activations: 2·H·W − 2·H − 2·W + 2",
    ]


def test_letters_by_an_override_and_json(run: Run) -> None:
    done = run("analyze", "closed.yaml", "--set", "input=NxNx3", "--format", "json")
    found = json.loads(done.out)
    assert found["input"] == "NxNx3"
    assert found["output"] == ["(N − 1)/2", "(N − 1)/2", 8]
    assert found["totals"]["parameters"] == 224
    assert found["extents"] == [
        {"letter": "N", "step": 2, "residues": [1], "residue": 1, "least": 3}
    ]


@pytest.mark.parametrize("format_", ["csv", "markdown"])
def test_other_formats_of_tables(format_: str, run: Run) -> None:
    assert "(H − 1)/2 x (W − 1)/2 x 8" in run("analyze", "open.yaml", "-f", format_).out


def test_what_holds_no_formulas(run: Run) -> None:
    done = run("analyze", "open.yaml", "--format", "svg")
    assert done.code == 2
    assert "formulas of open extents are written as table, json, csv, markdown" in done.err
    done = run("analyze", "open.yaml", "closed.yaml")
    assert done.code == 2
    assert "specs with open extents, such as HxWx3, are analysed by themselves" in done.err
