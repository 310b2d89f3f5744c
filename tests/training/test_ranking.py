"""Curves over all thresholds, and whether probabilities are what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as oracle

from cnnkit.training.compute.calibration import calibration_error, reliability, temperature
from cnnkit.training.compute.figures import figures_of_scores
from cnnkit.training.compute.ranking import (
    Answers,
    precision_area,
    precision_curve,
    roc_area,
    roc_curve,
)

RANDOM = np.random.default_rng(5)
# Four negatives and four positives: of the 16 pairs the positive is above in 13.
YES = np.array([0.1, 0.2, 0.5, 0.7, 0.4, 0.6, 0.8, 0.9])
TRUE = np.array([0, 0, 0, 0, 1, 1, 1, 1])


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    parts: np.ndarray = powers / powers.sum(1, keepdims=True)
    return parts


def test_the_area_of_a_single_output_is_the_part_of_the_pairs_in_order() -> None:
    answers = Answers.of(YES[:, None], TRUE, "classes")
    assert answers.task == "binary"
    assert figures_of_scores(answers)["roc_auc"] == 13 / 16
    # Two outputs of a softmax say the same.
    both = Answers.of(np.stack([1 - YES, YES], 1), TRUE, "classes")
    assert figures_of_scores(both)["roc_auc"] == 13 / 16
    # Precision at each positive from the top: 1/1, 2/2, 3/4, 4/6.
    found = figures_of_scores(answers)["average_precision"]
    assert found == pytest.approx((1 + 1 + 3 / 4 + 4 / 6) / 4)


def test_the_area_of_classes_is_scikit_learns_mean_of_each_against_the_rest() -> None:
    labels = RANDOM.integers(0, 4, 80)
    said = softmax(RANDOM.normal(size=(80, 4)) + 0.8 * np.eye(4)[labels])
    answers = Answers.of(said, labels, "classes")
    expected = oracle.roc_auc_score(labels, said, multi_class="ovr", average="macro")
    assert answers.mean(roc_area) == pytest.approx(expected)
    marks = np.eye(4)[labels]
    expected = oracle.average_precision_score(marks, said, average="macro")
    assert answers.mean(precision_area) == pytest.approx(expected)
    each = [oracle.roc_auc_score(marks[:, k], said[:, k]) for k in range(4)]
    assert answers.each(roc_area) == pytest.approx(each)


def test_the_area_of_labels_is_the_mean_over_them() -> None:
    marks = (RANDOM.random((50, 3)) < [0.2, 0.5, 0.7]).astype(np.float32)
    said = RANDOM.random((50, 3))
    answers = Answers.of(said, marks, "labels")
    expected = oracle.roc_auc_score(marks, said, average="macro")
    assert figures_of_scores(answers)["roc_auc"] == pytest.approx(expected)
    assert "calibration_error" not in figures_of_scores(answers)


def test_a_class_that_none_or_all_have_has_no_area() -> None:
    said = softmax(RANDOM.normal(size=(30, 3)))
    labels = RANDOM.integers(0, 2, 30)  # no example of the last class
    answers = Answers.of(said, labels, "classes")
    each = [oracle.roc_auc_score(labels == k, said[:, k]) for k in range(2)]
    assert answers.each(roc_area) == [*map(pytest.approx, each), None]
    assert answers.mean(roc_area) == pytest.approx(np.mean(each))
    alone = Answers.of(said, np.zeros(30, int), "classes")
    assert figures_of_scores(alone)["roc_auc"] is None
    lost = Answers.of(np.full((4, 2), np.nan), np.array([0, 1, 0, 1]), "classes")
    assert set(figures_of_scores(lost).values()) == {None}
    assert set(figures_of_scores(Answers.of(said[:0], labels[:0], "classes")).values()) == {None}


def test_targets_that_are_shares_count_as_the_most_probable_class() -> None:
    said = softmax(RANDOM.normal(size=(12, 3)))
    labels = np.arange(12) % 3
    soft = 0.8 * np.eye(3)[labels] + 0.2 / 3
    assert np.array_equal(
        Answers.of(said, soft, "classes").marks, Answers.of(said, labels, "classes").marks
    )


def test_curves_go_from_no_answer_yes_to_all() -> None:
    false, true = roc_curve(TRUE == 1, YES)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(13 / 16)
    recall, precision = precision_curve(TRUE == 1, YES)
    assert (recall[0], recall[-1]) == (0, 1)
    assert precision[-1] == pytest.approx(4 / 8)  # all are called yes


def test_reliability_by_hand() -> None:
    """Three answers of confidence 0.9, two of them right, and two of 0.6, one right."""
    said = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.4, 0.6], [0.6, 0.4]])
    answers = Answers.of(said, np.array([0, 1, 1, 1, 1]), "classes")
    bins = reliability(answers, 10)
    assert [(each.low, each.examples) for each in bins] == [(0.5, 2), (0.8, 3)]
    assert [each.confidence for each in bins] == pytest.approx([0.6, 0.9])
    assert [each.accuracy for each in bins] == pytest.approx([1 / 2, 2 / 3])
    expected = (2 * (0.6 - 1 / 2) + 3 * (0.9 - 2 / 3)) / 5
    assert calibration_error(answers) == pytest.approx(expected)


def test_answers_that_are_sure_and_right_have_no_error() -> None:
    assert calibration_error(Answers.of(np.eye(3), np.arange(3), "classes")) == 0
    assert calibration_error(Answers.of(np.eye(3), np.array([1, 2, 0]), "classes")) == 1


@pytest.mark.parametrize("wanted", [0.5, 1.0, 3.0])
def test_the_temperature_makes_the_confidence_the_accuracy(wanted: float) -> None:
    """All scores are ±a, and 9 of 10 right: the best T has 1/(1 + e^(−2a/T)) = 0.9."""
    margin = wanted * math.log(9) / 2
    labels = np.arange(200) % 2
    said = np.where(np.arange(200) % 20 < 2, 1 - labels, labels)  # one in ten is wrong
    scores = margin * np.stack([1 - 2.0 * said, 2.0 * said - 1], 1)
    marks = np.eye(2, dtype=bool)[labels]
    assert temperature(scores, marks, softmax=True) == pytest.approx(wanted, rel=1e-3)
    # The same of a single output: its score is the difference of both.
    single = (2 * margin * (2.0 * said - 1))[:, None]
    found = temperature(single, labels[:, None] == 1, softmax=False)
    assert found == pytest.approx(wanted, rel=1e-3)
    mended = Answers.of(softmax(scores / wanted), labels, "classes")
    assert calibration_error(mended) == pytest.approx(0, abs=1e-6)


def test_a_split_without_a_mistake_has_the_coldest_temperature() -> None:
    scores = np.array([[4.0, 1.0], [0.0, 2.0]])
    found = temperature(scores, np.eye(2, dtype=bool), softmax=True)
    assert 1 / 1000 <= found < 1
