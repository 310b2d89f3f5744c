"""Images that are in a data set more than once, exactly or nearly so."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cnnkit.data import duplicates, load, statistics
from cnnkit.data.dataset import Dataset, Examples, Splits
from cnnkit.data.digits import digits
from cnnkit.data.duplicates import leaks, repeated
from cnnkit.data.inspection import warnings_of
from cnnkit.data.likeness import difference_hash, nearly_alike
from cnnkit.data.summary import summary
from cnnkit.spec.model.training import Images as ImagesModel

Pixels = NDArray[np.uint8]
NEAR = "nearly the same in train and test, so that test does not measure what is new to the network"
WRONG = "there under two labels, of which one is wrong"
UNDER_TWO = "nearly the same under two labels"


def pictures(count: int, seed: int = 0, size: int = 32) -> Pixels:
    """Images of blurred spots, no two alike, ``[count, size, size, 3]``."""
    random = np.random.default_rng(seed)
    light = random.integers(30, 226, (count, 6, 6, 1))
    spots = (light + random.integers(-30, 31, (count, 6, 6, 3))).astype(np.uint8)
    large = [Image.fromarray(each).resize((size, size), Image.Resampling.BICUBIC) for each in spots]
    return np.stack([np.asarray(each) for each in large])


def saved_again(image: Pixels) -> Pixels:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=92)
    return np.asarray(Image.open(stream))


def brighter(image: Pixels) -> Pixels:
    changed: Pixels = np.clip(image * 1.05 + 6, 0, 255).astype(np.uint8)
    return changed


def enlarged_and_reduced(image: Pixels) -> Pixels:
    large = Image.fromarray(image).resize((50, 50), Image.Resampling.BICUBIC)
    return np.asarray(large.resize((32, 32), Image.Resampling.BILINEAR))


def dataset(train: Pixels, test: Pixels, labels: list[int] | None = None) -> tuple[Dataset, Splits]:
    """Arrays as a data set of two classes with a test split of its own."""
    targets = np.array(labels or [0] * (len(train) + len(test)), np.int32)
    made = Dataset(
        "made",
        Examples(train, targets[: len(train)], value_range=(0, 255)),
        Examples(test, targets[len(train) :], value_range=(0, 255)),
        ("cat", "dog"),
    )
    none = np.arange(0)
    return made, Splits(np.arange(len(train)), none, np.arange(len(test)), True, False, 0)


def test_the_hash_is_where_it_grows_brighter_to_the_right() -> None:
    ramp = np.tile(np.arange(0, 180, 20, dtype=np.uint8), (8, 1))[None, ..., None]
    assert difference_hash(ramp).tolist() == [2**64 - 1]
    assert difference_hash(ramp[:, :, ::-1]).tolist() == [0]
    half = ramp.copy()
    half[:, 4:] = half[:, 4:, ::-1]
    assert difference_hash(half).tolist() == [2**32 - 1]  # the first rows are the first bytes


@pytest.mark.parametrize("change", [saved_again, brighter, enlarged_and_reduced])
def test_an_image_that_was_changed_a_little_is_found(change: object) -> None:
    images = pictures(150)
    changed = np.stack([change(image) for image in images[5:25]])  # type: ignore[operator]
    parts = [(images, np.arange(150)), (changed, np.arange(20))]
    assert nearly_alike(parts) == [(5 + each, 150 + each) for each in range(20)]  # type: ignore[arg-type]


def test_other_images_are_not() -> None:
    images = pictures(300)
    moved = np.roll(images[:50], 9, 2)
    assert nearly_alike([(images, np.arange(300)), (moved, np.arange(50))]) == []
    examples = digits().train.inputs
    assert nearly_alike([(examples, np.arange(len(examples)))]) == []
    flat = np.full((5, 32, 32, 3), 9, np.uint8)
    flat[:, 0, 0] += 1
    assert nearly_alike([(flat, np.arange(5))]) == []


def test_nearly_the_same_in_two_splits() -> None:
    images = pictures(40)
    test = np.stack([saved_again(images[3]), *pictures(5, seed=1)])
    assert leaks(*dataset(images, test)) == [
        f"1 pair of images is {NEAR}: example 3 and example 0",
    ]
    test[1] = brighter(images[7])
    assert leaks(*dataset(images, test)) == [
        f"2 pairs of images are {NEAR}: example 3 and example 0; example 7 and example 1",
    ]


def test_the_same_under_two_labels() -> None:
    images = pictures(8)
    images[6], images[7] = images[1], saved_again(images[2])
    labels = [0] * 6 + [1] * 2
    assert leaks(*dataset(images, pictures(1, seed=1), [*labels, 0])) == [
        f"1 image is {WRONG}: example 1 (cat) and example 6 (dog)",
        f"1 pair of images is {UNDER_TWO}: example 2 (cat) and example 7 (dog)",
    ]


def test_the_same_within_a_split_is_counted() -> None:
    images = pictures(9)
    images[4] = images[8] = images[1]
    images[5] = images[2]
    made, splits = dataset(images, pictures(2, seed=1))
    assert leaks(made, splits) == []
    told = (
        "3 images of train are the same as another of it: example 1 and example 4; example 2 and "
        "example 5"
    )
    assert repeated(made, splits) == [told]
    assert summary(made).warnings == (told,)
    # A training is worth no less for it.
    assert warnings_of(made, splits, statistics(made.train, splits.train)) == []


def test_of_many_some_are_looked_at_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_MOST", 10)
    images = pictures(20)
    test = pictures(10, seed=1)
    test[3] = saved_again(images[6])
    assert leaks(*dataset(images, test)) == [
        "1 pair of images is "
        + NEAR.replace("test,", "test (sought among 11 of 30),")
        + ": example 6 and example 3"
    ]


def test_files_are_named(tmp_path: Path) -> None:
    images = pictures(6)
    for number, image in enumerate(images):
        for part, pixels in (("train", image), ("test", pictures(6, seed=1)[number])):
            path = tmp_path / "pets" / part / ("cat", "dog")[number % 2] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    Image.fromarray(images[2]).save(tmp_path / "pets/test/dog/again.jpg", quality=95)
    assert summary(load(ImagesModel(images=str(tmp_path / "pets")))).warnings == (
        f"1 pair of images is {NEAR}: train/cat/2.png and test/dog/again.jpg",
        f"1 pair of images is {UNDER_TWO}: train/cat/2.png (cat) and test/dog/again.jpg (dog)",
    )
