"""Random changes of batches: hand-computed examples, and what their distributions must have."""

from __future__ import annotations

import colorsys
from typing import Any

import jax
import numpy as np
import pytest

from cnnkit.errors import SpecError
from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.augmentation import Color, Cutout, Flip
from cnnkit.training.compute.augmentation import make_augmentation
from cnnkit.training.compute.augmentation.color import turned_hue
from cnnkit.training.compute.augmentation.erasing import boxes
from cnnkit.training.compute.augmentation.mixing import _beta
from cnnkit.training.compute.augmentation.moving import _along, _turned

N = 256
KEY = jax.random.key(7)
RANDOM = np.random.default_rng(7)
TURNED = jax.jit(_turned, static_argnums=2)
HUE = jax.jit(turned_hue)


def augmented(
    written: list[Any],
    images: np.ndarray,
    targets: np.ndarray | None = None,
    classes: int | None = None,
) -> tuple[Any, Any]:
    """What a recipe makes of a batch, under jit."""
    function = make_augmentation(Train(augment=written).augment, images.shape[1:], classes)
    labels = np.zeros(images.shape[0], np.int32) if targets is None else targets
    changed, mixed = jax.jit(function)(KEY, images, labels)
    return np.asarray(changed), np.asarray(mixed)


def ramp(*shape: int) -> np.ndarray:
    """The same example N times, all of whose values differ and none is 0."""
    one = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)
    return np.broadcast_to(one, (N, *shape))


SHAPES = [(9, 2), (4, 5, 6, 1)]


def test_no_augmentation_changes_nothing() -> None:
    images = ramp(4, 4, 1)
    changed, targets = augmented([], images)
    assert np.array_equal(changed, images)
    assert targets.dtype == np.int32


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "written",
    [
        "flip",
        {"shift": 2},
        {"crop": {"padding": 1, "fill": "reflect"}},
        "resized_crop",
        {"cutout": 2},
        "noise",
        {"color": {"brightness": 0.3, "contrast": 0.3}},
    ],
)
def test_any_rank_keeps_its_shape_and_is_changed(shape: tuple[int, ...], written: Any) -> None:
    images = ramp(*shape) / 100
    changed, _ = augmented([written], images)
    assert changed.shape == images.shape
    assert changed.dtype == np.float32
    assert bool(np.isfinite(changed).all())
    assert not np.array_equal(changed, images)
    assert len({each.tobytes() for each in changed}) > 1  # not all alike


def test_the_same_key_changes_alike_and_another_does_not() -> None:
    augment = jax.jit(make_augmentation(Train(augment=["flip", {"shift": 2}]).augment, (6, 6, 1)))
    images, labels = ramp(6, 6, 1), np.zeros(N, np.int32)
    first, _ = augment(KEY, images, labels)
    again, _ = augment(KEY, images, labels)
    other, _ = augment(jax.random.key(8), images, labels)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_half_of_the_examples_are_mirrored() -> None:
    images = ramp(2, 3, 1)
    changed, _ = augmented(["flip"], images)
    mirrored = (changed == images[:, :, ::-1]).all(axis=(1, 2, 3))
    kept = (changed == images).all(axis=(1, 2, 3))
    assert bool((mirrored | kept).all())
    assert abs(float(mirrored.mean()) - 0.5) < 0.14  # 4.5 standard deviations


def test_alternating_examples_are_mirrored_in_every_second_epoch() -> None:
    """Whatever the key, and behind a shift too, which leaves no example as it was."""
    images = RANDOM.integers(0, 256, (N, 6, 6, 3)).astype(np.float32) / 255
    recipe = Train(augment=[{"flip": {"alternate": True}}]).augment
    augment = jax.jit(make_augmentation(recipe, (6, 6, 3)))
    labels = np.zeros(N, np.int32)

    def mirrored(epoch: int) -> np.ndarray:
        changed, _ = augment(jax.random.fold_in(KEY, epoch), images, labels, epoch)
        whole = (changed == images).all(axis=(1, 2, 3))
        turned = (changed == images[:, :, ::-1]).all(axis=(1, 2, 3))
        assert bool((whole ^ turned).all())
        return np.asarray(turned)

    first = mirrored(0)
    assert abs(float(first.mean()) - 0.5) < 0.14  # 4.5 standard deviations
    assert np.array_equal(mirrored(1), ~first)
    assert np.array_equal(mirrored(2), first)
    order = RANDOM.permutation(N)
    changed, _ = augment(KEY, images[order], labels, 4)
    assert np.array_equal((changed != images[order]).any(axis=(1, 2, 3)), first[order])


