"""Augmentations that blank out a box of an image, and the boxes themselves."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from cnnkit.spec.model.training.augmentation import Cutout, Erase


def erase(augmentation: Erase, key: Array, images: Array) -> Array:
    """A rectangle inside each image, of a random area and ratio; of a volume in all its slices."""
    count, (height, width) = images.shape[0], images.shape[-3:-1]
    keys = jax.random.split(key, 4)
    area = jax.random.uniform(
        keys[0], (count,), minval=augmentation.area[0], maxval=augmentation.area[1]
    )
    low, high = jnp.log(jnp.array(augmentation.ratio))
    ratio = jnp.exp(jax.random.uniform(keys[1], (count,), minval=low, maxval=high))
    cells = area * height * width
    sides = []
    for key_, side, extent in (
        (keys[2], jnp.sqrt(cells / ratio), height),
        (keys[3], jnp.sqrt(cells * ratio), width),
    ):
        size = jnp.clip(jnp.round(side), 1, extent)
        start = jnp.floor(jax.random.uniform(key_, (count,)) * (extent - size + 1))
        sides.append((start, start + size))
    return jnp.where(boxes(sides, images), 0, images)


def cutout(augmentation: Cutout, key: Array, images: Array) -> Array:
    """A box around a random cell of each image; what of it is beyond the border is cut off."""
    spatial = images.shape[1:-1]
    sides = []
    for axis, (size, extent) in enumerate(
        zip(augmentation.extents(images.shape[1:]), spatial, strict=True)
    ):
        own = jax.random.fold_in(key, axis)
        centre = jax.random.randint(own, images.shape[:1], 0, extent)
        sides.append((centre - size // 2, centre - size // 2 + size))
    return jnp.where(boxes(sides, images), 0, images)


def boxes(sides: list[tuple[Array, Array]], images: Array) -> Array:
    """Whether a cell is in its image's box, bool ``[N, *spatial, 1]``.

    Args:
        sides: For each of the last spatial axes the first cell and that after the last, ``[N]``.
        images: ``[N, *spatial, C]``, of which only the shape is read.
    """
    inside = jnp.ones((images.shape[0], *(1,) * (images.ndim - 1)), bool)
    for back, (start, stop) in enumerate(reversed(sides), start=2):
        extent = images.shape[-back]
        shape = [images.shape[0], *(1,) * (images.ndim - 1)]
        shape[-back] = extent
        cells = jnp.arange(extent)[None, :]
        within = (cells >= start[:, None]) & (cells < stop[:, None])
        inside &= within.reshape(shape)
    return inside
