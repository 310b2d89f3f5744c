"""`search --folds K` chooses by the mean over folds, and tests once as any search."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnkit
from cnnkit.errors import UsageError
from cnnkit.selection.folds.directory import FoldOptions, cross_validated
from cnnkit.selection.nested import nested_search
from cnnkit.selection.search.directory import SearchOptions, searched
from cnnkit.selection.search.evaluation import mean_of
from cnnkit.selection.view.text import search_lines
from cnnkit.training.compute.figures import Figures


def test_the_mean_is_that_of_all_folds() -> None:
    counts = np.zeros((2, 2))
    figures = [Figures(10, {"accuracy": 0.5, "loss": 1.0}, counts),
               Figures(10, {"accuracy": 1.0, "loss": None}, counts)]  # fmt: skip
    assert mean_of(figures) == {"accuracy": 0.75, "loss": None}


def test_trials_are_judged_as_a_cross_validation_judges(
    network: Mapping[str, Any], tmp_path: Path
) -> None:
    """Of one combination the search says what `cross-validate` does of the same folds."""
    spec = cnnkit.load(
        {**network, "search": {"variables.width": [16], "settings": {"method": "grid", "folds": 3}}}
    )
    options = SearchOptions(run_dir=tmp_path / "search", device="cpu", quiet=True)
    path, found = searched(spec, options)
    (row,) = found.rows
    plain = cnnkit.load(network)
    _, folds = cross_validated(
        plain, FoldOptions(folds=3, run_dir=tmp_path / "folds", device="cpu", quiet=True)
    )
    last = row.history[-1].validation or {}
    for metric in ("accuracy", "loss"):
        assert last[metric] == pytest.approx(float(np.mean(folds.figures(metric))), rel=1e-5)
    assert "  figures are means over 3 folds" in list(search_lines(found, path))
    assert "The mean over 3 folds: accuracy" in (path / "report.html").read_text("utf-8")
    kept = json.loads((path / "results.json").read_text())
    assert kept["settings"]["folds"] == 3
    assert len(kept["looks"]) == 1
    with pytest.raises(UsageError, match="was begun with another folds"):
        searched(spec, SearchOptions({"folds": 4}, run_dir=path, device="cpu", quiet=True))
    with pytest.raises(UsageError, match="a nested search has folds of its own"):
        nested_search(spec, 2, SearchOptions(run_dir=tmp_path / "nested", quiet=True))
