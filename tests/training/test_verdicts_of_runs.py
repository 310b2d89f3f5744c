"""Real runs, tiny ones, whose verdict follows from a baseline: chance, majority, variance, ln K."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from cnnkit.spec.reading import load
from cnnkit.training.run import train
from cnnkit.training.view.display import Quiet

Arrays = tuple[np.ndarray, np.ndarray]
WIDTH = 8


def rare(shift: float, sick: int = 100, examples: int = 1000) -> Callable[[], Arrays]:
    """Noise, whose last examples are of a rare class and shifted by so many deviations."""

    def made() -> Arrays:
        random = np.random.default_rng(2)
        inputs = random.normal(size=(examples, WIDTH))
        inputs[examples - sick :] += shift / np.sqrt(WIDTH)
        return inputs, np.repeat([0, 1], [examples - sick, sick])

    return made


def guessed(classes: int, examples: int = 400) -> Callable[[], Arrays]:
    """Inputs that say nothing of the class."""

    def made() -> Arrays:
        random = np.random.default_rng(3)
        return random.normal(size=(examples, WIDTH)), random.integers(0, classes, examples)

    return made


def apart(shift: float, examples: int = 400) -> Callable[[], Arrays]:
    """Two classes, as many of each, apart by so many deviations."""

    def made() -> Arrays:
        random = np.random.default_rng(4)
        labels = np.arange(examples) % 2
        inputs = random.normal(size=(examples, WIDTH))
        return inputs + shift / np.sqrt(WIDTH) * (labels[:, None] - 0.5), labels

    return made


def values(part: float, scale: float = 1.0, mean: float = 0.0) -> Callable[[], Arrays]:
    """A sum of the inputs and noise, so much of the variance from the first."""

    def made() -> Arrays:
        random = np.random.default_rng(5)
        inputs = random.normal(size=(400, WIDTH))
        known = inputs.sum(1) / np.sqrt(WIDTH)
        targets = np.sqrt(part) * known + np.sqrt(1 - part) * random.normal(size=400)
        return inputs, (mean + scale * targets).astype(np.float32)

    return made


def labels() -> Arrays:
    """Three yes or no of each example, that the inputs say nothing of."""
    random = np.random.default_rng(6)
    return random.normal(size=(400, WIDTH)), random.random((400, 3)) < [0.1, 0.3, 0.6]


class Case(NamedTuple):
    data: Callable[[], Arrays]
    units: int
    train: dict[str, Any]
    verdict: str
    reason: str
    advice: str = ""
    hidden: int = 0


REGRESSION = {"loss": "mean_squared_error"}
CASES = {
    "the trap": Case(
        rare(0.0), 2, {}, "no-skill",
        "no better than always answering `0` (90.0 %): 15 of 15 1 missed", "`class_weights:",
    ),
    "the trap of 3.5 %": Case(
        rare(0.0, 35), 2, {}, "no-skill", "no better than always answering `0` (96.7 %): 5 of 5 1",
    ),
    "the trap, weighed": Case(
        rare(0.0), 2, {"class_weights": "balanced"}, "no-skill", "by chance 50.0 %",
    ),
    "the sick missed": Case(
        rare(1.2), 2, {}, "imbalanced",
        "hardly better than always answering `0` (90.0 %): ", "`class_weights: balanced`",
    ),
    "the sick found": Case(
        rare(3.5), 2, {"class_weights": "balanced"}, "balanced", "the balanced training error is",
    ),
    "half of the sick found": Case(
        rare(2.2), 2, {}, "under-fitted", "both are above 12.5 %", "`class_weights: balanced`",
    ),
    "ten classes guessed": Case(guessed(10), 10, {}, "no-skill", "by chance 10.0 %"),
    "two classes learnt by heart": Case(
        guessed(2, 120), 2, {"epochs": 25, "optimizer": "adam", "learning_rate": 0.1}, "no-skill",
        "always answering `0` (50.0 %); accuracy ", hidden=128,
    ),
    "labels guessed": Case(
        labels, 3, {"loss": "binary_cross_entropy"}, "no-skill",
        "no better than always answering each label's more frequent value",
    ),
    "far too high a rate": Case(
        guessed(10), 10, {"learning_rate": 1000.0, "optimizer": "adam"}, "no-skill",
        "is above 2.3, what calling all classes equally probable gives", "a lower learning rate",
    ),
    "two classes apart": Case(apart(5.0), 2, {}, "balanced", "they stay together"),
    "two classes that overlap": Case(
        apart(1.3, 2000), 2, {"learning_rate": 0.002}, "under-fitted", "both are above 10 %",
    ),
    "few examples and many weights": Case(
        apart(2.4, 400), 2,
        {"epochs": 25, "optimizer": "adam", "split": {"validation": 0.5, "test": 20}},
        "over-fitted", "the training error is 0.0 %", hidden=256,
    ),
    "values learnt": Case(values(0.99), 1, REGRESSION, "balanced", "where the values have a var"),
    "values guessed": Case(
        values(0.0), 1, REGRESSION, "no-skill", "no better than always answering the mean",
    ),
    "values of a large scale": Case(
        values(0.99, 54.0, 200.0), 1, {**REGRESSION, "learning_rate": 1e-6}, "no-skill",
        "no better than always answering the mean", "targets of mean 0 and deviation 1",
    ),
}  # fmt: skip


def run(case: Case, folder: Path) -> dict[str, Any]:
    inputs, targets = case.data()
    np.savez(folder / "data.npz", inputs=inputs.astype(np.float32), targets=targets)
    hidden = [{"dense": {"units": case.hidden, "activation": "relu"}}] if case.hidden else []
    spec = load(
        {
            "input": str(WIDTH),
            "layers": [*hidden, {"dense": {"units": case.units}}],
            "train": {
                "data": {"arrays": str(folder / "data.npz")},
                "learning_rate": 0.02,
                "epochs": 8,
                **case.train,
            },
        }
    )
    summary = train(spec, run_dir=folder / "run", display=Quiet()).summary
    assert summary is not None
    return dict(summary)


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_follows_from_a_baseline(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    summary = run(case, tmp_path)
    found = summary["diagnosis"]
    assert (found["verdict"], case.reason in found["reason"]) == (case.verdict, True), found
    assert any(step.startswith(case.advice) for step in found["advice"])
    assert f"after {summary['updates']:,} updates" in found["reason"]


def few(epochs: int, folder: Path) -> dict[str, Any]:
    """28 examples of two classes, behind a batch norm, at the default batch."""
    random = np.random.default_rng(7)
    labels = np.arange(40) % 2
    inputs = random.normal(size=(40, 6, 6, 1)) + 1.5 * (labels[:, None, None, None] - 0.5)
    np.savez(folder / "few.npz", inputs=inputs.astype(np.float32), targets=labels)
    layers = [{"conv": {"filters": 8, "kernel": 3}}, "batch_norm", "relu", "flatten"]
    spec = load(
        {
            "input": "6x6x1",
            "layers": [*layers, {"dense": {"units": 2}}],
            "train": {
                "data": {"arrays": str(folder / "few.npz")},
                "split": {"validation": 6, "test": 6},
                "epochs": epochs,
            },
        }
    )
    summary = train(spec, run_dir=folder / f"run-{epochs}", display=Quiet()).summary
    assert summary is not None
    return dict(summary)


def test_few_examples_are_several_updates_an_epoch_and_their_number_is_said(tmp_path: Path) -> None:
    summary = few(10, tmp_path)
    assert summary["updates"] == 40  # four steps of eight
    found = summary["diagnosis"]
    assert found["verdict"] != "over-fitted"
    assert "after 40 updates" in found["reason"]
    # What is said of the training is what the weights do outside of it.
    error = 100 * (1 - summary["training"]["accuracy"])
    assert f"training error is {error:.1f} %" in found["reason"]
