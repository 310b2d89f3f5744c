"""The notebook of the lecture: every cell runs, and what it ends in can be shown."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jax")

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "docs" / "lecture" / "lecture.ipynb"


def cells() -> list[str]:
    """The code of the notebook."""
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    return [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(source: str, names: dict[str, Any]) -> str:
    """Runs a cell; what its last line is the value of, as a notebook shows it."""
    tree = ast.parse(source)
    last = tree.body[-1]
    if not isinstance(last, ast.Expr):
        exec(compile(tree, str(NOTEBOOK), "exec"), names)  # noqa: S102 - our own text
        return ""
    del tree.body[-1]
    exec(compile(tree, str(NOTEBOOK), "exec"), names)  # noqa: S102 - our own text
    value = eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names)  # noqa: S307
    return str(value._repr_html_() if hasattr(value, "_repr_html_") else value)


def test_every_cell_runs_and_shows_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    shown = [run(cell, names) for cell in cells()]
    assert sum("<table>" in each for each in shown) >= 3
    (trained,) = (each for each in shown if "validation of" in each)
    assert "predicted" in trained
    assert "sensitivity  specificity" in trained
    assert trained.count('src="data:image/png;base64,') == 2
    assert not Path(names["folder"].name).exists()


@pytest.mark.long
def test_a_kernel_runs_it() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(ROOT)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()
    outputs = [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]
    shown = [output.data for output in outputs if "data" in output]
    assert sum("text/html" in data for data in shown) >= 5
    assert any("val accuracy" in data.get("text/html", "") for data in shown)
