"""Augmentations that move what is seen: flip, shift, crop, resized crop, rotation.

Whole numbers are classes, of which there is no mean: what is linear between cells is for them the
nearest cell, and where zeros come in at a border it is the class that counts nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax

from cnnkit.spec.model.training.augmentation import Flip, RandomCrop, ResizedCrop, Rotate, Shift
from cnnkit.tasks.task import IGNORED
from cnnkit.training.compute.maps import of_classes

PADDINGS = {"zeros": "constant", "edge": "edge", "reflect": "reflect"}


def flip(augmentation: Flip, key: Array, images: Array) -> Array:
    """Mirrors all images; ``both`` draws one of the two, or both, for each."""
    if augmentation.direction == "horizontal":
        return jnp.flip(images, -2)
    if augmentation.direction == "vertical":
        return jnp.flip(images, -3)
    drawn = jax.random.randint(key, images.shape[:1], 1, 4).reshape(-1, *(1,) * (images.ndim - 1))
    images = jnp.where(drawn & 1, jnp.flip(images, -2), images)
    return jnp.where(drawn & 2, jnp.flip(images, -3), images)


def shift(augmentation: Shift, key: Array, images: Array) -> Array:
    """Moves each image by whole cells, as many to one side as to the other in the mean."""
    cells = augmentation.extents(images.shape[1:])
    return _windows(key, images, cells, augmentation.fill)


def crop(augmentation: RandomCrop, key: Array, images: Array) -> Array:
    """Pads each image and cuts its extent out again."""
    cells = augmentation.extents(images.shape[1:])
    return _windows(key, images, cells, augmentation.fill)


def _windows(key: Array, images: Array, cells: tuple[int, ...], fill: str) -> Array:
    """A window of the padded images at a random place each.

    A slice of each under ``vmap``: on a CPU gathering rows and columns takes about twice as long,
    a product with one-hot matrices ten times (benchmarks/augmentation.py).
    """
    sides = [(0, 0), *((cell, cell) for cell in cells), (0, 0)]
    padded = _padded(images, sides, fill)
    limits = jnp.array([2 * cell + 1 for cell in cells])
    starts = jax.random.randint(key, (images.shape[0], len(cells)), 0, limits)

    def window(image: Array, start: Array) -> Array:
        return lax.dynamic_slice(image, (*start, 0), images.shape[1:])

    return jax.vmap(window)(padded, starts)


def _padded(images: Array, sides: Sequence[tuple[int, int]], fill: str) -> Array:
    if fill == "zeros" and of_classes(images):
        return jnp.pad(images, sides, constant_values=IGNORED)
    return jnp.pad(images, sides, mode=PADDINGS[fill])


def resized_crop(augmentation: ResizedCrop, key: Array, images: Array) -> Array:
    """A part of each image resized to the whole, axis by axis, linear between cell centres."""
    spatial = images.shape[1:-1]
    area_key, ratio_key, place_key = jax.random.split(key, 3)
    area = _uniform(area_key, images.shape[0], *augmentation.area)
    parts = jnp.broadcast_to(area[:, None] ** (1 / len(spatial)), (len(area), len(spatial)))
    if len(spatial) == 2:
        low, high = jnp.log(jnp.array(augmentation.ratio))
        root = jnp.exp(_uniform(ratio_key, images.shape[0], low, high) / 2)
        parts = jnp.stack([parts[:, 0] / root, parts[:, 1] * root], axis=1)
    parts = jnp.minimum(parts, 1)
    places = jax.random.uniform(place_key, parts.shape)
    for axis, extent in enumerate(spatial):
        part, place = parts[:, axis, None], places[:, axis, None]
        cells = jnp.arange(extent) + 0.5
        at = extent * (1 - part) * place + cells * part - 0.5
        images = _along(images, jnp.clip(at, 0, extent - 1), axis + 1)
    return images


def _uniform(key: Array, count: int, low: Array | float, high: Array | float) -> Array:
    return jax.random.uniform(key, (count,), minval=low, maxval=high)


def _along(images: Array, at: Array, axis: int) -> Array:
    """The values at places ``[N, L]`` along one axis, linear between two cells."""
    if of_classes(images):
        return _nearest_along(images, at, axis)
    below = jnp.floor(at)
    rest = at - below
    shape = [at.shape[0], *(1,) * (images.ndim - 1)]
    shape[axis] = at.shape[1]
    first = below.astype(jnp.int32).reshape(shape)
    second = jnp.minimum(first + 1, images.shape[axis] - 1)
    rest = rest.reshape(shape)
    low = jnp.take_along_axis(images, first, axis)
    return low + rest * (jnp.take_along_axis(images, second, axis) - low)


def _nearest_along(images: Array, at: Array, axis: int) -> Array:
    shape = [at.shape[0], *(1,) * (images.ndim - 1)]
    shape[axis] = at.shape[1]
    return jnp.take_along_axis(images, _nearest(at).reshape(shape), axis)


def _nearest(at: Array) -> Array:
    """The cell that a place is nearest to; of two the upper one."""
    return jnp.floor(at + 0.5).astype(jnp.int32)


def rotate(augmentation: Rotate, key: Array, images: Array) -> Array:
    """Turns each image about its centre, linear between four cells.

    Of a volume all slices along the first axis turn alike.
    """
    limit = jnp.deg2rad(augmentation.degrees)
    angle = _uniform(key, images.shape[0], -limit, limit)
    if images.ndim == 5:
        return jnp.moveaxis(_turned(jnp.moveaxis(images, 1, 3), angle, augmentation.fill), 3, 1)
    return _turned(images, angle, augmentation.fill)


def _turned(images: Array, angle: Array, fill: str) -> Array:
    """Images ``[N, H, W, ...]``, each turned counter-clockwise by an angle in radians."""
    height, width = images.shape[1:3]
    sine, cosine = (each[:, None, None] for each in (jnp.sin(angle), jnp.cos(angle)))
    down = jnp.arange(height)[:, None] - (height - 1) / 2
    right = jnp.arange(width)[None, :] - (width - 1) / 2
    # What comes to a cell stood where turning back leads; rows count downwards.
    rows = cosine * down + sine * right + (height - 1) / 2
    columns = cosine * right - sine * down + (width - 1) / 2
    if fill == "edge":
        rows, columns = jnp.clip(rows, 0, height - 1), jnp.clip(columns, 0, width - 1)
    if of_classes(images):
        return _cells(images, _nearest(rows), _nearest(columns))
    top, left = jnp.floor(rows), jnp.floor(columns)
    turned = jnp.zeros_like(images)
    for row, high in ((top, 1 - (rows - top)), (top + 1, rows - top)):
        for column, wide in ((left, 1 - (columns - left)), (left + 1, columns - left)):
            turned += _weighted(images, row, column, high * wide)
    return turned


def _weighted(images: Array, row: Array, column: Array, weight: Array) -> Array:
    """The cells at places ``[N, H, W]`` times a weight; beyond the border they are 0."""
    inside, values = _at(images, row, column)
    weight = jnp.where(inside, weight, 0)
    return values * weight.reshape(*weight.shape, *(1,) * (images.ndim - 3))


def _cells(images: Array, row: Array, column: Array) -> Array:
    """The classes at places ``[N, H, W]``; beyond the border they count nowhere."""
    inside, values = _at(images, row, column)
    return jnp.where(inside.reshape(*inside.shape, *(1,) * (images.ndim - 3)), values, IGNORED)


def _at(images: Array, row: Array, column: Array) -> tuple[Array, Array]:
    """Whether places ``[N, H, W]`` are on the image, and the cells there."""
    height, width = images.shape[1:3]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    rows = jnp.clip(row, 0, height - 1).astype(jnp.int32)
    columns = jnp.clip(column, 0, width - 1).astype(jnp.int32)
    example = jnp.arange(images.shape[0])[:, None, None]
    return inside, images[example, rows, columns]
