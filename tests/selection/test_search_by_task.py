"""A search by what its task has: values have no accuracy, and a class has its recall."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnkit
from cnnkit.errors import DataError, UsageError
from cnnkit.selection.folds.directory import FoldOptions, cross_validated
from cnnkit.selection.search.directory import SearchOptions, searched
from cnnkit.selection.search.results import Results
from cnnkit.selection.view.text import fold_lines, search_lines


def options(path: Path, **more: Any) -> SearchOptions:
    return SearchOptions(run_dir=path, device="cpu", quiet=True, **more)


@pytest.fixture(scope="module")
def values(network: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A network of one output that learns the sum of its inputs."""
    path = tmp_path_factory.mktemp("values") / "sums.npz"
    inputs = np.random.default_rng(5).normal(size=(120, 8)).astype(np.float32)
    np.savez(path, inputs=inputs, targets=inputs.sum(1))
    train = {**network["train"], "data": {"arrays": str(path)}, "loss": "mean_squared_error"}
    return {
        **network,
        "layers": [{"dense": {"units": 1}}],
        "train": train,
        "search": {"train.learning_rate": [1e-4, 0.05], "settings": {"method": "grid"}},
    }


def test_a_regression_is_searched_by_its_loss(values: Any, tmp_path: Path) -> None:
    path, found = searched(cnnkit.load(values), options(tmp_path / "run"))
    assert found.settings.objectives == ("loss",)
    losses = {row.chosen["train.learning_rate"]: row.values["loss"] for row in found.complete}
    assert losses[0.05] < losses[1e-4]
    assert found.best is not None
    assert found.best.chosen["train.learning_rate"] == 0.05
    validations = [record.validation or {} for record in found.best.history]
    assert found.best.best_epoch == 1 + int(np.argmin([float(v["loss"] or 0) for v in validations]))
    (look,) = found.looks
    assert list(look.figures) == ["mean_squared_error", "mean_absolute_error", "loss"]
    text = "\n".join(search_lines(found, path))
    assert f"trial {found.best.number}: mean squared error" not in text
    assert "accuracy" not in text
    assert (path / "report.html").exists()


def test_an_objective_of_the_command_line_that_the_task_does_not_have(
    values: Any, tmp_path: Path
) -> None:
    asked = options(tmp_path / "run", settings={"objectives": ("macs", "macro_f1")})
    with pytest.raises(UsageError) as caught:
        searched(cnnkit.load(values), asked)
    assert str(caught.value) == (
        "`objectives[1]` is `macro_f1`, and mean_squared_error has no classes; choose by "
        "`psnr`, `ssim`, `mean_squared_error`, `mean_absolute_error`, `loss`"
    )
    assert not (tmp_path / "run").exists()


def searched_by(network: Mapping[str, Any], objective: str, path: Path) -> Results:
    search = {"variables.width": [2, 16], "settings": {"objectives": [objective]}}
    spec = cnnkit.load({**network, "search": search})
    return searched(spec, options(path, trials_only=True))[1]


@pytest.mark.parametrize("objective", ["balanced_accuracy", "recall.1"])
def test_the_best_trial_by_a_metric(
    network: Mapping[str, Any], objective: str, tmp_path: Path
) -> None:
    found = searched_by(network, objective, tmp_path / "run")
    assert found.best is not None
    history = [record for row in found.complete for record in row.history]
    assert found.best.values[objective] == max(
        float((record.validation or {})[objective] or 0) for record in history
    )


def test_the_recall_of_a_class_that_is_not_there(
    network: Mapping[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        searched_by(network, "recall.7", tmp_path / "run")
    assert str(caught.value) == "`recall.7`: there is no class `7`; there are 0, 1, 2"


def test_folds_of_a_regression(values: Any, tmp_path: Path) -> None:
    spec = cnnkit.load({key: value for key, value in values.items() if key != "search"})
    chosen = FoldOptions(folds=3, run_dir=tmp_path / "folds", device="cpu", quiet=True)
    path, found = cross_validated(spec, chosen)
    assert found.metrics == ("mean_squared_error", "mean_absolute_error", "loss")
    assert found.chance is None
    assert "  loss                 " in "\n".join(fold_lines(found, path))
    summary = json.loads((path / "summary.json").read_text())
    assert summary["mean"].keys() == {"mean_squared_error", "mean_absolute_error", "loss"}
