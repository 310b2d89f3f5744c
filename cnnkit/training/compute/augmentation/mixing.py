"""Augmentations that mix each example with its neighbour in the batch, and the targets alike.

A batch is in random order, so that the neighbour is a random example.
"""

from __future__ import annotations

from typing import Final

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from cnnkit.spec.model.training.augmentation import Cutmix, Mixup
from cnnkit.training.compute.augmentation.erasing import boxes

_QUANTILES: Final = 4097


def mixup(augmentation: Mixup, key: Array, images: Array, targets: Array) -> tuple[Array, Array]:
    """λ·x + (1 − λ)·x′ of images and of targets ``[N, K]``, λ of a Beta(α, α) for each."""
    chosen, random = jax.random.split(key)
    share = _beta(random, augmentation.alpha, images.shape[0])
    share = jnp.where(_chosen(chosen, augmentation, images), share, 1.0)
    wide = share.reshape(-1, *(1,) * (images.ndim - 1))
    mixed = wide * images + (1 - wide) * jnp.roll(images, 1, axis=0)
    return mixed, _mixed(targets, share)


def cutmix(augmentation: Cutmix, key: Array, images: Array, targets: Array) -> tuple[Array, Array]:
    """A box of the neighbour in each image; its part of the area is the neighbour's of the target.

    The box is 1 − λ of the area, λ of a Beta(α, α), around a random cell and cut off at the border.
    """
    chosen, random, place = jax.random.split(key, 3)
    spatial = images.shape[1:-1]
    share = _beta(random, augmentation.alpha, images.shape[0])
    part = jnp.where(_chosen(chosen, augmentation, images), 1 - share, 0.0) ** (1 / len(spatial))
    sides = []
    for axis, extent in enumerate(spatial):
        own = jax.random.fold_in(place, axis)
        size = jnp.round(part * extent).astype(jnp.int32)
        start = jax.random.randint(own, images.shape[:1], 0, extent) - size // 2
        sides.append((start, start + size))
    inside = boxes(sides, images)
    mixed = jnp.where(inside, jnp.roll(images, 1, axis=0), images)
    return mixed, _mixed(targets, 1 - inside.mean(axis=range(1, images.ndim), dtype=jnp.float32))


def _beta(key: Array, alpha: float, count: int) -> Array:
    """So many draws of a Beta(α, α), as quantiles of uniform ones.

    The quantiles are tabulated once: the rejection sampling of ``jax.random.beta`` takes seconds
    to compile, and a loop in each step.
    """
    from scipy.special import betaincinv  # takes long to import, and few recipes mix

    at = np.linspace(0, 1, _QUANTILES)
    quantiles = jnp.asarray(betaincinv(alpha, alpha, at), jnp.float32)
    drawn = jax.random.uniform(key, (count,))
    return jnp.interp(drawn, jnp.asarray(at, jnp.float32), quantiles)


def _chosen(key: Array, augmentation: Mixup | Cutmix, images: Array) -> Array:
    return jax.random.bernoulli(key, augmentation.probability, images.shape[:1])


def _mixed(targets: Array, share: Array) -> Array:
    return share[:, None] * targets + (1 - share[:, None]) * jnp.roll(targets, 1, axis=0)
