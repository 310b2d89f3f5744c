"""Targets with spatial extents: the class of each pixel, or its values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, cast

import numpy as np

from cnnkit.data.dataset import Array, Dataset, Examples, Range
from cnnkit.data.scaling import OF_BYTES, RANGES, scaled
from cnnkit.errors import DataError
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.model.training import Loss
from cnnkit.tasks.task import IGNORED

MOST_CLASSES: Final = 1000
"""A value above is no class: masks are of few."""
_CHUNK = 256


def spatial_of(dataset: Dataset, shape: Shape | None) -> int:
    """How many spatial axes the examples of a network have.

    Args:
        dataset: The examples, of which grey ones may lack the axis of their one channel.
        shape: The network's input, where it is known.
    """
    if shape is not None:
        return len(shape) - 1
    targets = dataset.train.targets.shape
    alike = targets[1:] == dataset.shape and dataset.train.targets.dtype.kind in "iu"
    return len(dataset.shape) - (0 if alike and len(targets) == 3 else 1)


def as_masks(dataset: Dataset, spatial: int, ignore: int | None = None) -> Dataset:
    """The data set with targets that are the class of each pixel, int16 ``[N, *spatial]``.

    Args:
        dataset: Its targets are whole numbers, or floats that are such, with or without an axis of
            one channel.
        spatial: The spatial axes of an example.
        ignore: The value of pixels that count nowhere; they become ``IGNORED``.

    Raises:
        DataError: A value is no class.
    """

    def masked(name: str, part: Examples) -> Examples:
        masks = np.asarray(part.targets)
        if masks.ndim == spatial + 2 and masks.shape[-1] == 1:
            masks = masks[..., 0]
        if masks.ndim == spatial + 2:
            raise DataError(
                f"{dataset.name} ({name}) has masks of {masks.shape[-1]} channels: where a pixel "
                f"may be of several classes at once, give each an output of its own and one of "
                f"these, `targets: {{NAME: ARRAY[0], OTHER: ARRAY[1]}}`; where it is of one, "
                f"number the classes, as np.argmax(targets, axis=-1) does"
            )
        return replace(part, targets=_classes(f"{dataset.name} ({name})", masks, ignore))

    found = _changed(dataset, masked)
    if found.classes or found.train.targets.dtype != np.int16:
        return found
    most = max(int(part.targets.max(initial=0)) for _, part in _parts(found))
    return replace(found, classes=tuple(map(str, range(most + 1))))


def as_images(dataset: Dataset, spatial: int, value_range: Range | None) -> Dataset:
    """The data set with targets that are images, ``[N, *spatial, C]``, bytes or float32.

    Whole numbers without sign are scaled to 0 to 1, as inputs are.

    Args:
        dataset: What was read.
        spatial: The spatial axes of an example.
        value_range: The values that the recipe makes 0 and 1.
    """

    def imaged(_: str, part: Examples) -> Examples:
        images = np.asarray(part.targets)
        if images.ndim == spatial + 1:
            images = images[..., None]
        known = RANGES.get(str(images.dtype))
        chosen = value_range if known is not None and value_range is not None else known
        if chosen == OF_BYTES and images.dtype == np.uint8:
            return replace(part, targets=images)
        return replace(part, targets=scaled(images, chosen))

    found = replace(_changed(dataset, imaged), classes=())
    low, high = _extremes(found.train.targets)
    if found.train.targets.dtype == np.uint8 or (low >= 0 and high <= 1):
        return found
    note = (
        f"the targets of {dataset.name} go from {low:g} to {high:g}: PSNR and SSIM are of values "
        f"from 0 to 1, so scale them"
    )
    return replace(found, notes=(*found.notes, note))


def _extremes(values: Array) -> Range:
    return (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)


def as_inputs(dataset: Dataset) -> Dataset:
    """The data set whose targets are its inputs, scaled as these are."""

    def given(_: str, part: Examples) -> Examples:
        # Of images in files too: targets are indexed as inputs are, and nothing else.
        return replace(part, targets=cast(Array, part.inputs))

    return replace(_changed(dataset, given), classes=())


def map_faults(
    dataset: Dataset, extents: Shape | None, outputs: int | None, loss: Loss | None
) -> list[str]:
    """What is wrong with targets that are maps.

    Args:
        dataset: Whose they are.
        extents: The spatial extents of the network's output; empty of a vector, None of any.
        outputs: The channels of the output; None for any.
        loss: What compares them; None for any.
    """
    return [
        fault
        for name, part in _parts(dataset)
        for fault in _faults(dataset, f"{dataset.name} ({name})", part, extents, outputs, loss)
    ]


def no_maps(dataset: Dataset, extents: Shape) -> str:
    """Says that a network gives a map, and the data have no target for its pixels."""
    return (
        f"{dataset.name} has one target an example, but the network gives {show(extents)} of them: "
        f"end it in `global_mean_pool`, or in `flatten` and a `dense` layer; or take data with a "
        f"target for each pixel, {{images: FOLDER, masks: FOLDER}}"
    )


def pixels_of(classes: Sequence[str], masks: Array) -> dict[str, int]:
    """How many pixels each class has in some masks."""
    counts = np.zeros(len(classes), np.int64)
    for start in range(0, len(masks), _CHUNK):
        some = masks[start : start + _CHUNK]
        counts += np.bincount(some[some >= 0].reshape(-1), minlength=len(counts))[: len(counts)]
    return dict(zip(classes, counts.tolist(), strict=True))


def notes_of(dataset: Dataset) -> tuple[str, ...]:
    """What of masks should be known: classes that none has, and masks without a pixel that counts.

    These hold of the training examples.
    """
    masks = dataset.train.targets
    counts = pixels_of(dataset.classes, masks)
    notes = []
    if absent := [name for name, count in counts.items() if not count]:
        noun = "class" if len(absent) == 1 else "classes"
        named = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
        notes.append(f"no training mask of {dataset.name} has a pixel of the {noun} {named}")
    empty = np.flatnonzero((masks.reshape(len(masks), -1) == IGNORED).all(1))
    if len(empty):
        count = "1 mask has" if len(empty) == 1 else f"{len(empty):,} masks have"
        first = name_of(dataset.train, int(empty[0]))
        notes.append(f"{count} no pixel that counts, the first of {first}")
    return tuple(notes)


def name_of(examples: Examples, index: int) -> str:
    """The file of an example, or its number."""
    return f"example {index}" if examples.sources is None else examples.sources.name(index)


def _faults(
    dataset: Dataset,
    where: str,
    part: Examples,
    extents: Shape | None,
    outputs: int | None,
    loss: Loss | None,
) -> Iterator[str]:
    masks = part.targets.dtype == np.int16
    given = part.targets.shape[1:] if masks else part.targets.shape[1:-1]
    if extents == ():
        yield (
            f"{where} has targets of {show(given)} pixels, but the network gives one vector of "
            f"scores: end it in a map, as `conv: {{filters: CLASSES, kernel: 1}}` does"
        )
        return
    if extents is None and given != part.shape[:-1] and (masks or not _times(given, part.shape)):
        yield (
            f"{where} has targets of {show(given)}, and inputs of {show(part.shape[:-1])}: give "
            f"both the same extents"
        )
    if extents is not None and not _fit(given, extents, part.shape[:-1]):
        yield (
            f"{where} has targets of {show(given)}, but the network gives {show(extents)} of an "
            f"input of {show(part.shape[:-1])}: give the targets the extents of the input, or "
            f"those of the output"
        )
    if masks and (most := int(part.targets.max(initial=0))) >= len(dataset.classes):
        yield (
            f"{where} has a pixel of class {most}, and its classes are {len(dataset.classes)}: "
            f"{', '.join(dataset.classes[:5])}"
        )
        return
    channels = len(dataset.classes) if masks else part.targets.shape[-1]
    if outputs is None:
        return
    if not masks and channels != outputs:
        yield (
            f"{where} has targets of {channels} channels, but the network gives {outputs}: give "
            f"its last layer {channels} filters"
        )
    if masks and channels > max(outputs, 2):
        yield (
            f"{where} has masks of {channels} classes, but the network gives {outputs} scores for "
            f"each pixel: give its last layer {channels} filters, or leave pixels out by `ignore`"
        )
    if masks and outputs == 1 and loss is not None and loss.kind == "categorical_cross_entropy":
        yield f"{where}: {loss.kind} of one output has nothing to learn: give it an output a class"


def _times(given: Shape, shape: Shape) -> bool:
    """Whether images to be given are larger than their inputs, by a whole factor of each axis."""
    return len(given) == len(shape) - 1 and all(
        large % small == 0 for large, small in zip(given, shape, strict=False)
    )


def _fit(given: Shape, extents: Shape, inputs: Shape) -> bool:
    """Whether targets are those of the output, or those of an input that is larger than it."""
    if given == extents:
        return True
    smaller = len(given) == len(extents) and all(
        output <= target for output, target in zip(extents, given, strict=True)
    )
    return given == inputs and smaller


def _classes(where: str, masks: Array, ignore: int | None) -> Array:
    if masks.dtype == np.int16 and ignore is None and masks.min(initial=0) >= IGNORED:
        return masks
    if masks.dtype.kind == "f" and not (np.isfinite(masks).all() and (masks % 1 == 0).all()):
        value = masks[~np.isfinite(masks) | (masks % 1 != 0)][0]
        raise DataError(
            f"{where} has targets such as {value:g}, which are no classes of pixels: save these as "
            f"whole numbers, or take `loss: mean_squared_error`"
        )
    left_out = np.zeros(masks.shape, bool) if ignore is None else masks == ignore
    wrong = ((masks < 0) | (masks >= MOST_CLASSES)) & ~left_out
    usual = 255 if ignore is None else None
    if usual is not None and not wrong.any() and (masks == usual).any():
        others = masks[masks != usual]
        if not len(others) or others.max() < usual - 1:
            wrong = masks == usual
    if wrong.any():
        first = int(np.argmax(wrong.reshape(len(masks), -1).any(1)))
        value = int(masks[wrong][0])
        raise DataError(
            f"{where}: target {first} has the value {value}, and classes count from 0: where such "
            f"pixels are to count nowhere, write `ignore: {value}` beside the data; else number "
            f"the classes, as np.unique(targets, return_inverse=True)[1] does"
        )
    classes = masks.astype(np.int16)
    classes[left_out] = IGNORED
    return classes


def _changed(dataset: Dataset, change: Callable[[str, Examples], Examples]) -> Dataset:
    test = None if dataset.test is None else change("test", dataset.test)
    return replace(dataset, train=change("train", dataset.train), test=test)


def _parts(dataset: Dataset) -> Iterator[tuple[str, Examples]]:
    for name, part in (("train", dataset.train), ("test", dataset.test)):
        if part is not None and len(part):
            yield name, part
