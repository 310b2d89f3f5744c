"""A fold and a trial are trained as `cnnkit train` trains: the same bits for the same split."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import cnnkit
from cnnkit.data import Dataset
from cnnkit.selection.folds.cross_validation import run_folds
from cnnkit.selection.folds.fold import Fold
from cnnkit.selection.recipe import recipe
from cnnkit.selection.search.evaluation import evaluator
from cnnkit.spec.model.spec import Spec
from cnnkit.training.compute.figures import Figures
from cnnkit.training.prepare.sealed import RunExamples, sealed
from cnnkit.training.run import train
from cnnkit.training.view.display import Quiet

EXAMPLES, WIDTH = 90, 8
MAP = (4, 2)


class Silent:
    def begins(self, numbers: Sequence[int], epochs: int) -> None: ...
    def epoch(self, numbers: Sequence[int], epoch: int, figures: Sequence[Figures]) -> None: ...
    def ends(self, fold: Fold) -> None: ...


TASKS: Mapping[str, tuple[int, Any]] = {
    "classes": (3, "categorical_cross_entropy"),
    "binary": (1, "binary_cross_entropy"),
    "labels": (3, "binary_cross_entropy"),
    "values": (2, "mean_squared_error"),
    "pixels": (3, ["dice", "categorical_cross_entropy"]),
    "images": (2, ["mean_squared_error", "mean_absolute_error"]),
}
OF_MAPS = ("pixels", "images")
QUICK = ("classes", "binary", "labels", "values")
ALL = (*QUICK, *(pytest.param(task, marks=pytest.mark.long) for task in OF_MAPS))


def targets(task: str, inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What a linear network can learn of inputs, most of the time."""
    if task == "pixels":
        masks = (inputs[..., 0] > 0).astype(np.uint8)  # no pixel is of the third class
        masks[:, 0, 0] = 255
        return masks
    if task == "images":
        return np.concatenate([inputs, -inputs], axis=-1)
    if task == "classes":
        return np.asarray(inputs[:, :3].argmax(axis=1), np.int32)
    if task == "binary":
        return (inputs[:, 0] > 0).astype(np.int32)
    if task == "labels":
        return np.asarray(inputs[:, :3] > 0)
    return np.asarray(inputs[:, :2] + inputs[:, 2:4])


@pytest.fixture
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> Spec:
    task = request.param
    units, loss = TASKS[task]
    inputs = np.random.default_rng(5).normal(size=(EXAMPLES, WIDTH)).astype(np.float32)
    data: dict[str, Any] = {"arrays": str(tmp_path / "data.npz")}
    input_, augment = str(WIDTH), []
    layers: list[Any] = [
        {"dense": {"units": 16, "activation": "relu"}},
        {"dense": {"units": units}},
    ]
    if task in OF_MAPS:
        inputs = inputs.reshape(EXAMPLES, *MAP, 1)
        input_, augment = "4x2x1", ["flip"]
        layers = [
            {"conv": {"filters": 4, "kernel": 3, "padding": "same", "activation": "relu"}},
            {"conv": {"filters": units, "kernel": 1}},
        ]
    if task == "pixels":
        data["ignore"] = 255
    np.savez(tmp_path / "data.npz", inputs=inputs, targets=targets(task, inputs))
    return cnnkit.load(
        {
            "name": task,
            "input": input_,
            "layers": layers,
            "train": {
                "data": data,
                "augment": augment,
                "split": {"validation": 0.25, "test": 0.2},
                "loss": loss,
                "optimizer": "adam",
                "learning_rate": 0.01,
                "epochs": 3,
                "batch_size": 16,
                "ema": 0.9,
                "seed": 4,
            },
        }
    )


def of_train(spec: Spec, path: Path) -> list[dict[str, Any]]:
    train(spec, run_dir=path, display=Quiet())
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def fold_of(spec: Spec) -> Fold:
    data = sealed(spec, recipe(spec), None)
    part = RunExamples(data.splits.train, data.splits.validation, recipe(spec).seed)
    (fold,) = run_folds(
        spec,
        recipe(spec),
        data,
        [part],
        devices=jax.devices()[:1],
        width=1,
        watch=Silent(),
        keep=lambda _: None,
    )
    return fold


@pytest.mark.parametrize(
    "spec",
    [*QUICK, "pixels", pytest.param("images", marks=pytest.mark.long)],
    indirect=True,
)
def test_a_fold_ends_in_the_figures_of_a_run(spec: Spec, tmp_path: Path) -> None:
    epochs, fold = of_train(spec, tmp_path / "run"), fold_of(spec)
    assert [epoch.train for epoch in fold.history] == [epoch["train"] for epoch in epochs]
    assert fold.figures.metrics == epochs[-1]["validation"]


@pytest.mark.parametrize("spec", ALL, indirect=True)
def test_a_streamed_fold_ends_in_the_same_figures(
    spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident = fold_of(spec)
    monkeypatch.setattr(Dataset, "fits_on_device", lambda self, budget=0: False)
    assert fold_of(spec).figures.metrics == resident.figures.metrics


@pytest.mark.parametrize("spec", ALL, indirect=True)
def test_a_trial_ends_in_the_figures_of_a_run(spec: Spec, tmp_path: Path) -> None:
    epochs = of_train(spec, tmp_path / "run")
    data = sealed(spec, recipe(spec), None)
    outcome = evaluator(data, spec, jax.devices()[:1], None, ())(spec, lambda _: False)
    assert outcome.failed is None
    assert [record.validation for record in outcome.history] == [
        epoch["validation"] for epoch in epochs
    ]


@pytest.mark.parametrize("spec", QUICK, indirect=True)
def test_labels_of_their_own_are_no_classes(spec: Spec) -> None:
    """Three labels that are each a yes or no give three matrices of 2x2, and no 3x3 of classes."""
    shape = {"classes": (3, 3), "binary": (2, 2), "labels": (3, 2, 2), "values": (2,)}
    assert fold_of(spec).figures.confusion.shape == shape[spec.name or ""]
