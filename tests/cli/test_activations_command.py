"""`cnnkit activations`: numbers, pictures, and how it fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.command import Run, runner

SPEC = """
name: edge
input: 4x4x1
layers:
  - conv: {filters: 1, kernel: 3, bias: false, weights: [%s]}
  - relu
"""
ROW = "[[[1]], [[0]], [[-1]]]"
TABLE = "1,2,3,4\n1,2,3,4\n1,2,3,4\n4,3,2,1\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("edge.yaml").write_text(SPEC % ", ".join([ROW] * 3), encoding="utf-8")
    Path("a.csv").write_text(TABLE, encoding="utf-8")
    return runner(monkeypatch, capfd)


def test_the_numbers(run: Run) -> None:
    done = run("activations", "edge.yaml", "a.csv")
    assert (done.code, done.err) == (0, "")
    # Each row of the first three gives −2, the last one 2.
    assert "  map\n  −6 −6\n  −2 −2\n" in done.out
    assert "layers.1  relu  2x2x1 → 2x2x1" in done.out
    assert done.out.endswith("all weights are from the spec\n")


def test_the_arithmetic_of_a_cell(run: Run) -> None:
    done = run("activations", "edge.yaml", "a.csv", "--at", "0,1")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(
        "layers.0  conv, the cell 0,1\n"
        "  reads rows 0 to 2, columns 1 to 3\n"
        "  2·1 + 3·0 + 4·(−1) + 2·1 + 3·0 + 4·(−1) + 2·1 + 3·0 + 4·(−1) = −6\n"
        "\nall weights are from the spec\n"
    )
    done = run("activations", "edge.yaml", "a.csv", "--at", "left")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "cnnkit: `--at left` is no cell: give its indices from 0 on, as `--at 0,2`\n"
    )
    # The last layer of the network counts, whichever is shown.
    done = run("activations", "edge.yaml", "a.csv", "--target", "0", "--layer", "layers.0")
    assert done.err == (
        "cnnkit: `--target` is for a network that ends in a softmax over classes; this one ends in "
        "relu\n"
    )


def test_without_numpy_the_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("cnnkit.activations")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "numpy", None)
    done = run("activations", "edge.yaml", "a.csv")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "cnnkit: activations need numpy, which is not installed: pip install 'cnnkit[train]'\n"
    )


def test_one_layer(run: Run) -> None:
    done = run("activations", "edge.yaml", "a.csv", "--layer", "layers.1")
    assert "layers.1  relu" in done.out
    assert "layers.0" not in done.out
    done = run("activations", "edge.yaml", "a.csv", "--layer", "layers.7")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("cnnkit: no layer has the path layers.7; ")


def test_the_pictures(run: Run) -> None:
    done = run("activations", "edge.yaml", "a.csv", "--output", "pictures")
    assert done.code == 0
    assert done.out.endswith("wrote 4 pictures to pictures\n")
    assert len(list(Path("pictures").iterdir())) == 4
    again = run("activations", "edge.yaml", "a.csv", "--output", "pictures")
    assert again.code == 2
    assert "000-input.png is there already; --force writes over it" in again.err
    assert run("activations", "edge.yaml", "a.csv", "-o", "pictures", "--force").code == 0


def test_the_page(run: Run) -> None:
    done = run("activations", "edge.yaml", "a.csv", "--output", "page.html")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("wrote page.html\n")
    text = Path("page.html").read_text("utf-8")
    assert "<h1>Activations: a.csv</h1>" in text
    assert '<h2>layers.0 <span class="kind">conv · ' in text
    again = run("activations", "edge.yaml", "a.csv", "--output", "page.html")
    assert again.code == 2
    assert again.err == "cnnkit: page.html is there already; --force writes over it\n"
    assert run("activations", "edge.yaml", "a.csv", "-o", "page.html", "--force").code == 0


def test_large_maps_are_for_pictures(run: Run) -> None:
    Path("large.yaml").write_text("input: 20x20x1\nlayers: [relu]", encoding="utf-8")
    Path("b.csv").write_text("\n".join([",".join("1" * 20)] * 20), encoding="utf-8")
    done = run("activations", "large.yaml", "b.csv")
    assert done.out.endswith(
        "the larger maps as one page: --output FILE.html; as pictures: --output DIR\n"
    )


def test_a_faulty_spec_is_a_finding(run: Run) -> None:
    Path("edge.yaml").write_text(SPEC % ROW, encoding="utf-8")
    done = run("activations", "edge.yaml", "a.csv")
    assert (done.code, done.err) == (1, "")
    assert "edge.yaml:5:" in done.out
    assert "`weights` has the shape 1x3x1x1, the layer needs 3x3x1x1" in done.out
    Path("edge.yaml").write_text("input: [", encoding="utf-8")
    assert "[syntax]" in run("activations", "edge.yaml", "a.csv").out


def test_wrong_usage(run: Run) -> None:
    assert run("activations", "none.yaml", "a.csv").err == "cnnkit: there is no file none.yaml\n"
    done = run("activations", "edge.yaml", "none.csv")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("cnnkit: none.csv is not there: name an image")
    Path("a.csv").write_text("1,2\n", encoding="utf-8")
    done = run("activations", "edge.yaml", "a.csv")
    assert done.err == "cnnkit: a.csv has the shape 1x2, the network's input is 4x4x1\n"
    Path("run").mkdir()
    done = run("activations", "run", "a.csv", "--set", "variables.k=1")
    assert done.err == "cnnkit: `--set` changes a spec; a run's network is as it was trained\n"
    done = run("activations", "run", "a.csv")
    assert done.code == 2
    assert "Traceback" not in done.err
