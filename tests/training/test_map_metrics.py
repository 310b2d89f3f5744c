"""Metrics of pixels and of images, from sums: by hand and by scikit-learn."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import metrics as oracle

from cnnkit.spec.model.training import Train
from cnnkit.tasks.task import IGNORED
from cnnkit.training.compute import metrics
from cnnkit.training.compute.figures import figures
from cnnkit.training.compute.similarity import psnr, ssim
from cnnkit.training.compute.state import MetricSums

PIXELS = Train().for_outputs({"output": (4, 4, 3)})
IMAGES = Train(loss="mean_squared_error").for_outputs({"output": (12, 12, 1)})
RANDOM = np.random.default_rng(11)
UPDATE = jax.jit(metrics.update)


def totals(counts: Any, examples: int = 2, loss: float = 1.0) -> MetricSums:
    scalars: Any = np.int32(examples), np.float32(loss), np.int32(0)
    return MetricSums(scalars[0], scalars[1], np.asarray(counts), scalars[2])


def test_a_confusion_matrix_by_hand() -> None:
    """5 of 6 pixels of class 0 are right, 1 of 2 of class 1; class 2 is nowhere."""
    found = metrics.summarize_pixels(np.array([[5, 1, 0], [1, 1, 0], [0, 0, 0]]))
    assert found.pixels == 8
    assert found.pixel_accuracy == 6 / 8
    assert found.iou[:2] == (5 / 7, 1 / 3)
    assert found.dice[:2] == (10 / 12, 2 / 4)
    assert np.isnan([found.iou[2], found.dice[2]]).all()
    assert found.mean_iou == pytest.approx((5 / 7 + 1 / 3) / 2)
    assert found.mean_dice == pytest.approx((10 / 12 + 2 / 4) / 2)
    assert (found.classes[1].precision, found.classes[1].recall) == (0.5, 0.5)
    rows = found.to_dict()["classes"]
    assert [row["iou"] for row in rows] == [5 / 7, 1 / 3, None]


def test_pixels_of_batches_are_counted_once_and_ignored_ones_nowhere() -> None:
    scores = RANDOM.normal(size=(6, 4, 4, 3)).astype(np.float32)
    masks = RANDOM.integers(0, 3, (6, 4, 4)).astype(np.int16)
    masks[RANDOM.random(masks.shape) < 0.2] = IGNORED
    counts = metrics.empty(PIXELS, 3)
    counted = np.array([True, True, False])  # the last fills the batch up
    for start in (0, 2, 4):
        batch = [start, start + 1, 0]
        counts = UPDATE(counts, scores[batch], masks[batch], counted)
    kept = masks != IGNORED
    said, true = scores.argmax(-1)[kept], masks[kept]
    expected = oracle.confusion_matrix(true, said, labels=range(3))
    matrix = metrics.matrix_of(np.asarray(counts))
    np.testing.assert_array_equal(matrix, expected)
    found = figures(totals(counts, 6))
    assert set(found) == {"mean_iou", "mean_dice", "pixel_accuracy", "loss"}
    assert found["mean_iou"] == pytest.approx(oracle.jaccard_score(true, said, average="macro"))
    assert found["mean_dice"] == pytest.approx(oracle.f1_score(true, said, average="macro"))
    assert found["pixel_accuracy"] == pytest.approx(oracle.accuracy_score(true, said))


def test_one_output_tells_two_classes_apart() -> None:
    scores = np.array([-1.0, 2.0, 3.0, 0.5], np.float32).reshape(1, 2, 2, 1)
    masks = np.array([[[0, 1], [0, IGNORED]]], np.int16)
    counts = UPDATE(metrics.empty(PIXELS, 1), scores, masks, np.ones(1, bool))
    np.testing.assert_array_equal(metrics.matrix_of(np.asarray(counts)), [[1, 1], [0, 1]])


def test_more_pixels_than_a_word_holds() -> None:
    counts = np.zeros((2, 2, 2), np.uint32)
    counts[0, 0, 0] = 2**32 - 3
    scores = np.zeros((1, 2, 4, 2), np.float32)
    masks = np.zeros((1, 2, 4), np.int16)
    found = UPDATE(counts, scores, masks, np.ones(1, bool))
    matrix = metrics.matrix_of(np.asarray(found))
    np.testing.assert_array_equal(matrix, [[2**32 + 5, 0], [0, 0]])


def test_images_are_measured_by_their_means() -> None:
    true = RANDOM.random((3, 12, 12, 1)).astype(np.float32)
    said = (true + 0.1 * RANDOM.normal(size=true.shape)).astype(np.float32)
    counted = np.array([True, True, False])
    sums = UPDATE(metrics.empty(IMAGES, 1), said, true, counted)
    found = figures(totals(sums))
    error = (said - true)[:2].astype(float)
    assert found["mean_squared_error"] == pytest.approx((error**2).mean(), rel=1e-5)
    assert found["mean_absolute_error"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
    both = jnp.asarray(said), jnp.asarray(true)
    assert found["psnr"] == pytest.approx(np.asarray(psnr(*both))[:2].mean(), rel=1e-5)
    assert found["ssim"] == pytest.approx(np.asarray(ssim(*both))[:2].mean(), rel=1e-5)
    assert set(found) == {"mean_squared_error", "mean_absolute_error", "psnr", "ssim", "loss"}
