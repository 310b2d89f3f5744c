"""The weights of pixels between two things: their values, and what training makes of them."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError

from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.train import BoundaryWeights
from cnnkit.spec.reading import load
from cnnkit.tasks.task import IGNORED
from cnnkit.training.compute.augmentation import make_augmentation
from cnnkit.training.compute.maps import MASKS, PIXEL_WEIGHTS
from cnnkit.training.compute.state import ExamplePool, Feed
from cnnkit.training.compute.step import make_steps
from cnnkit.training.prepare.boundary_weights import weight_map, weight_maps

MASK = np.zeros((7, 9), np.int16)
THINGS = [
    [(row, column) for row in (0, 1) for column in (0, 1, 2)],
    [(2, 3), (3, 3), (3, 4)],  # touches the first at a corner alone, and is of another class
    [(row, 7) for row in range(7)],
]
for things, of_class in zip(THINGS, (1, 2, 1), strict=True):
    for thing in things:
        MASK[thing] = of_class
MASK[6, 0] = IGNORED


def formula(mask: Any, things: list[list[tuple[int, int]]], w0: float, sigma: float) -> Any:
    """Equation 2 of the paper, the distances over all pairs of pixels."""
    found = np.zeros(mask.shape)
    for pixel in zip(*np.nonzero(mask == 0), strict=True):
        first, second = sorted(min(math.dist(pixel, each) for each in thing) for thing in things)[
            :2
        ]
        found[pixel] = w0 * math.exp(-((first + second) ** 2) / (2 * sigma**2))
    return found


def test_the_map_is_that_of_the_paper() -> None:
    settings = BoundaryWeights(w0=7, sigma=2)
    expected = formula(MASK, THINGS, 7, 2)
    np.testing.assert_allclose(weight_map(MASK, settings), expected, rtol=1e-12)
    both = weight_maps(np.stack([MASK, MASK[::-1]]), settings)
    assert both.shape == (2, 7, 9, 1)
    np.testing.assert_allclose(both[1, ::-1, :, 0], expected, rtol=1e-3)
    assert expected.max() > 1


def test_by_one_thing_nothing_is_added() -> None:
    alone = np.where(MASK == 2, MASK, 0)
    np.testing.assert_array_equal(weight_map(alone, BoundaryWeights()), 0)
    np.testing.assert_array_equal(weight_map(np.zeros_like(alone), BoundaryWeights()), 0)


def test_a_step_weighs_the_pixels() -> None:
    """A step of gradient descent of a 1x1 convolution, from its formula."""
    random = np.random.default_rng(0)
    images = random.random((2, 7, 9, 2)).astype(np.float32)
    masks = np.stack([MASK, MASK[:, ::-1]])
    recipe = "{optimizer: sgd, learning_rate: 0.5, boundary_weights: {w0: 7, sigma: 2}}"
    spec = load(f"{{input: 7x9x2, layers: [{{conv: {{filters: 3, kernel: 1}}}}], train: {recipe}}}")
    assert spec.train is not None
    assert spec.train.boundary_weights is not None
    steps = make_steps(spec, spec.train, examples=2, batch_size=2)
    beside = weight_maps(masks, spec.train.boundary_weights)
    targets = {MASKS: jnp.asarray(masks), PIXEL_WEIGHTS: jnp.asarray(beside)}
    pool = ExamplePool(jnp.asarray(images), targets)
    seed: Any = jnp.uint32(0)
    feed = Feed(pool, jnp.arange(2), jnp.zeros(2), jnp.ones(2), jnp.ones(3), seed)
    state = steps.init(feed.seed)
    bias, kernel = (np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(state.params))
    after = jax.jit(steps.learn)(state, feed, pool, jnp.bool_(True), jnp.ones(2, bool))
    scores = images @ kernel[0, 0] + bias
    said = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    counts = masks != IGNORED
    weights = np.where(counts, 1 + beside[..., 0].astype(np.float64), 0) / counts.sum()
    error = (said - np.eye(3)[masks]) * weights[..., None]
    new_bias, new_kernel = jax.tree.leaves(after.params)
    np.testing.assert_allclose(new_bias, bias - 0.5 * error.sum((0, 1, 2)), rtol=1e-4)
    moved = np.einsum("nhwc,nhwk->ck", images, error)
    np.testing.assert_allclose(new_kernel[0, 0], kernel[0, 0] - 0.5 * moved, rtol=1e-4)
    plain = -np.log(np.take_along_axis(said, np.maximum(masks, 0)[..., None], -1))[..., 0]
    shown = float(after.totals.pixel_loss) / counts.sum()
    assert shown == pytest.approx(plain[counts].mean(), rel=1e-5)  # without the weights


def test_weights_go_where_their_pixels_go() -> None:
    train = Train(augment=["flip", {"shift": 2}])
    augment = make_augmentation(train.augment, (7, 9, 1), 3, maps=(MASKS, PIXEL_WEIGHTS))
    masks = jnp.asarray(np.stack([MASK] * 4))
    own = masks[..., None].astype(jnp.float32)
    _, found = augment(jax.random.key(0), own, {MASKS: masks, PIXEL_WEIGHTS: own})
    kept = np.asarray(found[MASKS]) > 0
    assert not np.array_equal(found[MASKS], masks)
    np.testing.assert_array_equal(
        np.asarray(found[PIXEL_WEIGHTS])[..., 0][kept], np.asarray(found[MASKS])[kept]
    )


def test_what_has_no_boundaries() -> None:
    with pytest.raises(ValidationError, match="`boundary_weights` is of classes, and ssim has"):
        Train(loss="ssim", boundary_weights={"w0": 1})
    with pytest.raises(ValidationError, match="`boundary_weights` is of the classes of one output"):
        Train(loss={"a": "dice", "b": "dice"}, boundary_weights={})
