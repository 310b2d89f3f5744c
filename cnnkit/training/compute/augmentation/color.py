"""Augmentations of the values: brightness, contrast, saturation, hue, noise.

Nothing is cut off at 0 and 1: what follows takes any number.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from cnnkit.spec.model.training.augmentation import Color, Noise

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_RGB = 3


def color(augmentation: Color, key: Array, images: Array) -> Array:
    """Brightness, contrast, saturation and hue, in this order, by a random factor each."""
    keys = jax.random.split(key, 4)

    def factor(number: int, most: float) -> Array:
        drawn = jax.random.uniform(keys[number], images.shape[:1], minval=-most, maxval=most)
        return drawn.reshape(-1, *(1,) * (images.ndim - 1))

    if augmentation.brightness:
        images = images * (1 + factor(0, augmentation.brightness))
    if augmentation.contrast:
        axes = tuple(range(1, images.ndim))
        mean = grey(images).mean(axis=axes, keepdims=True)
        images = mean + (images - mean) * (1 + factor(1, augmentation.contrast))
    if augmentation.saturation:
        images = grey(images) + (images - grey(images)) * (1 + factor(2, augmentation.saturation))
    if augmentation.hue:
        images = turned_hue(images, factor(3, augmentation.hue)[..., 0])
    return images


def grey(images: Array) -> Array:
    """The brightness of each cell, ``[..., 1]``; of what is not RGB the mean of the channels."""
    if images.shape[-1] != _RGB:
        return images.mean(axis=-1, keepdims=True)
    return (images * jnp.array(_LUMA)).sum(axis=-1, keepdims=True)


def turned_hue(images: Array, turns: Array) -> Array:
    """RGB images with the hue of HSV turned by a part of the circle, ``[N, 1, ...]`` without C.

    With the maximum M, the chroma c = M − m and the hue h in sixths, a channel is
    M − c·clip(min(k, 4 − k), 0, 1), where k = (n + h) mod 6 and n = 5, 3, 1 for R, G and B.
    """
    red, green, blue = images[..., 0], images[..., 1], images[..., 2]
    most = images.max(axis=-1)
    chroma = most - images.min(axis=-1)
    safe = jnp.where(chroma > 0, chroma, 1)
    hue = jnp.where(
        most == red,
        (green - blue) / safe,
        jnp.where(most == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = hue + 6 * turns
    channels = []
    for n in (5, 3, 1):
        k = (n + hue) % 6
        channels.append(most - chroma * jnp.clip(jnp.minimum(k, 4 - k), 0, 1))
    return jnp.stack(channels, axis=-1)


def noise(augmentation: Noise, key: Array, images: Array) -> Array:
    """Normal noise on each value."""
    return images + augmentation.deviation * jax.random.normal(key, images.shape)
