"""Curves whose truth is known: errors drawn from it, and the verdict that must come of them.

In each case the true error of every epoch is stated, and what is seen of it is drawn binomially
from as many examples as a split has. Ten draws of each must all be judged by the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from cnnkit.spec.model.training import Train
from cnnkit.training.compute.metrics import summarize
from cnnkit.training.store.epoch import Epoch
from cnnkit.training.store.summary import Diagnosis
from cnnkit.training.view.baseline import ClassBaseline, RegressionBaseline, alike_loss, deviation
from cnnkit.training.view.diagnosis import diagnose
from cnnkit.training.view.evidence import Evidence

EPOCHS = 20
SEEDS = range(10)


@dataclass(frozen=True)
class Truth:
    """True figures of a network at the end of its training.

    Attributes:
        verdict: What is true.
        recalls: The recall of each class in training, outside of it.
        held: The recall of each class on examples that were not trained on.
        shares: The share of each class.
        trained: The training examples.
        examples: The validation examples.
        rises: Whether the validation loss rises in the second half.
    """

    verdict: str
    recalls: tuple[float, ...]
    held: tuple[float, ...]
    shares: tuple[float, ...]
    trained: int = 2000
    examples: int = 300
    rises: bool = False


def even(verdict: str, train: float, held: float, classes: int = 10, **more: Any) -> Truth:
    """As many examples of each class, all with the same error."""
    recalls, other = (1 - train,) * classes, (1 - held,) * classes
    return Truth(verdict, recalls, other, (1 / classes,) * classes, **more)


TRUTHS = {
    # Far apart: the training is known by heart, whatever the size of the gap.
    "known by heart": even("over-fitted", 0.0, 0.096, examples=270),
    "known by heart, two classes": even("over-fitted", 0.0, 0.12, 2, examples=300),
    "a small gap of many examples": even("over-fitted", 0.002, 0.05, examples=3000),
    "a gap of nine points": even("over-fitted", 0.01, 0.10, examples=1000),
    "far apart and high": even("over-fitted", 0.05, 0.35),
    "the loss rises": even("over-fitted", 0.0, 0.08, rises=True),
    # As good on examples that were not seen, however few there are.
    "the same error": even("balanced", 0.05, 0.05),
    "the same error, few examples": even("balanced", 0.05, 0.05, examples=60, trained=280),
    "one point of a large split": even("balanced", 0.0, 0.01, examples=10_000, trained=50_000),
    "two classes alike": even("balanced", 0.04, 0.05, 2, examples=200),
    "a loss that rises by confidence alone": even(
        "balanced", 0.0, 0.006, examples=2000, rises=True
    ),
    # Both high.
    "both a third": even("under-fitted", 0.32, 0.33),
    "both a fifth": even("under-fitted", 0.20, 0.21, 3),
    "hardly begun": even("under-fitted", 0.70, 0.70),
    # Nothing is learnt.
    "always the healthy": Truth("no-skill", (1.0, 0.0), (1.0, 0.0), (0.9, 0.1), 700, 150),
    "almost always the healthy": Truth(
        "no-skill", (0.97, 0.03), (0.97, 0.03), (0.965, 0.035), 1400, 400
    ),
    "a coin": even("no-skill", 0.5, 0.5, 2),
    "a die of ten sides": even("no-skill", 0.9, 0.9),
    "noise by heart": even("no-skill", 0.0, 0.5, 2),
    "noise by heart, imbalanced": Truth("no-skill", (1.0, 1.0), (0.85, 0.15), (0.9, 0.1), 700, 150),
    # A rare class is missed.
    "most of the sick missed": Truth(
        "imbalanced", (0.995, 0.4), (0.995, 0.15), (0.9, 0.1), 4000, 1000
    ),
    "weighed, and the sick found": Truth(
        "balanced", (0.92, 0.95), (0.90, 0.93), (0.9, 0.1), 8000, 3000
    ),
}


def seen(random: np.random.Generator, truth: Truth, recalls: Any, examples: int) -> np.ndarray:
    """The counts of a split: as many of each class as its share, mistakes to all others alike."""
    classes = len(truth.shares)
    counts = np.zeros((classes, classes), int)
    for index, (share, recall) in enumerate(zip(truth.shares, recalls, strict=True)):
        chances = np.full(classes, (1 - recall) / (classes - 1))
        chances[index] = recall
        counts[index] = random.multinomial(round(share * examples), chances)
    return counts


def figures(counts: np.ndarray, loss: float) -> dict[str, Any]:
    summary = summarize(counts).to_dict()
    rows = [{"name": str(index), **row} for index, row in enumerate(summary["classes"])]
    return {**summary, "classes": rows, "loss": loss}


def verdict_of(truth: Truth, seed: int) -> Diagnosis:
    random = np.random.default_rng(seed)
    history = []
    for epoch in range(1, EPOCHS + 1):
        fallen = 2 * np.exp(-epoch / 3)  # the losses fall alike, and then stay, or rise
        rising = 0.05 * max(epoch - EPOCHS / 2, 0) if truth.rises else 0.0
        train = seen(random, truth, truth.recalls, truth.trained)
        held = seen(random, truth, truth.held, truth.examples)
        history.append(
            Epoch(
                epoch,
                figures(train, 0.1 + fallen),
                figures(held, (0.3 + fallen + rising) * random.normal(1, 0.01)),
            )
        )
    evidence = Evidence(
        figures(seen(random, truth, truth.recalls, truth.trained), 0.1),
        history[-1].validation,
        updates=1000,
        alike=float(np.log(len(truth.shares))),
    )
    return diagnose(history, Train(), evidence)


@pytest.mark.parametrize("name", TRUTHS)
def test_the_verdict_is_the_truth(name: str) -> None:
    truth = TRUTHS[name]
    found = {seed: verdict_of(truth, seed) for seed in SEEDS}
    wrong = {seed: each.reason for seed, each in found.items() if each.verdict != truth.verdict}
    assert not wrong
    for each in found.values():
        assert each.advice
        assert "after 1,000 updates" in each.reason


def test_words_are_said_only_where_they_are_true() -> None:
    """`they stay together` is not said of an error of 0 and one of 9.6 %, nor without numbers."""
    for name, truth in TRUTHS.items():
        for seed in SEEDS:
            found = verdict_of(truth, seed)
            if "stay together" in found.reason:
                assert truth.verdict == "balanced", name
                assert abs(truth.held[0] - truth.recalls[0]) < 0.03, name


@dataclass(frozen=True)
class Fitted:
    """A regression: its mean squared errors as parts of the variance."""

    verdict: str
    train: float
    held: float
    examples: int = 200


def errors(
    random: np.random.Generator, part: float, examples: int, scale: float
) -> tuple[dict[str, Any], float]:
    """What is measured of values and predictions whose error is so great a part, and the variance.

    A prediction of (1 − part)·y with a noise of part·(1 − part) is off by part of the variance; one
    that has nothing to do with the values by theirs and its own.
    """
    values, noise = random.normal(size=(2, examples)) * np.sqrt(scale)
    known = (1 - part) * values + np.sqrt(max(part * (1 - part), 0)) * noise
    predicted = known if part <= 1 else np.sqrt(part - 1) * noise
    error = float(np.square(values - predicted).mean())
    figures = {"loss": error, "mean_squared_error": error, "examples": examples}
    return figures, float(values.var())


@pytest.mark.parametrize(
    "truth",
    [
        Fitted("balanced", 0.02, 0.022),
        Fitted("balanced", 0.001, 0.003),  # three times as large, and both next to nothing
        Fitted("balanced", 0.3, 0.35),
        Fitted("over-fitted", 0.02, 0.3),
        Fitted("over-fitted", 0.0, 0.12),
        Fitted("under-fitted", 0.7, 0.72),
        Fitted("no-skill", 1.0, 1.0),
        Fitted("no-skill", 0.0, 1.1),
        Fitted("no-skill", 16.0, 16.0),
        Fitted("no-skill", 0.9, 0.95, 40),
    ],
    ids=str,
)
@pytest.mark.parametrize("scale", [1.0, 2898.0])
def test_values_are_held_against_their_variance(truth: Fitted, scale: float) -> None:
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        training, _ = errors(random, truth.train, 1000, scale)
        held, variance = errors(random, truth.held, truth.examples, scale)
        history = [  # the examples of a split are the same in each epoch
            Epoch(epoch, training, {**held, "loss": loss})
            for epoch, loss in enumerate(held["loss"] * random.normal(1, 0.01, 10), 1)
        ]
        evidence = Evidence(training, held, 500, None, variance)
        found = diagnose(history, Train(loss="mean_squared_error"), evidence)
        assert found.verdict == truth.verdict, (seed, found.reason)


TRAP = figures(np.array([[135, 0], [15, 0]]), 0.33)
TRAP["classes"] = [
    {**row, "name": name} for row, name in zip(TRAP["classes"], ("healthy", "sick"), strict=True)
]
FALLING = [Epoch(n, {**TRAP, "loss": 0.4 - n / 50}, {**TRAP, "loss": 0.4}) for n in range(1, 6)]


def test_the_trap_of_the_lecture_in_words() -> None:
    found = diagnose(FALLING, Train(), Evidence(TRAP, TRAP, 30, np.log(2)))
    assert found.verdict == "no-skill"
    assert found.reason == (
        "no better than always answering `healthy` (90.0 %): 15 of 15 sick missed; accuracy 90.0 "
        "%, balanced accuracy 50.0 %, by chance 50.0 %; at epoch 5, after 30 updates, the balanced "
        "training error is 50.0 % and the balanced validation error 50.0 %"
    )
    assert found.advice == (
        "`class_weights: balanced`, which makes each class pull alike",
        (
            "another metric to choose the best epoch by: `early_stopping: {metric: "
            "balanced_accuracy, patience: 10}`, or `recall.sick`"
        ),
        "a threshold below one half for `sick`: `cnnkit predict` gives the probabilities",
        "more examples of `sick`",
        (
            "more epochs than 5: there were only 30 updates; a smaller `batch_size` makes more of "
            "them, too"
        ),
        (
            "`--overfit-batch`, which says whether the network can learn one batch by heart, and "
            "`cnnkit data show`, whether the targets belong to the inputs"
        ),
        "a higher learning rate, or `find`",
    )


def test_what_the_recipe_has_against_imbalance_is_not_advised() -> None:
    train = Train(class_weights="balanced", early_stopping={"metric": "recall.sick", "patience": 3})
    found = diagnose(FALLING, train, Evidence(TRAP, TRAP, 300, np.log(2)))
    assert found.advice[0] == "more examples of `sick`"
    assert not any("class_weights" in step or "metric" in step for step in found.advice)


def test_a_loss_far_above_that_of_calling_all_classes_alike() -> None:
    """10⁹ where ln 10 is 2.303: the rate is too high, and a higher one is not advised."""
    counts = np.full((10, 10), 3)
    training = figures(counts, 1e9)
    history = [Epoch(n, {**training, "loss": 1e9}, {**training, "loss": 1e9}) for n in (1, 2, 3)]
    alike = alike_loss(Train().loss, 10, False)
    found = diagnose(history, Train(), Evidence(training, training, 300, alike))
    assert found.verdict == "no-skill"
    assert (
        "; the training loss, 1e+09, is above 2.3, what calling all classes equally probable gives"
    ) in found.reason
    assert found.advice[0] == "a lower learning rate, or `find`"
    assert not any("higher" in step for step in found.advice)


def test_running_averages_that_lag_behind_are_no_over_fitting() -> None:
    """Ten updates: in training no mistake, outside of it 39 %, on the validation 40 %."""
    during = {"loss": 0.2, "accuracy": 1.0, "balanced_accuracy": 1.0}
    held = figures(np.array([[12, 8], [8, 12]]) * 5, 0.9)
    history = [Epoch(n, {**during, "loss": 1 / n}, {**held, "loss": 0.7 + n}) for n in range(1, 11)]
    training = figures(np.array([[61, 39], [39, 61]]), 0.9)
    found = diagnose(history, Train(), Evidence(training, held, 10, np.log(2)))
    assert found.verdict == "under-fitted"
    assert found.reason == (
        "at epoch 10, after 10 updates, the training error is 39.0 % and the validation error "
        "40.0 % (in training itself the error was 0.0 %: running averages, such as those of batch "
        "norm, lag behind): both are above 10 %"
    )
    assert found.advice[0].startswith("more epochs than 10: there were only 10 updates")


def test_targets_of_a_large_deviation_are_to_be_scaled() -> None:
    error = {"loss": 46318.0, "mean_squared_error": 46318.0, "examples": 90}
    history = [Epoch(n, error, error) for n in (1, 2, 3)]
    found = diagnose(
        history, Train(loss="mean_squared_error"), Evidence(error, error, 200, None, 2898.0)
    )
    assert found.verdict == "no-skill"
    assert found.reason.startswith(
        "no better than always answering the mean: the mean squared error is 4.632e+04, the "
        "variance 2,898"
    )
    assert found.advice[:2] == (
        "targets of mean 0 and deviation 1: the deviation of these is 53.8",
        "a lower learning rate, or `find`",
    )


@pytest.mark.parametrize(
    ("loss", "outputs", "binary", "expected"),
    [
        ("categorical_cross_entropy", 10, False, np.log(10)),
        ("categorical_cross_entropy", 2, False, np.log(2)),
        ("binary_cross_entropy", 5, True, np.log(2)),
        ("binary_cross_entropy", 1, False, np.log(2)),
        ({"focal": {"gamma": 2}}, 4, False, 0.75**2 * np.log(4)),
        ({"focal": {"gamma": 2, "alpha": 0.25}}, 4, True, 0.5 * 0.5**2 * np.log(2)),
        ("mean_squared_error", 4, False, None),
    ],
)
def test_the_loss_of_calling_all_classes_alike(
    loss: Any, outputs: int, binary: bool, expected: float | None
) -> None:
    assert alike_loss(Train(loss=loss).loss, outputs, binary) == pytest.approx(expected)


def test_the_deviation_of_a_part() -> None:
    """√(p·(1 − p)/n), p by Laplace's rule: of 0 of 98 it is √(0.01·0.99/98)."""
    assert deviation(0.0, 98) == pytest.approx(np.sqrt(0.01 * 0.99 / 98))
    assert deviation(0.5, 10_000) == pytest.approx(0.005, rel=1e-3)


def test_one_class_alone_cannot_be_told_apart() -> None:
    assert ClassBaseline(figures(np.array([[20, 0], [0, 0]]), 0.1)).skilled
    assert RegressionBaseline(0.5, 1.0, 1000).skilled
    assert not RegressionBaseline(0.99, 1.0, 1000).skilled


def test_labels_are_held_against_the_more_frequent_answer_of_each() -> None:
    guessed = figures(np.array([[[90, 0], [10, 0]], [[80, 0], [20, 0]]]), 0.4)
    found = diagnose(FALLING, Train(loss="binary_cross_entropy"), Evidence(guessed, guessed, 200))
    assert found.verdict == "no-skill"
    assert (
        "no better than always answering each label's more frequent value (85.0 %)" in found.reason
    )
    learnt = figures(np.array([[[88, 2], [1, 9]], [[78, 2], [2, 18]]]), 0.1)
    assert ClassBaseline(learnt).skilled
