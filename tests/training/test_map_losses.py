"""Losses of maps against PyTorch, and against formulas in NumPy's float64."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import correlate1d
from scipy.special import expit, softmax

from cnnkit.spec.model.training import Train
from cnnkit.tasks.task import IGNORED
from cnnkit.training.compute.accumulator import Accumulator
from cnnkit.training.compute.figures import figures
from cnnkit.training.compute.loss import example_weights, make_loss, make_pixel_loss
from cnnkit.training.compute.similarity import psnr

RANDOM = np.random.default_rng(7)
SCORES = RANDOM.normal(size=(3, 4, 5, 4)).astype(np.float32)
TARGETS = RANDOM.integers(0, 3, (3, 4, 5)).astype(np.int16)  # no pixel is of the last class
TARGETS[0, :2] = IGNORED
WEIGHTS = np.array([0.5, 1.0, 2.0, 3.0], np.float32)


def losses(scores: Any, targets: Any, weights: Any = None, final: Any = None, **train: Any) -> Any:
    """That of each example: as a whole, and the mean over its pixels of what each of them has."""
    recipe = Train(**train).for_outputs({"output": scores.shape[1:]})
    # Not compiled: of each operation there is one program.
    whole, of_pixels = make_loss(recipe, final), make_pixel_loss(recipe, final)
    ones = np.ones(len(scores), np.float32)
    given = [jnp.asarray(each) for each in (scores, targets, ones if weights is None else weights)]
    found = np.asarray(whole(*given))
    if of_pixels is None:
        return found
    return found + np.asarray(of_pixels(*given)) / np.maximum(counts(targets), 1)


def batch_loss(scores: Any, targets: Any, weights: Any = None, **train: Any) -> float:
    """What training lowers."""
    recipe = Train(**train).for_outputs({"output": scores.shape[1:]})
    of_pixels = make_pixel_loss(recipe, None)
    adder = Accumulator(recipe, make_loss(recipe, None), 4, None, pixel_loss=of_pixels)
    weights = np.ones(len(scores), np.float32) if weights is None else weights
    return float(adder.mean_loss(*map(jnp.asarray, (scores, targets, weights))))


def by_torch(scores: Any, targets: Any, reduction: str = "none", **fields: Any) -> Any:
    """The cross-entropy of each pixel, zero where it is ignored; or what they are reduced to."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    return torch.nn.functional.cross_entropy(
        torch.tensor(np.moveaxis(scores, -1, 1)).double(),
        torch.tensor(targets.astype(np.int64)),
        ignore_index=IGNORED,
        reduction=reduction,
        **fields,
    ).numpy()


def counts(targets: Any = TARGETS) -> Any:
    return (targets != IGNORED).sum(tuple(range(1, targets.ndim)))


def test_cross_entropy_is_the_mean_over_all_pixels_of_the_batch_that_count() -> None:
    expected = by_torch(SCORES, TARGETS, "mean")
    assert batch_loss(SCORES, TARGETS) == pytest.approx(expected, rel=1e-5)
    smoothed = by_torch(SCORES, TARGETS, "mean", label_smoothing=0.1)
    assert batch_loss(SCORES, TARGETS, label_smoothing=0.1) == pytest.approx(smoothed, rel=1e-5)
    assert expected != pytest.approx(losses(SCORES, TARGETS).mean(), rel=1e-3)


