"""What curves say: the three verdicts, their numbers and their advice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnkit.spec.model.training import Train
from cnnkit.training.compute.metrics import summarize_pixels
from cnnkit.training.store.epoch import Epoch
from cnnkit.training.store.summary import Diagnosis
from cnnkit.training.view.diagnosis import diagnose
from cnnkit.training.view.evidence import Evidence


def history(
    train: list[float], validation: list[float], errors: tuple[float, float] | None = None
) -> list[Epoch]:
    """Epochs of these losses; the accuracy is constant, from the errors in per cent."""
    records = []
    for epoch, (a, b) in enumerate(zip(train, validation, strict=True), start=1):
        own: dict[str, float] = {"loss": a}
        other: dict[str, float] = {"loss": b}
        if errors is not None:
            own["accuracy"], other["accuracy"] = (1 - error / 100 for error in errors)
        records.append(Epoch(epoch, own, other))
    return records


RISING = history(
    [1.0, 0.6, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05, 0.03, 0.02],
    [1.0, 0.7, 0.5, 0.45, 0.44, 0.46, 0.5, 0.55, 0.6, 0.65],
    (0.4, 9.8),
)


def test_over_fitted_where_the_validation_loss_rises_as_the_training_loss_falls() -> None:
    found = diagnose(RISING)
    assert found.verdict == "over-fitted"
    assert found.reason == (
        "the validation loss was lowest at epoch 5, 0.44, and rose to 0.65 by epoch 10, while the "
        "training loss fell from 0.2 to 0.02; at epoch 10 the training error is 0.4 % and the "
        "validation error 9.8 %"
    )
    assert found.stop_at == 5
    assert found.advice == (
        "more training data",
        "augmentation, `augment: [{shift: 2}]`, which makes more of the data there is",
        "stop at epoch 5: `epochs: 5`, or `early_stopping: {patience: 5}`",
        "regularization: `weight_decay: 5e-4` in the optimizer, `dropout` before the last dense",
        "fewer layers, or fewer filters and units",
    )


def test_what_the_recipe_has_is_not_advised() -> None:
    train = Train(
        augment=["flip"],
        early_stopping={"patience": 3},
        optimizer={"sgd": {"weight_decay": 1e-4}},
    )
    found = diagnose(RISING, train)
    assert found.advice == (
        "more training data",
        "stop at epoch 5: `epochs: 5`",
        (
            "more of the regularization: `weight_decay: 5e-4` in the optimizer, `dropout` before "
            "the last dense"
        ),
        "fewer layers, or fewer filters and units",
    )


def test_over_fitted_where_the_errors_are_far_apart() -> None:
    """Of 100 examples each: 2·√(0.0196·0.9804/100 + 0.2451·0.7549/100) is 9.0 points."""
    level = history([1.0, 0.4, 0.1, 0.05, 0.04], [1.0, 0.8, 0.7, 0.7, 0.7], (1.0, 24.0))
    found = diagnose(level)
    assert found.verdict == "over-fitted"
    assert found.reason == (
        "at epoch 5 the training error is 1.0 % and the validation error 24.0 %: a gap of 23.0 "
        "points, where chance makes up to 9.0"
    )
    assert found.stop_at is None
    assert not any("stop at" in step for step in found.advice)


def test_confidence_alone_is_no_over_fitting() -> None:
    """The loss rises with the size of the scores while nothing more is wrong: 0.9 % and 1.1 %."""
    found = diagnose(history([0.5, 0.1, 0.05, 0.01], [0.5, 0.05, 0.06, 0.07], (0.9, 1.1)))
    assert found.verdict == "balanced"


def test_under_fitted_where_both_errors_are_high() -> None:
    found = diagnose(history([2.0, 1.6, 1.5, 1.5], [2.0, 1.6, 1.55, 1.55], (48.0, 50.0)))
    assert found.verdict == "under-fitted"
    assert found.reason == (
        "at epoch 4 the training error is 48.0 % and the validation error 50.0 %: both are above "
        "10 %"
    )
    assert found.advice == (
        "more layers, or more filters and units",
        "a higher learning rate, or `find`",
        "more epochs than 4",
    )


def test_under_fitted_and_still_falling_is_first_of_all_too_short() -> None:
    found = diagnose(history([2.0, 1.5, 1.0, 0.7], [2.0, 1.5, 1.0, 0.75], (25.0, 27.0)))
    assert found.verdict == "under-fitted"
    assert found.reason.endswith("both are above 10 %, and the validation loss still falls")
    assert found.advice[0] == "more epochs than 4"
    train = Train(augment=["flip"])
    assert (
        "less augmentation and less regularization"
        in diagnose(history([2.0, 1.5], [2.0, 1.5], (40, 40)), train).advice
    )


def test_mixed_examples_make_a_high_training_error_that_is_not_under_fitting() -> None:
    found = diagnose(history([1.8, 1.5, 1.4, 1.4], [0.9, 0.4, 0.3, 0.3], (45.0, 6.0)))
    assert found.verdict == "balanced"


def test_balanced() -> None:
    found = diagnose(history([1.0, 0.4, 0.2, 0.15], [1.0, 0.45, 0.25, 0.245], (4.0, 6.5)))
    assert found.verdict == "balanced"
    assert found.reason == (
        "at epoch 4 the training error is 4.0 % and the validation error 6.5 %: neither is high, "
        "and they stay together"
    )
    assert found.advice == (
        "for less error, a larger network together with more data or augmentation",
        "before a change is believed, `cnnkit cross-validate`: small differences are chance",
    )
    assert found.to_dict()["advice"] == list(found.advice)


def test_balanced_and_still_falling() -> None:
    found = diagnose(history([1.0, 0.6, 0.4, 0.3], [1.0, 0.6, 0.4, 0.3], (5.0, 5.0)))
    assert found.advice[0] == "more epochs than 4: the validation loss still falls"


@pytest.mark.parametrize(
    ("train", "validation", "verdict"),
    [
        ([9.0, 2.0, 1.0, 0.5], [9.0, 3.0, 1.5, 1.0], "balanced"),
        ([9.0, 8.0, 7.5, 7.4], [9.0, 8.0, 7.6, 7.5], "under-fitted"),
        ([9.0, 2.0, 1.0, 0.5, 0.2], [9.0, 3.0, 3.3, 4.0, 5.0], "over-fitted"),
    ],
)
def test_a_regression_is_judged_by_its_losses(
    train: list[float], validation: list[float], verdict: str
) -> None:
    found = diagnose(history(train, validation))
    assert found.verdict == verdict
    assert "loss" in found.reason
    assert "%" not in found.reason


def test_one_bad_epoch_says_nothing() -> None:
    losses = [1.0, 0.5, 0.3, 0.2, 0.19, 0.18, 0.17, 0.9, 0.17, 0.17]
    for bad in (losses, [*losses[:7], *losses[8:], 0.9]):  # in the midst, or the last one
        found = diagnose(history([each / 2 for each in bad], bad, (2.0, 5.0)))
        assert found.verdict == "balanced"


@pytest.mark.parametrize("validation", [None, {"loss": None, "accuracy": 0.5}])
def test_without_a_validation_nothing_can_be_said(validation: Any) -> None:
    records = [Epoch(n, {"loss": 1.0, "accuracy": 0.5}, validation) for n in (1, 2)]
    found = diagnose(records)
    assert found.verdict == "undetermined"
    assert found.reason == "there was no validation split to compare the training with"
    assert found.advice == ("hold examples back: `split: {validation: 0.15}`",)


def test_a_run_that_was_to_train_on_all_is_not_told_to_hold_examples_back() -> None:
    records = [Epoch(7, {"loss": 0.25, "accuracy": 0.975}, None)]
    train = Train(split={"validation": 0, "test": 0.15})
    found = diagnose(records, train)
    assert found.verdict == "undetermined"
    assert found.reason == (
        "`validation: 0` trains on all examples but those of the test, so none are left to compare "
        "the training with; at epoch 7 the training error is 2.5 %"
    )
    assert found.advice == (
        "`cnnkit cross-validate` says how such a network does on examples that it has not seen",
    )
    records = [Epoch(7, {"loss": 0.25}, None)]
    assert diagnose(records, train).reason.endswith("; at epoch 7 the training loss is 0.25")


def test_one_epoch_is_no_curve() -> None:
    found = diagnose(history([1.0], [1.2], (30.0, 32.5)))
    assert found.verdict == "undetermined"
    assert found.reason == (
        "one epoch is no curve; at epoch 1 the training error is 30.0 % and the validation error "
        "32.5 %"
    )


def of_pixels(counts: list[list[int]]) -> Evidence:
    """What is known of a run whose pixels are confused so, five images of ground, cell and core."""
    figures = summarize_pixels(np.array(counts)).to_dict()
    names = ("ground", "cell", "core")
    rows = [{"name": n, **row} for n, row in zip(names, figures["classes"], strict=True)]
    kept = {**figures, "classes": rows, "examples": 5, "loss": 0.5}
    return Evidence(training={**kept, "examples": 20}, kept=kept, updates=1000)


def of_map(evidence: Evidence) -> Diagnosis:
    kept = evidence.kept or {}
    figures = {"loss": 0.5, "mean_iou": kept["mean_iou"]}
    return diagnose([Epoch(number, figures, figures) for number in (1, 2, 3)], Train(), evidence)


def test_a_network_of_pixels_that_answers_the_ground_has_learnt_nothing() -> None:
    """Of 1,000 pixels 900 are ground, of which 899 are right: a mean IoU of 0.3, as always."""
    found = of_map(of_pixels([[899, 1, 0], [80, 0, 0], [20, 0, 0]]))
    assert found.verdict == "no-skill"
    assert found.reason == (
        "no better than always answering `ground`, which 90.0 % of the pixels are; at epoch 3, "
        "after 1,000 updates, the mean IoU is 30.0 % in training and 30.0 % in validation"
    )
    assert found.advice[0] == "`class_weights: balanced`, which makes each class pull alike"
    assert found.advice[1].startswith("a loss of regions beside the other: `loss: [dice, ")


def test_classes_of_which_most_pixels_are_missed_are_named() -> None:
    """IoU 890/935, 60/90 and 5/20; of core 15 of 20 are missed."""
    found = of_map(of_pixels([[890, 10, 0], [20, 60, 0], [15, 0, 5]]))
    assert found.verdict == "under-fitted"
    assert found.reason.endswith(
        "the mean IoU is 62.3 % in training and 62.3 % in validation: both are below 75 %; of the "
        "pixels 75 % of core missed"
    )


def test_of_one_class_alone_every_answer_is_as_good() -> None:
    assert of_map(of_pixels([[900, 0, 0], [0, 0, 0], [0, 0, 0]])).verdict == "balanced"
