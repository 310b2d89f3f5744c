"""Targets with spatial extents: arrays, folders of masks, and all that can be wrong with them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import load
from cnnkit.data.dataset import Dataset
from cnnkit.data.palette import PALETTE
from cnnkit.data.scenes import digit_scenes
from cnnkit.data.sheet import write_sheet
from cnnkit.data.summary import summary
from cnnkit.errors import DataError
from cnnkit.report.dataset import dataset_lines
from cnnkit.spec.model.training import Arrays, Images, Train
from cnnkit.spec.model.training.objective import read_loss
from cnnkit.tasks.task import IGNORED

RANDOM = np.random.default_rng(2)
ENTROPY = Train().loss
SQUARES = Train(loss="mean_squared_error").loss
INPUTS = RANDOM.random((4, 6, 8, 1)).astype(np.float32)
MASKS = np.arange(4 * 48).reshape(4, 6, 8) % 3


def saved(folder: Path, **arrays: Any) -> str:
    path = folder / "maps.npz"
    np.savez(path, **arrays)
    return str(path)


def read(folder: Path, targets: Any, ignore: int | None = None, **fields: Any) -> Dataset:
    source = Arrays(arrays=saved(folder, x=INPUTS, y=targets), ignore=ignore)
    return load(source, **{"extents": (6, 8), "loss": ENTROPY, "outputs": 3, **fields})


def problem(folder: Path, targets: Any, **fields: Any) -> str:
    with pytest.raises(DataError) as raised:
        read(folder, targets, **fields)
    return str(raised.value)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
def test_masks_in_arrays(tmp_path: Path, dtype: str) -> None:
    for targets in (MASKS, MASKS[..., None]):
        found = read(tmp_path, targets.astype(dtype))
        assert found.train.targets.dtype == np.int16
        np.testing.assert_array_equal(found.train.targets, MASKS)
        assert found.classes == ("0", "1", "2")
        assert found.train.of_pixels
        assert found.train.labels() is None


def test_masks_of_signals_and_volumes(tmp_path: Path) -> None:
    for extents in ((9,), (3, 4, 5)):
        inputs = RANDOM.random((5, *extents, 2))
        masks = RANDOM.integers(0, 2, (5, *extents))
        source = Arrays(arrays=saved(tmp_path, x=inputs, y=masks))
        found = load(source, loss=ENTROPY, outputs=2, extents=extents)
        np.testing.assert_array_equal(found.train.targets, masks)
        assert found.train.of_pixels


def test_pixels_that_are_ignored_count_nowhere(tmp_path: Path) -> None:
    masks = MASKS.copy()
    masks[0, :2] = 255
    masks[1] = 255
    found = read(tmp_path, masks, ignore=255)
    np.testing.assert_array_equal(found.train.targets, np.where(masks == 255, IGNORED, masks))
    assert found.classes == ("0", "1", "2")
    assert "1 mask has no pixel that counts, the first of example 1" in found.notes
    counts = summary(found).classes
    assert {name: each["train"] for name, each in counts.items()} == {
        str(label): int((masks == label).sum()) for label in range(3)
    }


def test_images_to_be_given_are_scaled_as_inputs_are(tmp_path: Path) -> None:
    targets = RANDOM.integers(0, 256, (4, 6, 8)).astype(np.uint8)
    found = read(tmp_path, targets, loss=SQUARES, outputs=1)
    assert found.train.targets.dtype == np.uint8
    np.testing.assert_array_equal(found.train.targets, targets[..., None])
    wide = targets.astype(np.uint16) * 257
    found = read(tmp_path, wide, loss=SQUARES, outputs=1)
    np.testing.assert_allclose(found.train.targets[..., 0], targets / 255, rtol=1e-6)
    floats = RANDOM.normal(size=(4, 12, 16, 3))
    found = read(tmp_path, floats, loss=SQUARES, outputs=3, extents=(12, 16))
    np.testing.assert_allclose(found.train.targets, floats, rtol=1e-6)


def test_several_classes_at_one_pixel_in_the_last_axis(tmp_path: Path) -> None:
    """Truth values ``[N, H, W, C]``, a channel for each output."""
    labels = np.stack([MASKS > 0, MASKS > 1], axis=-1)
    file = saved(tmp_path, x=INPUTS, y=labels)
    loss = read_loss({"thing": "binary_cross_entropy", "core": "binary_cross_entropy"})
    found = load(
        Arrays(arrays=file, inputs="x", targets={"thing": "y[0]", "core": "y[1]"}),
        outputs={"thing": 1, "core": 1},
        extents={"thing": (6, 8), "core": (6, 8)},
        loss=loss,
    )
    for channel, name in enumerate(("thing", "core")):
        np.testing.assert_array_equal(found.outputs[name].train.targets, labels[..., channel])
    counts = {each.dataset.name: each.classes for each in map(summary, found.alone())}
    assert [each["1"]["train"] for each in counts.values()] == [
        int(labels[..., channel].sum()) for channel in (0, 1)
    ]
    with pytest.raises(DataError) as raised:
        load(Arrays(arrays=file, inputs="x", targets={"thing": "y[2]"}), loss=loss)
    assert str(raised.value) == (
        f"{file} has no `y[2]`: `y` is 4x6x8x2, and the places of its last axis count from 0"
    )
    assert problem(tmp_path, labels) == (
        "maps.npz (train) has masks of 2 channels: where a pixel may be of several classes at "
        "once, give each an output of its own and one of these, `targets: {NAME: ARRAY[0], OTHER: "
        "ARRAY[1]}`; where it is of one, number the classes, as np.argmax(targets, axis=-1) does"
    )


def test_the_input_as_the_target() -> None:
    found = load("digits", loss=SQUARES, outputs=1, extents=(8, 8), target="input")
    assert found.train.targets is found.train.inputs
    assert found.classes == ()
    with pytest.raises(DataError, match="has targets of 1 channels, but the network gives 3"):
        load("digits", loss=SQUARES, outputs=3, extents=(8, 8), target="input")


def test_what_is_wrong_with_masks_in_arrays(tmp_path: Path) -> None:
    masks = MASKS.copy()
    masks[2, 0, 0] = 255
    assert problem(tmp_path, masks) == (
        "maps.npz (train): target 2 has the value 255, and classes count from 0: where such pixels "
        "are to count nowhere, write `ignore: 255` beside the data; else number the classes, as "
        "np.unique(targets, return_inverse=True)[1] does"
    )
    assert "target 0 has the value -1, and classes count from 0" in problem(tmp_path, MASKS - 1)
    assert problem(tmp_path, MASKS + 0.5) == (
        "maps.npz (train) has targets such as 0.5, which are no classes of pixels: save these as "
        "whole numbers, or take `loss: mean_squared_error`"
    )
    assert problem(tmp_path, MASKS, outputs=2) == (
        "maps.npz (train) has masks of 3 classes, but the network gives 2 scores for each pixel: "
        "give its last layer 3 filters, or leave pixels out by `ignore`"
    )
    assert problem(tmp_path, MASKS[:, :4]) == (
        "maps.npz (train) has targets of 4x8, but the network gives 6x8 of an input of 6x8: give "
        "the targets the extents of the input, or those of the output"
    )
    assert problem(tmp_path, MASKS, extents=()) == (
        "maps.npz (train) has targets of 6x8 pixels, but the network gives one vector of scores: "
        "end it in a map, as `conv: {filters: CLASSES, kernel: 1}` does"
    )
    assert problem(tmp_path, np.arange(4)) == (
        "maps.npz has one target an example, but the network gives 6x8 of them: end it in "
        "`global_mean_pool`, or in `flatten` and a `dense` layer; or take data with a target for "
        "each pixel, {images: FOLDER, masks: FOLDER}"
    )


def test_without_a_network_targets_have_the_extents_of_the_inputs(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"extents": None, "outputs": None, "loss": None}
    assert problem(tmp_path, MASKS[:, :4], **fields) == (
        "maps.npz (train) has targets of 4x8, and inputs of 6x8: give both the same extents"
    )
    larger = RANDOM.random((4, 12, 16, 1))  # as of super-resolution
    assert read(tmp_path, larger, **fields).train.targets.shape == (4, 12, 16, 1)


def test_a_target_as_large_as_the_input_fits_a_smaller_output(tmp_path: Path) -> None:
    assert len(read(tmp_path, MASKS, extents=(2, 4)).train) == 4
    assert "give the targets the extents" in problem(tmp_path, MASKS[:, :5, :7], extents=(2, 4))


def test_a_class_that_no_training_mask_has(tmp_path: Path) -> None:
    found = read(tmp_path, np.where(MASKS == 1, 0, MASKS))
    assert found.notes == ("no training mask of maps.npz has a pixel of the class 1",)


def picture(path: Path, pixels: Any, palette: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(pixels, np.uint8))
    if palette:
        image.putpalette([channel for colour in PALETTE for channel in colour])
    image.save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures of 6x8 and their masks, of which every other has a palette."""
    for number in range(6):
        mask = (np.arange(48).reshape(6, 8) + number) % 3
        picture(tmp_path / f"images/{number}.png", RANDOM.integers(0, 256, (6, 8, 3)))
        picture(tmp_path / f"masks/{number}.png", mask, palette=number % 2 == 1)
    return tmp_path


