"""Augmentation on the device: random changes of a batch as one pure function of a key.

Images are float32 ``[N, *spatial, C]`` with one to three spatial axes, before they are
standardized; each example is changed by random numbers of its own. From one key come those of all
augmentations, so that a step of the training is the same whenever it is done.

Targets with spatial extents go where their images go, by the same random numbers: classes of pixels
by the nearest cell, images linearly. What changes values alone leaves them as they are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
from jax import Array

from cnnkit.errors import Finding, SpecError
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.model.training import Augmentation
from cnnkit.spec.model.training import augmentation as kinds
from cnnkit.spec.model.training.augmentation import no_maps
from cnnkit.training.compute.augmentation import color, erasing, mixing, moving
from cnnkit.training.compute.loss import dense

__all__ = ["Augment", "make_augmentation", "of_several"]

Augment = Callable[..., tuple[Any, Any]]
"""``(key, images [N, *spatial, C], targets, epoch=0) -> (images, targets)``; of several by name."""

_STEPS = 255
_LARGEST = 2.0**22


def make_augmentation(
    augment: Sequence[Augmentation],
    shape: Shape,
    classes: int | None = None,
    *,
    maps: bool | Collection[str] = False,
) -> Augment:
    """The augmentations of a recipe, one after the other.

    Args:
        augment: What the recipe says.
        shape: The shape of one example, channels last.
        classes: The outputs of the network. Needed to mix targets that are classes: they go out
            as probabilities, float32 ``[N, K]``.
        maps: Whether targets have spatial extents: what moves an image moves them alike. Of
            several outputs the names of those that have.

    Raises:
        SpecError: One of them does not fit the shape, or mixes targets that are maps.
    """
    misfits = [fault for each in augment if (fault := each.misfit(shape))]
    if maps:
        misfits += [no_maps(each) for each in augment if each.mixes]
    if misfits:
        raise SpecError([Finding(f.rule, "error", f.message, f.help) for f in misfits])

    by_turns = any(each.by_turns for each in augment)

    def augmented(
        key: Array, images: Array, targets: Any, epoch: Array | int = 0
    ) -> tuple[Array, Any]:
        turn = _turn(images, epoch) if by_turns else None
        for index, each in enumerate(augment):
            own = jax.random.fold_in(key, index)
            if each.mixes:
                outputs = classes if targets.ndim == 1 else targets.shape[-1]
                if outputs is None:
                    raise ValueError("to mix classes their number is needed")
                targets = dense(targets, outputs)
                images, targets = _MIXED[type(each)](each, own, images, targets)
                continue
            images = _some(each, own, images, turn)
            if maps and each.moves:
                move = functools.partial(_moved, each, own, shape[:-1], turn)
                if isinstance(maps, bool):
                    targets = move(targets)
                else:
                    targets = {**targets, **{name: move(targets[name]) for name in maps}}
        return images, targets

    return augmented


def _turn(images: Array, epoch: Array | int) -> Array:
    """Which examples are mirrored in an epoch, bool ``[N]``: each in every second one.

    A hash of its values, in steps of 1/255, says which examples begin: so it does not matter where
    in the data an example stands, nor what an earlier augmentation makes of it.
    """
    values = jnp.clip(jnp.round(images * _STEPS), -_LARGEST, _LARGEST).astype(jnp.int32)
    factors = jax.random.bits(jax.random.key(0), images.shape[1:])
    axes = tuple(range(1, images.ndim))
    drawn = (values.astype(jnp.uint32) * factors).sum(axes, dtype=jnp.uint32) >> 31
    return (drawn + jnp.asarray(epoch, jnp.uint32)) % 2 == 1


def _moved(
    augmentation: Augmentation, key: Array, extents: Shape, turn: Array | None, targets: Array
) -> Array:
    """Targets with the extents of the images, moved as these are by the same key.

    Classes are whole numbers, of which the nearest is taken: none comes up that was not there but
    that of pixels that count nowhere, which come in at a border.
    """
    of_classes = jnp.issubdtype(targets.dtype, jnp.integer)
    maps = targets[..., None] if of_classes else targets
    if maps.shape[1:-1] != extents and not isinstance(augmentation, kinds.Flip):
        raise SpecError([_other_extents(augmentation, maps.shape[1:-1], extents)])
    moved = _some(augmentation, key, maps, turn)
    return moved[..., 0] if of_classes else moved


def _other_extents(augmentation: Augmentation, targets: Shape, images: Shape) -> Finding:
    return Finding(
        "wrong-value",
        "error",
        f"`{augmentation.kind}` moves images of {show(images)} and targets of {show(targets)} "
        f"alike, which have not the same extents",
        "leave it out, or take `flip`, which fits any extents",
    )


def of_several(
    augment: Sequence[Augmentation],
    shapes: Mapping[str, Shape],
    *,
    maps: bool | Collection[str] = False,
) -> Augment:
    """The augmentations of examples with several inputs: all images of one are changed alike.

    The images are laid together along their channels and changed as one, so that what lies at one
    place in them still does. Inputs without spatial axes stay as they are.

    Args:
        augment: What the recipe says.
        shapes: The shape of each input by its name; those of images have the same extents.
        maps: As of ``make_augmentation``.
    """
    images = {name: shape for name, shape in shapes.items() if len(shape) > 1}
    if not augment or not images:
        return lambda _, inputs, targets, *__: (inputs, targets)
    widths = [shape[-1] for shape in images.values()]
    extents = next(iter(images.values()))[:-1]
    whole = make_augmentation(augment, (*extents, sum(widths)), maps=maps)
    cuts = [sum(widths[: index + 1]) for index in range(len(widths) - 1)]

    def augmented(key: Array, inputs: Any, targets: Any, epoch: Array | int = 0) -> tuple[Any, Any]:
        joined = jnp.concatenate([inputs[name] for name in images], axis=-1)
        joined, targets = whole(key, joined, targets, epoch)
        changed = dict(zip(images, jnp.split(joined, cuts, axis=-1), strict=True))
        return {**inputs, **changed}, targets

    return augmented


def _some(
    augmentation: Augmentation, key: Array, images: Array, turn: Array | None = None
) -> Array:
    """The images, of which a part is changed: as the probability says, or whose turn it is."""
    chosen, random = jax.random.split(key)
    changed = _CHANGED[type(augmentation)](augmentation, random, images)
    if augmentation.probability == 1:
        return changed
    if turn is not None and augmentation.by_turns:
        some = turn
    else:
        some = jax.random.bernoulli(chosen, augmentation.probability, images.shape[:1])
    return jnp.where(some.reshape(-1, *(1,) * (images.ndim - 1)), changed, images)


_CHANGED: Final[Mapping[type[Augmentation], Callable[[Any, Array, Array], Array]]] = {
    kinds.Flip: moving.flip,
    kinds.Shift: moving.shift,
    kinds.RandomCrop: moving.crop,
    kinds.ResizedCrop: moving.resized_crop,
    kinds.Rotate: moving.rotate,
    kinds.Elastic: moving.elastic,
    kinds.Erase: erasing.erase,
    kinds.Cutout: erasing.cutout,
    kinds.Color: color.color,
    kinds.Noise: color.noise,
}
_MIXED: Final[
    Mapping[type[Augmentation], Callable[[Any, Array, Array, Array], tuple[Array, Array]]]
] = {
    kinds.Mixup: mixing.mixup,
    kinds.Cutmix: mixing.cutmix,
}
