"""Metrics from counts: scikit-learn is the oracle."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as oracle

from cnnkit.spec.model.training import Train
from cnnkit.training.compute import agreement, metrics

CLASSES = Train()
REGRESSION = Train(loss="mean_squared_error")
UPDATE = jax.jit(metrics.update)
AMONG_BEST = jax.jit(metrics.among_best)
RANDOM = np.random.default_rng(3)


def counted(true: np.ndarray, predicted: np.ndarray, classes: int) -> metrics.ClassificationReport:
    return metrics.summarize(oracle.confusion_matrix(true, predicted, labels=range(classes)))


def test_counts_are_scikit_learns_confusion_matrix_and_padding_is_left_out() -> None:
    scores = RANDOM.normal(size=(40, 5)).astype(np.float32)
    labels = RANDOM.integers(0, 5, 40).astype(np.int32)
    mask = RANDOM.random(40) < 0.7
    counts = metrics.empty(CLASSES, 5)
    for part in (slice(0, 20), slice(20, 40)):
        counts = UPDATE(counts, scores[part], labels[part], mask[part])
    expected = oracle.confusion_matrix(labels[mask], scores.argmax(1)[mask], labels=range(5))
    assert counts.dtype == np.int32
    np.testing.assert_array_equal(counts, expected)


def test_targets_that_are_probabilities_count_as_the_most_probable_class() -> None:
    scores = np.eye(3, dtype=np.float32)
    soft = np.array([[0.6, 0.4, 0], [0.1, 0.2, 0.7], [0, 0, 1]], np.float32)
    counts = UPDATE(metrics.empty(CLASSES, 3), scores, soft, np.ones(3, bool))
    np.testing.assert_array_equal(counts, [[1, 0, 0], [0, 0, 0], [0, 1, 1]])


def test_a_single_output_says_one_of_two_classes() -> None:
    scores = np.array([[2.0], [-1.0], [0.5], [-3.0]], np.float32)
    labels = np.array([1, 1, 0, 0], np.int32)
    counts = UPDATE(metrics.empty(CLASSES, 1), scores, labels, np.ones(4, bool))
    np.testing.assert_array_equal(counts, [[1, 1], [1, 1]])
    same = UPDATE(metrics.empty(CLASSES, 1), scores, labels[:, None] * 1.0, np.ones(4, bool))
    np.testing.assert_array_equal(same, counts)


def test_labels_have_a_matrix_each() -> None:
    scores = RANDOM.normal(size=(30, 4)).astype(np.float32)
    labels = (RANDOM.random((30, 4)) < 0.4).astype(np.float32)
    mask = RANDOM.random(30) < 0.8
    counts = UPDATE(metrics.empty(CLASSES, 4, multi_label=True), scores, labels, mask)
    expected = oracle.multilabel_confusion_matrix(labels[mask], scores[mask] > 0)
    np.testing.assert_array_equal(counts, expected)
    summary = metrics.summarize(np.asarray(counts))
    assert summary.examples == mask.sum()
    assert summary.accuracy == pytest.approx(((scores > 0) == labels)[mask].mean())
    scored = oracle.precision_recall_fscore_support(labels[mask], scores[mask] > 0)
    found = [[one.precision, one.recall, one.f1, one.support] for one in summary.classes]
    np.testing.assert_allclose(np.transpose(found), scored)


def test_a_regression_has_sums_of_errors() -> None:
    scores = RANDOM.normal(size=(20, 3)).astype(np.float32)
    targets = RANDOM.normal(size=(20, 3)).astype(np.float32)
    mask = np.arange(20) < 17
    sums = UPDATE(metrics.empty(REGRESSION, 3), scores, targets, mask)
    summary = metrics.summarize_regression(np.asarray(sums), 17)
    args = targets[:17], scores[:17]
    assert summary.mean_squared_error == pytest.approx(oracle.mean_squared_error(*args), rel=1e-5)
    assert summary.mean_absolute_error == pytest.approx(oracle.mean_absolute_error(*args), rel=1e-5)
    assert summary.to_dict()["examples"] == 17


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 6).flatmap(
        lambda k: st.tuples(
            st.just(k),
            st.lists(
                st.tuples(st.integers(0, k - 1), st.integers(0, k - 1)), min_size=1, max_size=40
            ),
        )
    )
)
def test_a_summary_is_scikit_learns(case: tuple[int, list[tuple[int, int]]]) -> None:
    classes, pairs = case
    true, predicted = np.array(pairs).T
    summary = counted(true, predicted, classes)
    assert summary.accuracy == pytest.approx(oracle.accuracy_score(true, predicted))
    means = oracle.precision_recall_fscore_support(
        true, predicted, average="macro", zero_division=0
    )
    assert (summary.precision, summary.recall, summary.macro_f1) == pytest.approx(means[:3])
    each = oracle.precision_recall_fscore_support(
        true, predicted, labels=range(classes), zero_division=0
    )
    found = [[one.precision, one.recall, one.f1, one.support] for one in summary.classes]
    np.testing.assert_allclose(np.transpose(found), each)
    for name, mean in summary.averages.items():
        expected = oracle.precision_recall_fscore_support(
            true, predicted, average=name, zero_division=0
        )
        assert tuple(mean) == pytest.approx(expected[:3])
    counts = oracle.confusion_matrix(true, predicted, labels=range(classes))
    if len({*true, *predicted}) > 1:  # of one class alone they say nothing
        expected = oracle.matthews_corrcoef(true, predicted)
        assert agreement.matthews(counts) == pytest.approx(expected)
        expected = oracle.cohen_kappa_score(true, predicted)
        assert agreement.kappa(counts) == pytest.approx(expected)
    recalls = oracle.recall_score(true, predicted, labels=np.unique(true), average="macro")
    assert summary.balanced_accuracy == pytest.approx(recalls)
    assert summary.examples == len(pairs)


def test_the_means_of_labels_are_scikit_learns() -> None:
    true, said = (RANDOM.random((2, 60, 4)) < [0.1, 0.3, 0.5, 0.7]).astype(int)
    summary = metrics.summarize(oracle.multilabel_confusion_matrix(true, said))
    for name, mean in summary.averages.items():
        expected = oracle.precision_recall_fscore_support(true, said, average=name)
        assert tuple(mean) == pytest.approx(expected[:3])
    assert summary.interval is None


@pytest.mark.parametrize(
    ("right", "examples", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_the_interval_of_wilson(right: int, examples: int, low: float, high: float) -> None:
    """The last is the example of R. G. Newcombe, 1998, table I, method 3."""
    found = agreement.wilson(right, examples)
    assert found == pytest.approx((low, high), abs=5e-5)
    theirs = stats.binomtest(right, examples).proportion_ci(method="wilson")
    assert found == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert agreement.wilson(0, 0) is None


def test_what_is_certain_agrees_no_more_than_by_chance() -> None:
    alone = np.array([[5, 0], [0, 0]])
    assert math.isnan(agreement.kappa(alone))
    assert agreement.matthews(alone) == 0
    # By hand: 45 of 70 agree, (20·35 + 50·35)/70² = 1/2 by chance.
    counts = np.array([[15, 5], [20, 30]])
    assert agreement.kappa(counts) == pytest.approx((45 / 70 - 0.5) / 0.5)
    expected = (15 * 30 - 5 * 20) / math.sqrt(35 * 35 * 20 * 50)
    assert agreement.matthews(counts) == pytest.approx(expected)


def test_the_accuracy_trap() -> None:
    """90 negatives, 10 positives, all predicted negative (worked-examples.tsv, accuracy-trap)."""
    summary = counted(np.repeat([0, 1], [90, 10]), np.zeros(100, int), 2)
    positive = summary.classes[1]
    assert (summary.accuracy, positive.recall, positive.f1) == (0.9, 0, 0)
    assert summary.majority == 0.9  # what gives the trap away
    assert summary.balanced_accuracy == 0.5


def test_top5_agrees_with_scikit_learn_and_equal_scores_count_in_order() -> None:
    scores = RANDOM.normal(size=(200, 9)).astype(np.float32)
    labels = RANDOM.integers(0, 9, 200).astype(np.int32)
    found = np.asarray(AMONG_BEST(scores, labels))
    expected = oracle.top_k_accuracy_score(labels, scores, k=5, labels=range(9))
    assert found.mean() == pytest.approx(expected)
    equal = np.asarray(AMONG_BEST(np.zeros((9, 9), np.float32), np.arange(9, dtype=np.int32)))
    assert equal.tolist() == [True] * 5 + [False] * 4
    summary = metrics.summarize(np.eye(9, dtype=int), top5=8)
    assert summary.top5 == pytest.approx(8 / 9)


def test_a_summary_as_json() -> None:
    import json

    summary = metrics.summarize(np.array([[3, 1], [0, 4]])).to_dict()
    assert json.loads(json.dumps(summary)) == summary
    assert summary["confusion"] == [[3, 1], [0, 4]]
    assert summary["classes"][0] == {"precision": 1.0, "recall": 0.75, "f1": 6 / 7, "support": 4}
    empty = metrics.summarize(np.zeros((3, 3), int))
    assert (empty.examples, empty.accuracy, empty.macro_f1) == (0, 0, 0)
