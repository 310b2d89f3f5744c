"""What is measured follows from the loss, and is the same wherever it is measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.data import Examples
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Arrays, Train
from cnnkit.training.options import Options
from cnnkit.training.prepare.material import prepare, task
from cnnkit.training.run import train
from cnnkit.training.use.evaluation import evaluate
from cnnkit.training.view.display import Quiet
from tests.training.bars import bars

Recipe = Callable[..., Spec]
ONE_HOT = np.eye(3, dtype=np.float32)[np.arange(12) % 3]


@pytest.mark.parametrize(
    ("loss", "targets", "expected"),
    [
        ("categorical_cross_entropy", np.arange(12) % 3, "classes"),
        ("categorical_cross_entropy", ONE_HOT, "classes"),
        ("categorical_cross_entropy", 0.9 * ONE_HOT + 0.1 / 3, "classes"),
        ("focal", 0.9 * ONE_HOT + 0.1 / 3, "classes"),
        ("binary_cross_entropy", np.arange(12) % 3, "classes"),
        ("binary_cross_entropy", ONE_HOT, "classes"),
        ("binary_cross_entropy", ONE_HOT + np.roll(ONE_HOT, 1, axis=1), "labels"),
        ("binary_cross_entropy", 0 * ONE_HOT, "labels"),
        ("binary_cross_entropy", ONE_HOT[:, :1], "binary"),
        ("mean_squared_error", ONE_HOT, "values"),
        ("huber", ONE_HOT[:, :1], "values"),
    ],
)
def test_the_task_of_a_loss_and_its_targets(loss: str, targets: Any, expected: str) -> None:
    examples = Examples(np.zeros((12, 4), np.float32), targets)
    assert task(Train(loss=loss).loss, examples) == expected


@pytest.fixture(scope="module")
def soft(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The bars with probabilities for targets: 0.9 of the class, the rest of all three."""
    path = tmp_path_factory.mktemp("soft") / "soft.npz"
    inputs, labels = bars(90)
    targets = (0.9 * np.eye(3)[labels] + 0.1 / 3).astype(np.float32)
    np.savez(path, inputs=inputs, targets=targets)
    return {"arrays": str(path)}


def test_probabilities_under_a_softmax_are_measured_as_classes(
    recipe: Recipe, soft: dict[str, Any], tmp_path: Path
) -> None:
    result = train(recipe(data=soft, epochs=8), run_dir=tmp_path / "run", display=Quiet())
    assert result.summary is not None
    test = result.summary["validation"]
    assert np.array(test["confusion"]).shape == (3, 3)
    assert test["accuracy"] >= 0.9
    assert test["balanced_accuracy"] == pytest.approx(
        np.mean(np.diag(test["confusion"]) / np.sum(test["confusion"], axis=1))
    )
    lines = [json.loads(line) for line in (result.path / "metrics.jsonl").read_text().splitlines()]
    accuracies = [line["validation"]["accuracy"] for line in lines]
    assert accuracies[result.summary["best_epoch"] - 1] == max(accuracies)


def test_the_test_loss_is_the_same_on_every_path(recipe: Recipe, tmp_path: Path) -> None:
    """On its own test split, on the same images from another file, and without weights."""
    spec = recipe(epochs=2, class_weights=[1.0, 5.0, 20.0])
    opened = Options(test=True)
    result = train(spec, run_dir=tmp_path / "run", options=opened, display=Quiet())
    assert result.summary is not None
    own = evaluate(result.path, Options()).figures
    inputs, labels = bars(90)
    assert spec.train is not None
    chosen = prepare(spec, spec.train, 3, data_dir=None).splits.test
    np.savez(tmp_path / "test.npz", inputs=inputs[chosen], targets=labels[chosen])
    other = evaluate(result.path, Options(), data=Arrays(arrays=str(tmp_path / "test.npz"))).figures
    assert own["loss"] == result.summary["test"]["loss"]
    assert other["loss"] == pytest.approx(own["loss"], rel=1e-6)
    assert other["confusion"] == own["confusion"]