def of_folder(folder: Path, shape: tuple[int, ...] | None = (6, 8, 3), **fields: Any) -> Dataset:
    source = Images(images=str(folder / "images"), masks=str(folder / "masks"), **fields)
    return load(source, input_shape=shape, loss=ENTROPY)


def wrong(folder: Path, **fields: Any) -> str:
    with pytest.raises(DataError) as raised:
        of_folder(folder, **fields)
    return str(raised.value).replace(str(folder), "DIR")


def test_index_and_palette_masks(folder: Path) -> None:
    found = of_folder(folder, classes=["sky", "sea", "land"])
    expected = [(np.arange(48).reshape(6, 8) + number) % 3 for number in range(6)]
    np.testing.assert_array_equal(found.train.targets, expected)
    assert found.classes == ("sky", "sea", "land")
    assert found.train.sources is not None
    assert [path.name for path in found.train.sources.paths] == [f"{n}.png" for n in range(6)]


def test_colours_and_values_with_names(folder: Path) -> None:
    colours = np.array([(0, 0, 0), (128, 0, 0), (255, 255, 255)])
    for number in range(6):
        mask = (np.arange(48).reshape(6, 8) + number) % 3
        picture(folder / f"masks/{number}.png", colours[mask])
    named = {"nothing": (0, 0, 0), "thing": (128, 0, 0)}
    found = of_folder(folder, classes=named, ignore=255)
    first = np.arange(48).reshape(6, 8) % 3
    np.testing.assert_array_equal(found.train.targets[0], np.where(first == 2, IGNORED, first))
    assert found.classes == ("nothing", "thing")
    assert "DIR/masks/0.png has the colour [255, 255, 255], which no class has: name it, " in wrong(
        folder, classes=named
    )
    assert wrong(folder).startswith(
        "DIR/masks/0.png is a picture of colours (RGB), and a mask has the number of a class in "
        "each pixel: name the colour of each, `classes: {NAME: [255, 0, 0]}`"
    )
    for number in range(6):
        picture(folder / f"masks/{number}.png", np.full((6, 8), 255 * (number % 2)))
    found = of_folder(folder, classes={"no": 0, "yes": 255})
    assert found.train.targets[:, 0, 0].tolist() == [0, 1] * 3
    assert found.notes[-1] == "6 masks are of one class throughout, the first that of 0.png: `no`"


