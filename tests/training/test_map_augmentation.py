"""What moves an image moves its mask alike, and no label is ever made up."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnkit.errors import SpecError
from cnnkit.spec.model.training import Train
from cnnkit.tasks.task import IGNORED
from cnnkit.training.compute.augmentation import make_augmentation

MOVES: dict[str, Any] = {
    "flip": {"flip": "both"},
    "shift": {"shift": 2},
    "shift_edge": {"shift": {"cells": 2, "fill": "edge"}},
    "crop": {"crop": {"padding": 2, "fill": "reflect"}},
    "rotate": {"rotate": 40},
    "rotate_edge": {"rotate": {"degrees": 40, "fill": "edge"}},
    "resized_crop": {"resized_crop": [0.3, 1]},
    "elastic": {"elastic": {"alpha": 12, "sigma": 2}},
    "elastic_edge": {"elastic": {"alpha": 12, "sigma": 2, "fill": "edge"}},
    "some": {"shift": {"cells": 3, "probability": 0.5}},
}
VALUES: list[Any] = [{"color": {"brightness": 0.3}}, {"noise": 0.1}, "erase", {"cutout": 2}]
LABELS = np.array([0, 7, 200], np.int16)  # far apart: what lies between was made up
COUNT, EXTENTS = 4, (7, 6)


def augmented(augment: Any, images: Any, targets: Any, seed: int = 0) -> tuple[Any, Any]:
    recipe = Train(augment=augment)
    function = make_augmentation(recipe.augment, images.shape[1:], 3, maps=True)
    found = function(jax.random.key(seed), jnp.asarray(images), jnp.asarray(targets))
    return np.asarray(found[0]), np.asarray(found[1])


@pytest.fixture(scope="module")
def functions() -> Any:
    shape = (*EXTENTS, 1)
    return {
        name: jax.jit(make_augmentation(Train(augment=[move]).augment, shape, 3, maps=True))
        for name, move in MOVES.items()
    }


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(list(MOVES)), seed=st.integers(0, 2**31), data=st.data())
def test_no_label_is_ever_made_up(functions: Any, name: str, seed: int, data: Any) -> None:
    chosen = data.draw(st.lists(st.integers(0, 2), min_size=42, max_size=42))
    masks = np.tile(LABELS[chosen].reshape(1, *EXTENTS), (COUNT, 1, 1))
    images = np.zeros((COUNT, *EXTENTS, 1), np.float32)
    _, moved = functions[name](jax.random.key(seed), images, masks)
    assert moved.dtype == masks.dtype
    assert moved.shape == masks.shape
    assert set(np.unique(moved)) <= {*np.unique(masks).tolist(), IGNORED}


@pytest.mark.parametrize("name", MOVES)
def test_a_mask_goes_where_its_image_goes(name: str) -> None:
    """A mask of the bright half of an image is still that of its bright half."""
    masks = np.zeros((16, 12, 12), np.int16)
    masks[:, 2:7, 1:9] = 1
    images = masks[..., None].astype(np.float32)
    seen, moved = augmented([MOVES[name]], images, masks, seed=3)
    sure = (np.abs(seen[..., 0] - 0.5) > 0.25) & (moved != IGNORED)
    np.testing.assert_array_equal((seen[..., 0] > 0.5)[sure], (moved == 1)[sure])
    assert sure.mean() > 0.6
    assert (moved != masks).any()


def test_what_comes_in_at_a_border_counts_nowhere() -> None:
    masks = np.ones((32, 5, 5), np.int16)
    images = np.ones((32, 5, 5, 1), np.float32)
    seen, moved = augmented([{"shift": 2}], images, masks)
    np.testing.assert_array_equal(moved == IGNORED, seen[..., 0] == 0)
    assert (moved == IGNORED).any()
    _, edged = augmented([{"shift": {"cells": 2, "fill": "edge"}}], images, masks)
    np.testing.assert_array_equal(edged, masks)


def test_what_changes_values_leaves_masks_as_they_are() -> None:
    masks = np.random.default_rng(0).integers(0, 5, (4, 8, 8)).astype(np.int16)
    images = np.random.default_rng(1).random((4, 8, 8, 3)).astype(np.float32)
    seen, kept = augmented(VALUES, images, masks)
    np.testing.assert_array_equal(kept, masks)
    assert (seen != images).any()


def test_images_to_be_given_move_alike_and_keep_their_values() -> None:
    images = np.random.default_rng(1).random((4, 8, 8, 2)).astype(np.float32)
    seen, moved = augmented([{"flip": "both"}, {"rotate": 20}, {"shift": 2}], images, images)
    np.testing.assert_array_equal(moved, seen)
    noisy, clean = augmented([{"flip": "both"}, {"noise": 0.1}], images, images)
    assert 0.05 < np.abs(noisy - clean).mean() < 0.12


def test_volumes_and_signals() -> None:
    for extents in ((9,), (5, 6, 7)):
        masks = np.random.default_rng(0).integers(0, 3, (4, *extents)).astype(np.int16)
        images = masks[..., None].astype(np.float32)
        augment = [{"flip": "horizontal"}, {"shift": {"cells": 1, "fill": "edge"}}]
        seen, moved = augmented(augment, images, masks)
        np.testing.assert_array_equal(seen[..., 0], moved)


@pytest.mark.parametrize("extents", [(9,), (3, 4, 5)], ids=["signal", "volume"])
def test_signals_and_volumes_are_drawn_out_of_shape(extents: tuple[int, ...]) -> None:
    masks = np.random.default_rng(0).integers(0, 2, (8, *extents)).astype(np.int16)
    images = masks[..., None].astype(np.float32)
    drawn = {"elastic": {"alpha": 6, "sigma": 1.5, "fill": "edge"}}
    seen, moved = augmented([drawn], images, masks)
    # Where the four or eight cells about a place agree, the nearest of them agrees with them.
    sure = (seen[..., 0] < 0.01) | (seen[..., 0] > 0.99)
    np.testing.assert_array_equal(seen[..., 0][sure] > 0.5, moved[sure] == 1)
    assert sure.mean() > 0.1
    assert (moved != masks).any()


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_what_mixes_examples_is_refused(kind: str) -> None:
    recipe = Train(augment=[kind])
    with pytest.raises(SpecError, match=f"`{kind}` mixes the targets of whole examples"):
        make_augmentation(recipe.augment, (8, 8, 1), 3, maps=True)


def test_targets_of_other_extents_are_mirrored_and_not_shifted() -> None:
    images = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    large = images.repeat(2, 1).repeat(2, 2)
    always = {"flip": {"direction": "horizontal", "probability": 1}}
    seen, moved = augmented([always], images, large)
    np.testing.assert_array_equal(seen.repeat(2, 1).repeat(2, 2), moved)
    with pytest.raises(SpecError, match="moves images of 4x4 and targets of 8x8 alike"):
        augmented([{"shift": 1}], images, large)


def test_masks_are_mirrored_when_it_is_the_turn_of_their_images() -> None:
    masks = np.random.default_rng(3).integers(0, 3, (32, 6, 6)).astype(np.int16)
    images = masks[..., None].astype(np.float32)
    recipe = Train(augment=[{"flip": {"alternate": True}}])
    augment = jax.jit(make_augmentation(recipe.augment, (6, 6, 1), 3, maps=True))
    for epoch in (0, 1):
        changed, moved = augment(jax.random.key(0), images, masks, epoch)
        assert np.array_equal(changed[..., 0], moved)
        assert 0 < (np.asarray(moved) != masks).any(axis=(1, 2)).sum() < len(masks)
