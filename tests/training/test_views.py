"""What test-time augmentation averages over."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.spec.model.training.augmentation import Color, Flip, RandomCrop, Shift
from cnnkit.training.compute.augmentation.views import views_of

IMAGE = np.arange(1, 7, dtype=np.float32).reshape(1, 2, 3, 1)


def seen(*augment: object) -> list[list[list[float]]]:
    return [np.asarray(view(IMAGE))[0, ..., 0].tolist() for view in views_of(augment, (2, 3, 1))]  # type: ignore[arg-type]


def test_without_moves_and_mirrors_there_is_the_input_alone() -> None:
    assert seen() == seen(Color(brightness=0.2)) == [[[1, 2, 3], [4, 5, 6]]]


def test_mirror_images() -> None:
    whole, mirrored = [[1, 2, 3], [4, 5, 6]], [[3, 2, 1], [6, 5, 4]]
    assert seen(Flip()) == [whole, mirrored]
    assert seen(Flip(direction="both")) == [whole, whole[::-1], mirrored, mirrored[::-1]]


@pytest.mark.parametrize("moved", [Shift(cells=1), RandomCrop(padding=1)])
def test_the_centre_and_the_corners(moved: object) -> None:
    assert seen(moved) == [
        [[1, 2, 3], [4, 5, 6]],
        [[0, 0, 0], [0, 1, 2]],
        [[0, 0, 0], [2, 3, 0]],
        [[0, 4, 5], [0, 0, 0]],
        [[5, 6, 0], [0, 0, 0]],
    ]


def test_what_comes_in_at_the_border_is_as_the_recipe_says() -> None:
    assert seen(Shift(cells=(0, 1), fill="edge")) == [
        [[1, 2, 3], [4, 5, 6]], [[1, 1, 2], [4, 4, 5]], [[2, 3, 3], [5, 6, 6]],
    ]  # fmt: skip


def test_a_crop_and_a_mirror_are_the_ten_views_of_krizhevsky() -> None:
    assert len(seen(RandomCrop(padding=1), Flip())) == 10