def test_an_earlier_augmentation_does_not_change_whose_turn_it_is() -> None:
    images = RANDOM.integers(0, 256, (N, 5, 5, 1)).astype(np.float32) / 255
    both = [{"cutout": 1}, {"flip": {"alternate": True}}]
    augment = jax.jit(make_augmentation(Train(augment=both).augment, (5, 5, 1)))
    alone = jax.jit(make_augmentation(Train(augment=both[1:]).augment, (5, 5, 1)))
    labels = np.zeros(N, np.int32)
    expected = np.asarray(alone(KEY, images, labels, 3)[0])
    changed = np.asarray(augment(KEY, images, labels, 3)[0])
    assert bool(((changed == expected) | (changed == 0)).all())


def test_vertical_and_both() -> None:
    images = ramp(2, 3, 1)
    changed, _ = augmented([{"flip": {"direction": "vertical", "probability": 1}}], images)
    assert np.array_equal(changed, images[:, ::-1])
    changed, _ = augmented([{"flip": {"direction": "both", "probability": 1}}], images)
    found = {each.tobytes() for each in changed}
    one = np.asarray(images[0])
    assert found == {each.tobytes() for each in (one[:, ::-1], one[::-1], one[::-1, ::-1])}


def test_a_shift_moves_by_whole_cells_and_fills_with_zeros() -> None:
    images = ramp(3, 3, 1)
    changed, _ = augmented([{"shift": 1}], images)
    one = np.pad(np.asarray(images[0]), ((1, 1), (1, 1), (0, 0)))
    all_nine = {
        np.ascontiguousarray(one[r : r + 3, c : c + 3]).tobytes()
        for r in range(3)
        for c in range(3)
    }
    found = [each.tobytes() for each in changed]
    assert set(found) == all_nine
    counts = np.array([found.count(each) for each in all_nine])
    assert counts.min() > N / 9 * 0.4  # the nine moves are equally likely
    assert counts.max() < N / 9 * 1.8


@pytest.mark.parametrize(("fill", "mode"), [("edge", "edge"), ("reflect", "reflect")])
def test_what_comes_in_at_the_border(fill: str, mode: Any) -> None:
    images = ramp(4, 1)
    changed, _ = augmented([{"shift": {"cells": [2], "fill": fill}}], images)
    one = np.pad(np.asarray(images[0]), ((2, 2), (0, 0)), mode=mode)
    assert {each.tobytes() for each in changed} == {
        np.ascontiguousarray(one[r : r + 4]).tobytes() for r in range(5)
    }


def test_a_quarter_turn_is_numpys() -> None:
    images = ramp(4, 4, 2)[:1]
    turned = TURNED(images, np.array([np.pi / 2]), "zeros")
    np.testing.assert_allclose(turned[0], np.rot90(images[0]), atol=1e-4)
    half = TURNED(images, np.array([np.pi]), "zeros")
    np.testing.assert_allclose(half[0], np.rot90(images[0], 2), atol=1e-4)


def test_a_turn_agrees_with_scipy() -> None:
    from scipy.ndimage import rotate

    image = np.asarray(RANDOM.random((9, 9), np.float32))
    expected = rotate(image, 30, reshape=False, order=1, mode="grid-constant")
    turned = TURNED(np.asarray(image)[None, :, :, None], np.deg2rad(np.array([30.0])), "zeros")
    np.testing.assert_allclose(turned[0, :, :, 0], expected, atol=1e-4)


