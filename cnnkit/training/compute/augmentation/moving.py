"""Augmentations that move what is seen: flip, shift, crop, resized crop, rotation, elastic.

Whole numbers are classes, of which there is no mean: what is linear between cells is for them the
nearest cell, and where zeros come in at a border it is the class that counts nowhere.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray

from cnnkit.spec.model.training.augmentation import (
    Elastic,
    Flip,
    RandomCrop,
    ResizedCrop,
    Rotate,
    Shift,
)
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
    return _sampled(images, (rows, columns), fill)


def elastic(augmentation: Elastic, key: Array, images: Array) -> Array:
    """Draws each image out of shape, linear between cells.

    A displacement is drawn for each cell and axis, uniform from −1 to 1, smoothed by a Gaussian and
    multiplied by alpha (Simard et al., 2003); beyond the border there is none.
    """
    spatial = images.shape[1:-1]
    moves = jax.random.uniform(key, (*images.shape[:-1], len(spatial)), minval=-1, maxval=1)
    for axis, extent in enumerate(spatial, 1):
        smooth = jnp.asarray(_gaussian(extent, augmentation.sigma))
        moves = jnp.moveaxis(jnp.moveaxis(moves, axis, -1) @ smooth, -1, axis)
    places = [
        jnp.arange(extent).reshape(-1, *(1,) * (len(spatial) - axis - 1))
        + augmentation.alpha * moves[..., axis]
        for axis, extent in enumerate(spatial)
    ]
    return _sampled(images, places, augmentation.fill)


def _gaussian(extent: int, sigma: float) -> NDArray[np.float32]:
    """What smooths values along an axis, ``[L, L]``: a kernel of the sum 1 about each cell."""
    reach = int(4 * sigma) + 1
    whole = np.exp(-np.square(np.arange(-reach, reach + 1)) / (2 * sigma**2)).sum()
    apart = np.arange(extent)[:, None] - np.arange(extent)[None, :]
    kernel = np.exp(-np.square(apart) / (2 * sigma**2)) / whole
    return np.where(np.abs(apart) <= reach, kernel, 0).astype(np.float32)


def _sampled(images: Array, places: Sequence[Array], fill: str) -> Array:
    """The values at places, linear between the cells about them; of classes the nearest.

    Args:
        images: ``[N, *spatial, ...]``.
        places: Where along each of the spatial axes, ``[N, *spatial]`` each.
        fill: `edge`, or zeros beyond the border; classes count nowhere there.
    """
    if fill == "edge":
        extents = images.shape[1 : 1 + len(places)]
        places = [jnp.clip(at, 0, extent - 1) for at, extent in zip(places, extents, strict=True)]
    if of_classes(images):
        inside, values = _at(images, [_nearest(at) for at in places])
        return jnp.where(_over(inside, images), values, IGNORED)
    sides = [((below := jnp.floor(at), 1 - (at - below)), (below + 1, at - below)) for at in places]
    found = jnp.zeros_like(images)
    for corner in itertools.product(*sides):
        inside, values = _at(images, [place for place, _ in corner])
        weight = functools.reduce(operator.mul, (part for _, part in corner))
        found += values * _over(jnp.where(inside, weight, 0), images)
    return found


def _over(values: Array, images: Array) -> Array:
    """Values of places ``[N, *spatial]`` with axes for all that an image has there."""
    return values.reshape(*values.shape, *(1,) * (images.ndim - values.ndim))


def _at(images: Array, places: Sequence[Array]) -> tuple[Array, Array]:
    """Whether places are on the image, and the cells there."""
    extents = images.shape[1 : 1 + len(places)]
    ends = list(zip(places, extents, strict=True))
    inside = functools.reduce(operator.and_, ((at >= 0) & (at < extent) for at, extent in ends))
    cells = tuple(jnp.clip(at, 0, extent - 1).astype(jnp.int32) for at, extent in ends)
    example = jnp.arange(images.shape[0]).reshape(-1, *(1,) * len(places))
    return inside, images[(example, *cells)]
