"""Losses against scikit-learn, formulas by hand, and where they must stay finite."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax
from sklearn.metrics import log_loss

from cnnkit.errors import SpecError
from cnnkit.spec.model.training import Train
from cnnkit.training.compute.loss import make_loss, probabilities

RANDOM = np.random.default_rng(5)
SCORES = RANDOM.normal(size=(12, 4)).astype(np.float32)
LABELS = RANDOM.integers(0, 4, 12).astype(np.int32)
LABELS[:4] = range(4)
ONES = np.ones(12, np.float32)
YES_NO = (RANDOM.random((12, 4)) < 0.5).astype(np.float32)


def losses(
    scores: Any, targets: Any, weights: Any = None, final: str | None = None, **train: Any
) -> np.ndarray:
    loss = jax.jit(make_loss(Train(**train), final))
    scores = np.asarray(scores, np.float32)
    return np.asarray(loss(scores, targets, np.ones(len(scores)) if weights is None else weights))


@pytest.mark.parametrize("final", [None, "softmax"])
def test_categorical_cross_entropy_is_log_loss(final: str | None) -> None:
    found = losses(SCORES, LABELS, final=final)
    assert found.mean() == pytest.approx(log_loss(LABELS, softmax(SCORES, axis=1)), rel=1e-5)
    assert found.shape == (12,)


def test_soft_targets_and_one_hot_ones() -> None:
    one_hot = np.eye(4, dtype=np.float32)[LABELS]
    np.testing.assert_allclose(losses(SCORES, one_hot), losses(SCORES, LABELS), rtol=1e-6)
    mixed = 0.3 * one_hot + 0.7 * one_hot[::-1]
    expected = 0.3 * losses(SCORES, LABELS) + 0.7 * losses(SCORES, LABELS[::-1].copy())
    np.testing.assert_allclose(losses(SCORES, mixed), expected, rtol=1e-5)


def test_label_smoothing_spreads_a_part_over_all_classes() -> None:
    log_p = log_softmax(SCORES, axis=1)
    expected = -(0.9 * log_p[np.arange(12), LABELS] + 0.1 * log_p.mean(axis=1))
    np.testing.assert_allclose(losses(SCORES, LABELS, label_smoothing=0.1), expected, rtol=1e-5)


def test_weights_are_factors_of_the_examples() -> None:
    weights = np.arange(12, dtype=np.float32)
    np.testing.assert_allclose(
        losses(SCORES, LABELS, weights), weights * losses(SCORES, LABELS), rtol=1e-6
    )


def test_binary_cross_entropy_is_the_mean_over_the_outputs() -> None:
    found = losses(SCORES, YES_NO, loss="binary_cross_entropy", final="sigmoid")
    p = expit(SCORES.astype(float))
    expected = -(YES_NO * np.log(p) + (1 - YES_NO) * np.log(1 - p)).mean(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_single_output_takes_classes_of_0_and_1() -> None:
    labels = np.array([0, 1, 1], np.int32)
    scores = np.array([[0.3], [-0.2], [4.0]], np.float32)
    found = losses(scores, labels, loss="binary_cross_entropy")
    assert found.mean() == pytest.approx(log_loss(labels, expit(scores[:, 0])), rel=1e-5)
    smooth = losses([[0.0]], np.array([1]), loss="binary_cross_entropy", label_smoothing=0.2)
    assert smooth[0] == pytest.approx(np.log(2))


def test_two_outputs_of_a_softmax_are_one_of_a_sigmoid() -> None:
    labels = np.array([0, 1, 1], np.int32)
    score = np.array([[0.3], [-0.2], [4.0]], np.float32)
    both = np.concatenate([np.zeros_like(score), score], axis=1)
    np.testing.assert_allclose(
        losses(both, labels), losses(score, labels, loss="binary_cross_entropy"), rtol=1e-5
    )


def test_focal_loss() -> None:
    p = softmax(SCORES, axis=1)[np.arange(12), LABELS]
    found = losses(SCORES, LABELS, loss={"focal": {"gamma": 2}})
    np.testing.assert_allclose(found, -((1 - p) ** 2) * np.log(p), rtol=1e-4)
    plain = losses(SCORES, LABELS, loss={"focal": {"gamma": 0}})
    np.testing.assert_allclose(plain, losses(SCORES, LABELS), rtol=1e-6)


def test_focal_loss_of_a_yes_or_no_each_is_that_of_the_paper() -> None:
    loss = {"focal": {"gamma": 1.5, "alpha": 0.25}}
    found = losses(SCORES, YES_NO, loss=loss, final="sigmoid")
    p = np.where(YES_NO == 1, expit(SCORES), 1 - expit(SCORES))
    alpha = np.where(YES_NO == 1, 0.25, 0.75)
    np.testing.assert_allclose(found, (-alpha * (1 - p) ** 1.5 * np.log(p)).mean(axis=1), rtol=1e-4)


def test_alpha_is_refused_where_one_class_is_chosen() -> None:
    with pytest.raises(SpecError) as raised:
        losses(SCORES, LABELS, loss={"focal": {"alpha": 0.25}}, final="softmax")
    (finding,) = raised.value.findings
    assert finding.message == (
        "`alpha` of `focal` weighs a yes against a no, and this network chooses one of several "
        "classes"
    )
    assert finding.help == (
        "end it in `sigmoid`, or leave `alpha` out and weigh the classes by `class_weights`"
    )


@pytest.mark.parametrize(
    ("loss", "errors"),
    [
        ("mean_squared_error", [0.25, 9]),
        ("mean_absolute_error", [0.5, 3]),
        ("huber", [0.125, 2.5]),
        ({"huber": {"delta": 2}}, [0.125, 4]),
    ],
)
def test_regressions_by_hand(loss: Any, errors: list[float]) -> None:
    found = losses([[1.5, 3.0]], np.array([[1.0, 0.0]], np.float32), loss=loss)
    np.testing.assert_allclose(found, [np.mean(errors)])
    single = losses([[1.5], [3.0]], np.array([1, 0], np.float32)[:, None], loss=loss)
    np.testing.assert_allclose(single, errors)


def test_squared_error_behind_a_softmax_is_the_brier_score() -> None:
    found = losses(SCORES, LABELS, loss="mean_squared_error", final="softmax")
    one_hot = np.eye(4)[LABELS]
    np.testing.assert_allclose(
        found, ((softmax(SCORES, axis=1) - one_hot) ** 2).mean(axis=1), rtol=1e-5
    )


@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "binary_cross_entropy", "focal"])
@pytest.mark.parametrize("size", [1e4, -1e4, 0.0])
def test_no_score_makes_a_loss_or_gradient_infinite(loss: str, size: float) -> None:
    scores = np.array([[size, 0, -size], [-size, size, size]], np.float32)
    targets = jnp.array([[1, 0, 0], [0, 1, 0]], jnp.float32)
    function = make_loss(Train(loss=loss), None)
    value, gradient = jax.jit(
        jax.value_and_grad(lambda s: function(s, targets, jnp.ones(2)).sum())
    )(scores)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("final", [None, "sigmoid"])
def test_the_focal_gradient_agrees_with_differences(final: str | None) -> None:
    function = make_loss(Train(loss={"focal": {"gamma": 0.5}}), final)

    def mean(scores: Any) -> Any:
        return function(scores, jnp.asarray(YES_NO), jnp.asarray(ONES)).mean()

    gradient = jax.jit(jax.grad(mean))(SCORES)
    step = 1e-2 * RANDOM.normal(size=SCORES.shape).astype(np.float32)
    evaluated = jax.jit(mean)
    slope = float(evaluated(SCORES + step) - evaluated(SCORES - step)) / 2
    assert float((gradient * step).sum()) == pytest.approx(slope, rel=2e-2)


@pytest.mark.parametrize(
    ("train", "final", "expected"),
    [
        (Train(), None, softmax(SCORES, axis=1)),
        (Train(), "log_softmax", softmax(SCORES, axis=1)),
        (Train(loss="binary_cross_entropy"), None, expit(SCORES)),
        (Train(), "sigmoid", expit(SCORES)),
        (Train(loss="mean_squared_error"), None, SCORES),
        (Train(loss="mean_squared_error"), "softmax", softmax(SCORES, axis=1)),
    ],
)
def test_what_the_network_says(train: Train, final: str | None, expected: np.ndarray) -> None:
    np.testing.assert_allclose(
        probabilities(jnp.asarray(SCORES), train, final), expected, rtol=1e-5
    )
