"""What test-time augmentation averages over: an input as it is, moved, and mirrored.

Of a recipe that crops and mirrors these are the ten views of Krizhevsky et al. (2012): the centre
and the four corners, each with its mirror image.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jax import Array

from cnnkit.layers.shape import Shape
from cnnkit.spec.model.training import Augmentation
from cnnkit.spec.model.training.augmentation import Flip, RandomCrop, Shift
from cnnkit.training.compute.augmentation.moving import PADDINGS

Transform = Callable[[Array], Array]
"""``images [N, *spatial, C] -> images``."""

_AXES = {"horizontal": (-2,), "vertical": (-3,), "both": (-2, -3)}


def views_of(augment: Sequence[Augmentation], shape: Shape) -> tuple[Transform, ...]:
    """The views that a network has learnt to take for one; the first is the input itself.

    Args:
        augment: What the recipe says; of it the moves and mirror images are taken.
        shape: The shape of one input, channels last.
    """
    moved = next((each for each in augment if isinstance(each, Shift | RandomCrop)), None)
    places = [_same] if moved is None else _places(moved, shape)
    axes = sorted(
        {axis for each in augment if isinstance(each, Flip) for axis in _AXES[each.direction]}
    )
    mirrors = [
        chosen for count in range(len(axes) + 1) for chosen in itertools.combinations(axes, count)
    ]
    return tuple(_view(place, mirror) for mirror in mirrors for place in places)


def _view(place: Transform, mirror: tuple[int, ...]) -> Transform:
    return lambda images: jnp.flip(place(images), mirror) if mirror else place(images)


def _same(images: Array) -> Array:
    return images


def _places(moved: Shift | RandomCrop, shape: Shape) -> list[Transform]:
    """The centre, and the corners that the move reaches."""
    cells = moved.extents(shape)
    corners = itertools.product(*((0, 2 * cell) if cell else (0,) for cell in cells))
    sides = [(0, 0), *((cell, cell) for cell in cells), (0, 0)]

    def at(corner: tuple[int, ...]) -> Transform:
        window = tuple(
            slice(start, start + extent) for start, extent in zip(corner, shape, strict=False)
        )
        return lambda images: jnp.pad(images, sides, mode=PADDINGS[moved.fill])[:, *window]

    return [_same, *map(at, corners)]