def test_all_slices_of_a_volume_turn_alike() -> None:
    flat = RANDOM.random((1, 6, 6, 1), np.float32)
    volume = np.stack([flat, 2 * flat, 3 * flat], axis=1)
    changed, _ = augmented([{"rotate": 90}], volume)
    np.testing.assert_allclose(changed[:, 1], 2 * changed[:, 0], atol=1e-5)
    np.testing.assert_allclose(changed[:, 2], 3 * changed[:, 0], atol=1e-5)
    assert not np.allclose(changed, volume)


def test_angles_stay_within_the_limit() -> None:
    # A spot right of the centre comes to the angle that its image was turned by.
    image = np.zeros((N, 41, 41, 1), np.float32)
    image[:, 19:22, 36:39] = 1
    changed, _ = augmented([{"rotate": 20}], image)
    total = changed.sum(axis=(1, 2, 3))
    rows = (changed[..., 0] * np.arange(41)[:, None]).sum(axis=(1, 2)) / total
    columns = (changed[..., 0] * np.arange(41)).sum(axis=(1, 2)) / total
    angles = np.rad2deg(np.arctan2(20 - rows, columns - 20))
    assert 18 < float(angles.max()) < 20.5
    assert -20.5 < float(angles.min()) < -18


def test_an_elastic_deformation_is_that_of_scipy() -> None:
    """Displacements as Simard et al. draw them, smoothed and sampled by SciPy."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    images = RANDOM.random((2, 14, 11, 1)).astype(np.float32)
    changed, _ = augmented([{"elastic": {"alpha": 20, "sigma": 2}}], images)
    key = jax.random.split(jax.random.fold_in(KEY, 0))[1]
    moves = np.asarray(jax.random.uniform(key, (2, 14, 11, 2), minval=-1, maxval=1))
    for image, move, found in zip(images, moves, changed, strict=True):
        smooth = [
            20 * gaussian_filter(move[..., axis].astype(float), 2, mode="constant", radius=9)
            for axis in (0, 1)
        ]
        places = np.indices((14, 11)) + smooth
        expected = map_coordinates(image[..., 0], places, order=1, mode="grid-constant")
        np.testing.assert_allclose(found[..., 0], expected, atol=1e-5)
        assert np.abs(smooth).max() > 1


def test_places_between_cells_are_linear() -> None:
    line = np.array([[[0.0], [10.0], [30.0]]])
    found = jax.jit(_along, static_argnums=2)(line, np.array([[0.0, 0.5, 1.25, 2.0]]), 1)
    np.testing.assert_allclose(found[0, :, 0], [0, 5, 15, 30])


def test_a_crop_of_all_is_the_image_itself() -> None:
    images = ramp(5, 7, 1)
    changed, _ = augmented([{"resized_crop": {"area": [1, 1], "ratio": [1, 1]}}], images)
    np.testing.assert_allclose(changed, images, rtol=1e-6)


def test_a_crop_of_a_quarter_has_the_slope_of_half() -> None:
    images = np.broadcast_to(np.arange(16.0)[None, None, :, None], (N, 16, 16, 1))
    changed, _ = augmented([{"resized_crop": {"area": [0.25, 0.25], "ratio": [1, 1]}}], images)
    slopes = np.diff(changed[:, 0, 1:-1, 0], axis=1)
    np.testing.assert_allclose(slopes, 0.5, atol=1e-4)
    assert float(changed.min()) < 0.5  # the part may lie at either border
    assert float(changed.max()) > 14.5


def test_a_cutout_is_a_square_cut_off_at_the_border() -> None:
    images = np.ones((N, 8, 8, 1))
    changed, _ = augmented([{"cutout": 4}], images)
    blank = np.asarray((changed == 0).sum(axis=(1, 2, 3)))
    assert blank.max() == 16
    # A centre in one of the 8 places leaves 2, 3 or all 4 rows: 4·5 + (3 + 2 + 3) over 8.
    rows = np.mean([min(c + 2, 8) - max(c - 2, 0) for c in range(8)])
    assert abs(blank.mean() - rows**2) < 0.6


def test_boxes() -> None:
    sides = [(np.array([1]), np.array([3])), (np.array([-1]), np.array([1]))]
    inside = jax.jit(boxes)(sides, np.zeros((1, 3, 3, 5)))
    assert inside.shape == (1, 3, 3, 1)
    assert inside[0, :, :, 0].tolist() == [
        [False, False, False],
        [True, False, False],
        [True, False, False],
    ]


def test_erasing_blanks_out_a_rectangle_of_the_area_and_ratio() -> None:
    images = np.ones((N, 32, 32, 1))
    written = {"erase": {"area": [0.1, 0.2], "ratio": [2, 2], "probability": 1}}
    changed, _ = augmented([written], images)
    blank = np.asarray(changed[..., 0] == 0)
    height, width = blank.any(axis=2).sum(axis=1), blank.any(axis=1).sum(axis=1)
    assert (blank.sum(axis=(1, 2)) == height * width).all()  # a rectangle, inside the image
    assert np.all(np.abs(width / height - 2) < 0.35)  # whole cells
    assert 0.09 < (height * width / 1024).min() < 0.12
    assert 0.18 < (height * width / 1024).max() < 0.22
    changed, _ = augmented(["erase"], images)
    assert abs(float((changed == 0).any(axis=(1, 2, 3)).mean()) - 0.5) < 0.14


def test_brightness_is_a_factor_and_contrast_keeps_the_mean() -> None:
    images = RANDOM.random((N, 6, 6, 3), np.float32)
    changed, _ = augmented([{"color": {"brightness": 0.5}}], images)
    factors = (changed / images).reshape(N, -1)
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1], factors.shape), rtol=1e-4)
    assert 0.5 <= float(factors.min()) < 0.55
    assert 1.45 < float(factors.max()) <= 1.5
    single = images[..., :1]
    changed, _ = augmented([{"color": {"contrast": 0.5}}], single)
    means = changed.mean(axis=(1, 2, 3)), single.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(*means, rtol=1e-4)
    spread = changed.std(axis=(1, 2, 3)) / single.std(axis=(1, 2, 3))
    assert 0.5 <= float(spread.min()) < 0.55


def test_saturation_leaves_grey_grey() -> None:
    grey = np.full((8, 2, 2, 3), 0.4)
    changed, _ = augmented([{"color": {"saturation": 0.9}}], grey)
    np.testing.assert_allclose(changed, grey, atol=1e-6)
    red = np.broadcast_to(np.array([1.0, 0, 0]), (8, 2, 2, 3))
    changed, _ = augmented([{"color": {"saturation": 0.9}}], red)
    np.testing.assert_allclose(
        (changed * np.array([0.299, 0.587, 0.114])).sum(-1), 0.299, rtol=1e-4
    )


def test_hue_is_that_of_colorsys() -> None:
    colours = np.asarray(RANDOM.random((64, 1, 3), np.float32))
    turns = np.linspace(-0.5, 0.5, 64)
    found = np.asarray(HUE(colours, turns[:, None]))
    for colour, turn, rgb in zip(colours[:, 0], turns, found[:, 0], strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*map(float, colour))
        np.testing.assert_allclose(
            rgb, colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value), atol=1e-5
        )
    grey = np.full((1, 1, 3), 0.3)
    np.testing.assert_allclose(HUE(np.repeat(grey, 64, 0), np.full((64, 1), 0.3))[:1], grey)


def test_noise_has_the_deviation() -> None:
    images = np.zeros((N, 8, 8, 1))
    changed, _ = augmented([{"noise": 0.1}], images)
    assert abs(float(changed.std()) - 0.1) < 0.002
    assert abs(float(changed.mean())) < 0.002


def test_mixup_mixes_images_and_targets_by_the_same_share() -> None:
    # An example of class k holds k everywhere, so that its mixed value is its mixed target.
    labels = np.arange(N, dtype=np.int32) % 2
    images = np.broadcast_to(labels[:, None, None, None].astype(np.float32), (N, 2, 2, 1))
    changed, targets = augmented([{"mixup": 1.0}], images, labels, 2)
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(changed[:, 0, 0, 0], targets[:, 1], atol=1e-6)
    share = np.where(np.asarray(labels) == 1, targets[:, 1], targets[:, 0])
    assert abs(share.mean() - 0.5) < 0.06  # Beta(1, 1) is uniform
    assert abs(share.std() - 1 / np.sqrt(12)) < 0.03


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_are_of_a_beta_distribution(alpha: float) -> None:
    from scipy.stats import beta, kstest

    assert kstest(np.asarray(_beta(KEY, alpha, 4000)), beta(alpha, alpha).cdf).pvalue > 1e-3


def test_mixup_with_a_small_alpha_mostly_keeps_one_of_both() -> None:
    images, labels = ramp(2, 2, 1), np.arange(N, dtype=np.int32) % 5
    _, targets = augmented(["mixup"], images, labels, 5)
    assert float((targets.max(axis=1) > 0.9).mean()) > 0.55  # Beta(0.2, 0.2): 0.64


def test_cutmix_gives_the_neighbour_its_part_of_the_area() -> None:
    labels = np.arange(N, dtype=np.int32) % 2
    images = np.broadcast_to(labels[:, None, None, None].astype(np.float32), (N, 8, 8, 1))
    changed, targets = augmented(["cutmix"], images, labels, 2)
    np.testing.assert_allclose(changed.mean(axis=(1, 2, 3)), targets[:, 1], atol=1e-6)
    assert set(np.unique(changed)) == {0.0, 1.0}  # cells are of one or the other, never mixed
    assert 0.2 < float(targets[::2, 1].mean()) < 0.5  # at most 1/2: boxes are cut off


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixing_a_part_leaves_the_others(name: str) -> None:
    labels = np.arange(N, dtype=np.int32) % 3
    images = RANDOM.random((N, 8, 8, 1), np.float32)
    changed, targets = augmented([{name: {"probability": 0.25, "alpha": 1.0}}], images, labels, 3)
    kept = (changed == images).all(axis=(1, 2, 3))
    assert float(kept.mean()) > 0.65
    assert np.array_equal(targets[kept], np.eye(3)[labels[kept]])


def test_labels_of_a_yes_or_no_each_are_mixed_too() -> None:
    labels = RANDOM.random((N, 4), np.float32).round().astype(np.float32)
    _, targets = augmented(["mixup"], ramp(2, 2, 1), labels)
    assert targets.shape == (N, 4)
    assert float(targets.min()) >= 0
    assert float(targets.max()) <= 1


def test_a_single_output_is_mixed_as_a_probability() -> None:
    labels = np.arange(N, dtype=np.int32) % 2
    _, targets = augmented([{"mixup": 1.0}], ramp(2, 2, 1), labels, 1)
    assert targets.shape == (N, 1)
    assert 0.3 < float(targets.mean()) < 0.7


def test_to_mix_classes_their_number_is_needed() -> None:
    with pytest.raises(ValueError, match="to mix classes their number is needed"):
        augmented(["mixup"], ramp(2, 2, 1))


@pytest.mark.parametrize(
    ("written", "shape", "message"),
    [
        (
            {"shift": 8},
            (8, 8, 1),
            "`cells` of `shift` is 8x8: as large as the input, 8x8",
        ),
        (
            {"shift": [1, 2, 3]},
            (8, 8, 1),
            "`cells` of `shift` has 3 entries and `input: 8x8x1` 2 spatial axes",
        ),
        (
            "rotate",
            (100, 1),
            "`rotate` does not fit `input: 100x1`, which has 1 spatial axis, and `rotate` needs 2",
        ),
        (
            "flip",
            (150,),
            "`flip` does not fit `input: 150`, which is a vector, which has no place to move in",
        ),
        (
            {"flip": "vertical"},
            (100, 1),
            "`flip: vertical` does not fit `input: 100x1`, which has one axis",
        ),
        (
            {"color": {"hue": 0.1}},
            (8, 8, 1),
            "`hue` needs the 3 channels of RGB, and `input: 8x8x1` has 1",
        ),
    ],
)
def test_what_does_not_fit_the_input(written: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(SpecError) as raised:
        make_augmentation(Train(augment=[written]).augment, shape)
    (finding,) = raised.value.findings
    assert finding.message == message
    assert finding.help


def test_parts_read_their_cells() -> None:
    assert Flip() == Flip(direction="horizontal")
    assert Cutout(size=(2, 3)).extents((9, 9, 1)) == (2, 3)
    assert Color().brightness == 0
