"""What the best epoch is chosen by, and how runs are listed: the table of metrics decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.errors import DataError
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import EarlyStopping
from cnnkit.training.compute.figures import figures, recalls_of
from cnnkit.training.compute.state import MetricSums
from cnnkit.training.run import train
from cnnkit.training.store.epoch import Epoch
from cnnkit.training.store.history import best, stops_early
from cnnkit.training.store.listing import runs_of
from cnnkit.training.view.display import Quiet

Recipe = Callable[..., Spec]


def epochs(metric: str, *values: float | None) -> list[Epoch]:
    return [Epoch(n, {}, {metric: value, "loss": 1.0}) for n, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("metric", "chosen"),
    [
        ("macro_f1", 2),
        ("balanced_accuracy", 2),
        ("recall.sick", 2),
        ("mean_squared_error", 3),
        ("mean_absolute_error", 3),
    ],
)
def test_the_best_epoch_by_each_metric(metric: str, chosen: int) -> None:
    history = epochs(metric, 0.5, 0.9, 0.1, None)
    found = best(history, metric)
    assert found is not None
    assert found.epoch == chosen
    assert stops_early(history, metric, EarlyStopping(patience=4 - chosen))
    assert not stops_early(history, metric, EarlyStopping(patience=5 - chosen))


def test_the_recall_of_a_class_is_measured_where_it_is_asked_for() -> None:
    counts = np.array([[90, 0], [13, 2]], np.int32)
    totals: Any = MetricSums(np.int32(105), np.float32(21), counts, np.int32(0))  # type: ignore[arg-type]
    recalls = recalls_of(["loss", "recall.sick"], ("healthy", "sick"), 2)
    assert recalls == {"recall.sick": 1}
    found = figures(totals, recalls)
    assert found["recall.sick"] == pytest.approx(2 / 15)
    assert found["balanced_accuracy"] == pytest.approx((1 + 2 / 15) / 2)
    assert found["loss"] == pytest.approx(0.2)
    assert "top5" not in found  # of two classes it would always be 1
    assert "recall.sick" not in figures(totals)
    with pytest.raises(DataError) as caught:
        recalls_of(["recall.sik"], ("healthy", "sick"), 2)
    assert str(caught.value) == "`recall.sik`: there is no class `sik`; did you mean `sick`?"


def test_labels_are_balanced_over_the_yes_and_the_no_of_each() -> None:
    """Of the first 10 yes and 90 no all are called no: (0 + 1)/2; of the second all is right."""
    counts = np.array([[[90, 0], [10, 0]], [[50, 0], [0, 50]]], np.int32)
    totals: Any = MetricSums(np.int32(100), np.float32(0), counts, np.int32(0))  # type: ignore[arg-type]
    assert figures(totals)["balanced_accuracy"] == pytest.approx((0.5 + 1) / 2)


def test_a_run_by_the_recall_of_a_class(recipe: Recipe, tmp_path: Path) -> None:
    spec = recipe(epochs=4, early_stopping={"metric": "recall.2", "patience": 4})
    result = train(spec, run_dir=tmp_path / "run", display=Quiet())
    assert result.summary is not None
    assert result.summary["monitor"] == "recall.2"
    lines = [json.loads(line) for line in (result.path / "metrics.jsonl").read_text().splitlines()]
    recalls = [line["validation"]["recall.2"] for line in lines]
    assert lines[result.summary["best_epoch"] - 1]["validation"]["recall.2"] == max(recalls)
    assert "recall of 2" in (result.path / "report.html").read_text()


def test_a_class_that_is_not_there_is_refused_before_a_step(recipe: Recipe, tmp_path: Path) -> None:
    spec = recipe(early_stopping={"metric": "recall.dog"})
    with pytest.raises(DataError) as caught:
        train(spec, run_dir=tmp_path / "run", display=Quiet())
    assert str(caught.value) == "`recall.dog`: there is no class `dog`; there are 0, 1, 2"
    assert not (tmp_path / "run").exists()


def test_runs_are_listed_with_the_best_first(tmp_path: Path) -> None:
    figures: dict[str, dict[str, float]] = {
        "a": {"loss": 3.0, "accuracy": 0.7},
        "b": {"loss": 4.0, "accuracy": 0.9},
        "c": {"loss": 3.0, "mean_squared_error": 3.0},
        "d": {"loss": 2.0, "mean_squared_error": 2.0},
    }
    for name, each in figures.items():
        run = tmp_path / name
        run.mkdir()
        (run / "spec.yaml").write_text("input: 4\n")
        (run / "environment.json").write_text("{}")
        record = {"epoch": 1, "step": 1, "train": each, "validation": each}
        (run / "metrics.jsonl").write_text(json.dumps(record) + "\n")
        (run / "summary.json").write_text(json.dumps({"test": each}))
    for column in ("validation", "test"):
        rows = runs_of(tmp_path, column)
        assert [Path(row.run).name for row in rows] == ["b", "a", "d", "c"]
    assert [(row.metric, row.test) for row in rows][1:3] == [("accuracy", 0.7), ("loss", 2.0)]
