"""Folders of images and of masks: the class of each pixel, in an image of the same name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from cnnkit.data.contents import ON_DISK, Contents
from cnnkit.data.dataset import Dataset
from cnnkit.data.decoding import Decoding, Fit, header, opened
from cnnkit.data.folders import Listing, Listings
from cnnkit.data.images import extents_of, of_listings
from cnnkit.data.maps import MOST_CLASSES, name_of
from cnnkit.data.partners import Pair, PairsOfSplits
from cnnkit.data.reading import Progress, outcomes_of, require_sound, unseen
from cnnkit.errors import DataError
from cnnkit.layers.shape import show
from cnnkit.spec.model.training import Images
from cnnkit.tasks.task import IGNORED

_SHOWN: Final = 5
_UNKNOWN: Final = -2  # of a colour or a value that no class has


class Key(NamedTuple):
    """What the pixels of masks mean.

    Attributes:
        classes: The names of the classes; empty where they are called by their values.
        values: The value or the colour of each class; empty where values count them.
        ignore: The value of pixels that count nowhere.
    """

    classes: tuple[str, ...]
    values: tuple[int | tuple[int, ...], ...]
    ignore: int | None

    @classmethod
    def of(cls, source: Images) -> Key:
        """That of the fields of a spec."""
        named = source.classes
        if named is None:
            return cls((), (), source.ignore)
        if isinstance(named, Mapping):
            return cls(tuple(named), tuple(named.values()), source.ignore)
        return cls(tuple(named), tuple(range(len(named))), source.ignore)

    @property
    def of_colours(self) -> bool:
        """Whether a class is told by its colour."""
        return any(isinstance(value, tuple) for value in self.values)


def read(
    source: Images,
    parts: PairsOfSplits,
    *,
    shape: tuple[int, ...] | None = None,
    decoding: Decoding | None = None,
    budget: int,
    progress: Progress = unseen,
    contents: Contents = ON_DISK,
) -> Dataset:
    """The data set in a folder of images and one of masks, which have the same names.

    Where both hold the folders `train`, `validation` or `test`, these are its splits. A mask is
    brought to the extents of the input as its image is, by the nearest pixel. All masks are kept
    in memory.

    Args:
        source: The folders, and what the pixels of masks mean.
        parts: Their files.
        shape: ``(H, W, C)``, as of ``images.read``.
        decoding: How images come to it.
        budget: The bytes up to which all images are decoded at once.
        progress: Is told how many images are decoded, and how many there are.
        contents: What is in the files.

    Raises:
        DataError: All that is wrong with the files.
    """
    folder = Path(str(source.images))
    extents, decoding, key = extents_of(shape, folder), decoding or Decoding(), Key.of(source)
    listed = {
        part: Listing(tuple(pair.image for pair in pairs), np.arange(len(pairs), dtype=np.int32))
        for part, pairs in parts.items()
    }
    dataset = of_listings(
        Listings(listed, key.classes, folder),
        folder.resolve().name,
        folder,
        extents,
        decoding=decoding,
        skip=False,
        budget=budget,
        progress=progress,
        contents=contents,
    )
    size = dataset.shape[:2]
    bring = partial(_mask, size=(size[0], size[1]), fit=decoding.fit, key=key, contents=contents)
    outcomes = outcomes_of(bring, [pair for pairs in parts.values() for pair in pairs])
    require_sound(outcomes)
    found = np.stack([each for each in outcomes if not isinstance(each, DataError)])
    count = len(dataset.train)
    train = replace(dataset.train, targets=found[:count])
    test = None if dataset.test is None else replace(dataset.test, targets=found[count:])
    classes = key.classes or tuple(map(str, range(int(found.max(initial=0)) + 1)))
    whole = replace(dataset, train=train, test=test, classes=classes)
    return replace(whole, notes=(*whole.notes, *of_one_class(whole)))


def mask_of(pair: Pair, key: Key, contents: Contents = ON_DISK) -> NDArray[np.int16]:
    """The class of each pixel of an image, in the image's own extents.

    Raises:
        DataError: The mask is damaged, has other extents, or values that are no class.
    """
    classes = _classes(pair.partner, key, contents.of(pair.partner))
    told = header(pair.image, contents.of(pair.image))
    if classes.shape != (told.height, told.width):
        raise DataError(
            f"{pair.partner} is {show(classes.shape)}, and its image {pair.image} is "
            f"{show((told.height, told.width))}: a mask has the extents of its image"
        )
    return classes


def _mask(
    pair: Pair, *, size: tuple[int, int], fit: Fit, key: Key, contents: Contents
) -> NDArray[np.int16]:
    """A mask in the extents of the input, with the class of each pixel."""
    classes = mask_of(pair, key, contents)
    if classes.shape == size:
        return classes
    # The class that counts nowhere is 0 here, so that it is what comes in at the border.
    picture = Image.fromarray((classes - IGNORED).astype(np.int32))
    across, nearest = (size[1], size[0]), Image.Resampling.NEAREST
    if fit == "cover":
        picture = ImageOps.fit(picture, across, nearest)
    elif fit == "contain":
        picture = ImageOps.pad(picture, across, nearest, color=0)
    else:
        picture = picture.resize(across, nearest)
    brought: NDArray[np.int16] = (np.asarray(picture) + IGNORED).astype(np.int16)
    return brought


def _classes(file: Path, key: Key, content: bytes | None) -> NDArray[np.int16]:
    """The class of each pixel of a mask, upright."""
    with opened(file, content) as image:
        upright = ImageOps.exif_transpose(image)
        if key.of_colours:
            return _by_colour(file, np.asarray(upright.convert("RGB")), key)
        if upright.mode not in ("1", "L", "P", "I", "I;16", "I;16B", "I;16L", "I;16N"):
            raise DataError(
                f"{file} is a picture of colours ({upright.mode}), and a mask has the number of a "
                f"class in each pixel: name the colour of each, `classes: {{NAME: [255, 0, 0]}}`"
            )
        return by_value(file, np.asarray(upright).astype(np.int64), key)


def by_value(file: Path, values: NDArray[np.int64], key: Key) -> NDArray[np.int16]:
    """The classes of the whole numbers of a mask.

    Raises:
        DataError: A value is no class.
    """
    found = values.copy()
    if key.values:
        found = np.full(values.shape, _UNKNOWN)
        for number, value in enumerate(key.values):
            found[values == value] = number
    found[(found < 0) | (found >= MOST_CLASSES)] = _UNKNOWN
    # Without names a lone 255 is not taken for the class of this number.
    if not key.values and key.ignore is None:
        found[values == 255] = _UNKNOWN
    if key.ignore is not None:
        found[values == key.ignore] = IGNORED
    if (found == _UNKNOWN).any():
        value = int(values[found == _UNKNOWN][0])
        raise DataError(
            f"{file} has the value {value}, {_known(key)}: name it, "
            f"`classes: {{NAME: {value}}}`, or leave such pixels out, `ignore: {value}`"
        )
    return found.astype(np.int16)


def _by_colour(file: Path, colours: NDArray[np.uint8], key: Key) -> NDArray[np.int16]:
    found = np.full(colours.shape[:2], _UNKNOWN, np.int16)
    for number, value in enumerate(key.values):
        colour = (value,) * 3 if isinstance(value, int) else value
        found[(colours == colour).all(-1)] = number
    if key.ignore is not None:
        found[(colours == key.ignore).all(-1)] = IGNORED
    if (found == _UNKNOWN).any():
        value = colours[found == _UNKNOWN][0].tolist()
        raise DataError(
            f"{file} has the colour {value}, which no class has: name it, "
            f"`classes: {{NAME: {value}}}`; a mask is saved without loss, as PNG"
        )
    return found


def _known(key: Key) -> str:
    if key.values:
        named = zip(key.classes[:_SHOWN], key.values, strict=False)
        return f"and the classes are {', '.join(f'{name} ({value})' for name, value in named)}"
    return "which is seldom a class" if key.ignore is None else "which is too large for a class"


def of_one_class(dataset: Dataset) -> Iterator[str]:
    """Says which masks are all of one class, most often the background."""
    masks = dataset.train.targets
    flat = masks.reshape(len(masks), -1)
    alike = np.flatnonzero((flat == flat[:, :1]).all(1) & (flat[:, 0] != IGNORED))
    if len(alike):
        first = int(alike[0])
        count = "1 mask is" if len(alike) == 1 else f"{len(alike):,} masks are"
        name = dataset.classes[int(flat[first, 0])]
        yield (
            f"{count} of one class throughout, the first that of {name_of(dataset.train, first)}: "
            f"`{name}`"
        )