def test_a_value_that_no_class_has(folder: Path) -> None:
    picture(folder / "masks/4.png", np.full((6, 8), 255))
    assert wrong(folder) == (
        "DIR/masks/4.png has the value 255, which is seldom a class: name it, "
        "`classes: {NAME: 255}`, or leave such pixels out, `ignore: 255`"
    )
    assert wrong(folder, classes=["a", "b", "c"]) == (
        "DIR/masks/4.png has the value 255, and the classes are a (0), b (1), c (2): name it, "
        "`classes: {NAME: 255}`, or leave such pixels out, `ignore: 255`"
    )
    found = of_folder(folder, ignore=255)
    assert "1 mask has no pixel that counts, the first of 4.png" in found.notes


def test_masks_of_other_extents_and_without_partner(folder: Path) -> None:
    picture(folder / "masks/1.png", np.zeros((8, 6)))
    assert wrong(folder) == (
        "DIR/masks/1.png is 8x6, and its image DIR/images/1.png is 6x8: a mask has the extents of "
        "its image"
    )
    (folder / "masks/1.png").rename(folder / "masks/x.png")
    (folder / "images/3.png").unlink()
    assert wrong(folder) == (
        "DIR/images/1.png has no mask of the same name in DIR/masks\n"
        "  DIR/masks/3.png, DIR/masks/x.png have no image of the same name in DIR/images"
    )