def test_weights_of_classes_leave_the_number_of_pixels_as_it_is() -> None:
    """As those of whole examples do, and as Keras has it; PyTorch divides by their sum."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    weights = np.asarray(example_weights(jnp.asarray(WEIGHTS), jnp.asarray(TARGETS)))
    summed = by_torch(SCORES, TARGETS, "sum", weight=torch.tensor(WEIGHTS).double())
    expected = summed / (TARGETS != IGNORED).sum()
    assert batch_loss(SCORES, TARGETS, weights) == pytest.approx(expected, rel=1e-5)


def test_a_sum_has_the_mean_over_examples_and_that_over_pixels() -> None:
    parts = [{"dice": 2}, {"categorical_cross_entropy": 0.5}]
    expected = 2 * losses(SCORES, TARGETS, loss="dice").mean() + 0.5 * by_torch(
        SCORES, TARGETS, "mean"
    )
    assert batch_loss(SCORES, TARGETS, loss=parts) == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_a_split_does_not_depend_on_its_batches() -> None:
    """A batch of two and one of one that is filled up: the mean over all pixels that count."""
    recipe = Train(loss=["dice", "categorical_cross_entropy"]).for_outputs({"output": (4, 5, 4)})
    of_pixels = make_pixel_loss(recipe, None)
    adder = Accumulator(recipe, make_loss(recipe, None), 4, None, pixel_loss=of_pixels)
    totals = adder.empty()
    for chosen, mask in (([0, 1], [True, True]), ([2, 0], [True, False])):
        given = jnp.asarray(SCORES[chosen]), jnp.asarray(TARGETS[chosen]), jnp.asarray(mask)
        totals = adder.added(totals, *given)
    found = figures(jax.device_get(totals))["loss"]
    expected = losses(SCORES, TARGETS, loss="dice").mean() + by_torch(SCORES, TARGETS, "mean")
    assert found == pytest.approx(expected, rel=1e-5)
    assert found == pytest.approx(batch_loss(SCORES, TARGETS, loss=recipe.loss), rel=1e-5)


def test_cross_entropy_of_an_example_by_its_pixels() -> None:
    expected = by_torch(SCORES, TARGETS).sum((1, 2)) / counts()
    np.testing.assert_allclose(losses(SCORES, TARGETS), expected, rtol=1e-5)


def test_cross_entropy_with_weights_of_classes_and_smoothing() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    weights = np.asarray(example_weights(jnp.asarray(WEIGHTS), jnp.asarray(TARGETS)))
    of_class = torch.tensor(WEIGHTS).double()
    expected = by_torch(SCORES, TARGETS, weight=of_class).sum((1, 2)) / counts()
    np.testing.assert_allclose(losses(SCORES, TARGETS, weights), expected, rtol=1e-5)
    smoothed = by_torch(SCORES, TARGETS, label_smoothing=0.1).sum((1, 2)) / counts()
    np.testing.assert_allclose(losses(SCORES, TARGETS, label_smoothing=0.1), smoothed, rtol=1e-5)


def test_focal_of_pixels() -> None:
    entropy = by_torch(SCORES, TARGETS)
    expected = ((1 - np.exp(-entropy)) ** 2 * entropy).sum((1, 2)) / counts()
    np.testing.assert_allclose(losses(SCORES, TARGETS, loss="focal"), expected, rtol=1e-5)


def test_binary_cross_entropy_of_one_output_a_pixel() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    targets = np.where(TARGETS == IGNORED, IGNORED, TARGETS > 0).astype(np.int16)
    each = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.tensor(SCORES[..., 0]).double(),
        torch.tensor(targets).double().clamp(min=0),
        reduction="none",
    ).numpy()
    expected = np.where(targets == IGNORED, 0, each).sum((1, 2)) / counts()
    found = losses(SCORES[..., :1], targets, loss="binary_cross_entropy")
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def regions(probabilities: Any, targets: Any, weights: Any = 1.0) -> Any:
    """TP, FP and FN of each example and class, in float64."""
    kept = np.where(targets == IGNORED, 0, weights)[..., None]
    true = targets[..., None] == np.arange(probabilities.shape[-1])
    p = probabilities.astype(np.float64)
    terms = (p * true, p * ~true, (1 - p) * true)
    return tuple((kept * term).sum((1, 2)) for term in terms)


@pytest.mark.parametrize("smooth", [1.0, 0.0])
def test_dice(smooth: float) -> None:
    right, alarms, misses = regions(softmax(SCORES, -1), TARGETS)
    dice = (2 * right + smooth) / (2 * right + alarms + misses + smooth)
    found = losses(SCORES, TARGETS, loss={"dice": {"smooth": smooth}})
    np.testing.assert_allclose(found, 1 - dice.mean(-1), rtol=1e-5)


def test_dice_of_one_output_is_that_of_the_yes() -> None:
    p, true = expit(SCORES[..., 0].astype(np.float64)), TARGETS == 1
    kept = TARGETS != IGNORED
    expected = 1 - (2 * (p * true).sum((1, 2)) + 1) / (
        (p * kept).sum((1, 2)) + true.sum((1, 2)) + 1
    )
    found = losses(SCORES[..., :1], TARGETS, loss="dice")
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_dice_of_weighted_classes_weighs_their_pixels() -> None:
    weights = WEIGHTS[TARGETS]
    right, alarms, misses = regions(softmax(SCORES, -1), TARGETS, weights)
    expected = 1 - ((2 * right + 1) / (2 * right + alarms + misses + 1)).mean(-1)
    np.testing.assert_allclose(losses(SCORES, TARGETS, weights, loss="dice"), expected, rtol=1e-5)


def test_tversky() -> None:
    right, alarms, misses = regions(softmax(SCORES, -1), TARGETS)
    expected = 1 - ((right + 1) / (right + 0.2 * alarms + 0.8 * misses + 1)).mean(-1)
    found = losses(SCORES, TARGETS, loss={"tversky": {"alpha": 0.2, "beta": 0.8}})
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def lovasz(probabilities: Any, targets: Any) -> float:
    """Of one example, as the published code has it: classes that are present, mean of them."""
    kept = targets != IGNORED
    found = []
    for label in np.unique(targets[kept]):
        true = (targets[kept] == label).astype(float)
        errors = np.abs(true - probabilities[kept][:, label])
        order = np.argsort(-errors)
        ranked = true[order]
        inside = ranked.sum() - ranked.cumsum()
        union = ranked.sum() + (1 - ranked).cumsum()
        growth = np.diff(1 - inside / union, prepend=0)
        found.append(errors[order] @ growth)
    return float(np.mean(found))


def test_lovasz_softmax() -> None:
    said = softmax(SCORES.astype(np.float64), -1)
    expected = [lovasz(p, t) for p, t in zip(said, TARGETS, strict=True)]
    found = losses(SCORES, TARGETS, loss="lovasz_softmax")
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_lovasz_of_certain_answers_is_what_the_iou_lacks() -> None:
    said = RANDOM.integers(0, 3, (1, 6, 6))
    true = RANDOM.integers(0, 3, (1, 6, 6)).astype(np.int16)
    scores = 200.0 * (said[..., None] == np.arange(3))
    iou = [((said == k) & (true == k)).sum() / ((said == k) | (true == k)).sum() for k in range(3)]
    found = losses(scores.astype(np.float32), true, loss="lovasz_softmax")
    np.testing.assert_allclose(found, [1 - np.mean(iou)], rtol=1e-5)


def test_the_gradients_of_regions_are_finite_at_certain_answers() -> None:
    scores = jnp.asarray(200 * np.sign(SCORES))
    recipe = Train(loss=["dice", "tversky", "lovasz_softmax"])
    function = make_loss(recipe.for_outputs({"output": (4, 5, 4)}), None)
    gradient = jax.jit(jax.grad(lambda s: function(s, jnp.asarray(TARGETS), jnp.ones(3)).sum()))(
        scores
    )
    assert np.isfinite(np.asarray(gradient)).all()


def test_an_example_without_a_pixel_that_counts_has_no_loss_of_pixels() -> None:
    targets = np.full_like(TARGETS, IGNORED)
    for loss in ("categorical_cross_entropy", "focal", "lovasz_softmax"):
        np.testing.assert_array_equal(losses(SCORES, targets, loss=loss), 0)


def test_a_sum_of_losses() -> None:
    parts = [{"dice": 2}, {"categorical_cross_entropy": 0.5}, {"focal": {"gamma": 1, "weight": 3}}]
    expected = (
        2 * losses(SCORES, TARGETS, loss="dice")
        + 0.5 * losses(SCORES, TARGETS)
        + 3 * losses(SCORES, TARGETS, loss={"focal": {"gamma": 1}})
    )
    np.testing.assert_allclose(losses(SCORES, TARGETS, loss=parts), expected, rtol=1e-6)


def test_a_sum_of_losses_of_whole_examples() -> None:
    scores, labels = SCORES[:, 0, 0], np.array([0, 1, 3], np.int32)
    expected = losses(scores, labels) + 2 * losses(scores, labels, loss="focal")
    found = losses(scores, labels, loss=["categorical_cross_entropy", {"focal": 2}])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "by_torch"),
    [
        ("mean_squared_error", "mse_loss"),
        ("mean_absolute_error", "l1_loss"),
        ("huber", "huber_loss"),
    ],
)
def test_losses_of_images(loss: str, by_torch: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    targets = RANDOM.normal(size=SCORES.shape).astype(np.float32)
    function = getattr(torch.nn.functional, by_torch)
    each = function(torch.tensor(SCORES), torch.tensor(targets), reduction="none").numpy()
    found = losses(SCORES, targets, loss=loss)
    np.testing.assert_allclose(found, each.mean((1, 2, 3)), rtol=1e-5)


def window(extent: int) -> Any:
    length = min(11, extent - 1 + extent % 2)
    weights = np.exp(-((np.arange(length) - length // 2) ** 2) / (2 * 1.5**2))
    return weights / weights.sum()


def ssim_by_formula(one: Any, other: Any) -> float:
    """That of two images ``[H, W, C]`` by the formula of the paper, in float64."""

    def local(image: Any) -> Any:
        for axis in range(image.ndim - 1):
            weights = window(image.shape[axis])
            border = len(weights) // 2
            image = correlate1d(image, weights, axis)
            image = image.take(range(border, image.shape[axis] - border), axis)
        return image

    one, other = one.astype(np.float64), other.astype(np.float64)
    x, y = local(one), local(other)
    xx, yy, xy = local(one**2) - x**2, local(other**2) - y**2, local(one * other) - x * y
    c1, c2 = 0.01**2, 0.03**2
    found = (2 * x * y + c1) * (2 * xy + c2) / ((x**2 + y**2 + c1) * (xx + yy + c2))
    return float(found.mean())


@pytest.mark.parametrize("shape", [(16, 13, 3), (6, 20, 1), (5, 5, 5, 1)])
def test_ssim(shape: tuple[int, ...]) -> None:
    one = RANDOM.random((2, *shape)).astype(np.float32)
    other = np.clip(one + 0.2 * RANDOM.normal(size=one.shape), 0, 1).astype(np.float32)
    expected = [ssim_by_formula(*pair) for pair in zip(one, other, strict=True)]
    recipe = Train(loss="ssim").for_outputs({"output": shape})
    loss = jax.jit(make_loss(recipe, None))
    np.testing.assert_allclose(loss(one, other, np.ones(2)), 1 - np.array(expected), atol=2e-5)


def test_psnr() -> None:
    one = np.zeros((3, 4, 4, 1), np.float32)
    other = np.zeros_like(one)
    other[1] = 0.1  # a mean square of 0.01
    other[2, :2] = 1  # of 0.5
    np.testing.assert_allclose(
        psnr(jnp.asarray(one), jnp.asarray(other)), [100, 20, 10 * np.log10(2)], rtol=1e-5
    )