def test_a_damaged_mask(folder: Path) -> None:
    (folder / "masks/2.png").write_bytes(b"no picture")
    assert "DIR/masks/2.png is no image that can be read, or is damaged" in wrong(folder)


@pytest.mark.parametrize("fit", ["cover", "contain", "stretch"])
def test_a_mask_comes_to_the_input_as_its_image_does(folder: Path, fit: str) -> None:
    for number in range(6):
        mask = np.zeros((12, 8), np.uint8)
        mask[:6, :4] = 1
        picture(folder / f"images/{number}.png", np.repeat(255 * mask[..., None], 3, -1))
        picture(folder / f"masks/{number}.png", mask)
    found = of_folder(folder, (4, 8, 3), fit=fit)
    image, mask = found.train.inputs[0][..., 0], found.train.targets[0]
    assert set(np.unique(mask)) <= {IGNORED, 0, 1}
    sure = (mask != IGNORED) & ((image < 64) | (image > 192))
    np.testing.assert_array_equal((image > 128)[sure], mask[sure] == 1)
    assert (mask == IGNORED).any() == (fit == "contain")
    assert (mask == 1).any()


def test_folders_that_are_splits(folder: Path) -> None:
    for kind in ("images", "masks"):
        for number in range(6):
            split = "train" if number < 3 else "val" if number == 3 else "test"
            place = folder / kind / split / f"{number}.png"
            place.parent.mkdir(exist_ok=True)
            (folder / kind / f"{number}.png").rename(place)
    found = of_folder(folder)
    assert found.validation is not None
    assert found.validation.tolist() == [3]
    assert found.test is not None
    assert (len(found.train), len(found.test)) == (4, 2)
    np.testing.assert_array_equal(found.test.targets[0], (np.arange(48).reshape(6, 8) + 4) % 3)


def test_pixels_are_told_and_masks_laid_over(folder: Path) -> None:
    found = of_folder(folder, classes=["sky", "sea", "land"])
    told = summary(found)
    assert told.to_dict()["targets"] == "pixels"
    lines = ["".join(piece.text for piece in line) for line in dataset_lines(told)]
    assert {"sky        96", "pixels    288", "images      6"} < set(lines)
    write_sheet(found, folder / "sheet.png")
    with Image.open(folder / "sheet.png") as sheet:
        red, green, _ = np.moveaxis(np.asarray(sheet.convert("RGB")).astype(int), -1, 0)
    assert (red > green + 40).any()


def test_scenes_are_drawn_alike_and_their_splits_are_of_different_digits() -> None:
    found = digit_scenes()
    assert found.train.inputs.shape == (1800, 64, 64, 1)
    assert found.classes == ("background", *"0123456789")
    assert set(np.unique(found.train.targets)) == set(range(11))
    lit, dark = found.train.inputs[found.train.targets > 0], found.train.inputs[0, :2, :2]
    assert lit.mean() > 150
    assert re.fullmatch(r"\d+", str(dark[0, 0, 0]))


def test_what_the_names_of_classes_do_not_fit(tmp_path: Path) -> None:
    source = Arrays(arrays=saved(tmp_path, x=INPUTS, y=MASKS, classes=np.array(["no", "yes"])))
    with pytest.raises(DataError) as raised:
        load(source, loss=ENTROPY, outputs=3, extents=(6, 8))
    assert str(raised.value) == (
        "maps.npz (train) has a pixel of class 2, and its classes are 2: no, yes"
    )
    assert problem(tmp_path, MASKS, classes=("0", "1", "2"), renamed={"0": "zero"}) == (
        "maps.npz has masks, whose classes `--classes` does not name"
    )


def test_images_beyond_0_to_1_are_told(tmp_path: Path) -> None:
    targets = np.linspace(-1, 2, 4 * 48).reshape(4, 6, 8)
    found = read(tmp_path, targets, loss=SQUARES, outputs=1)
    (note,) = found.notes
    assert note == (
        "the targets of maps.npz go from -1 to 2: PSNR and SSIM are of values from 0 to 1, so "
        "scale them"
    )
