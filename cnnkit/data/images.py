"""Folders of images, a folder for each class."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from cnnkit.data.contents import ON_DISK, Contents
from cnnkit.data.dataset import DEVICE_BUDGET, Array, Dataset, Examples, Inputs
from cnnkit.data.decoding import MODES, Decoding, Header, decoded, other_extents
from cnnkit.data.folders import Listings, listings
from cnnkit.data.reading import (
    GREY,
    Progress,
    common_dtype,
    headers_of,
    outcomes_of,
    problems_of,
    require_sound,
    unseen,
)
from cnnkit.errors import DataError
from cnnkit.layers.shape import show

Shape = tuple[int, int, int]


class ImageArray:
    """Images in files, decoded when they are indexed: with n indices ``[n, H, W, C]``.

    Args:
        contents: What is in the files.

    Attributes:
        paths: The files.
        shape: ``(N, H, W, C)``.
        dtype: The type that holds the values of all files.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        shape: Shape,
        decoding: Decoding,
        dtype: str = "uint8",
        contents: Contents = ON_DISK,
    ) -> None:
        self.paths = tuple(paths)
        self.shape = (len(self.paths), *shape)
        self.dtype = np.dtype(dtype)
        self._decoded = partial(decoded, shape=shape, decoding=decoding)
        self._contents = contents

    @property
    def nbytes(self) -> int:
        """The bytes of all images, decoded."""
        count, height, width, channels = self.shape
        return count * height * width * channels * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Any) -> Array:
        chosen = np.arange(len(self))[index]
        if chosen.ndim == 0:
            return self._decode(int(chosen))
        pixels = np.empty((len(chosen), *self.shape[1:]), self.dtype)
        images = self._pool.map(self._decode, chosen.tolist())
        for place, image in enumerate(images):
            pixels[place] = image
        return pixels

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="decode")

    def read(self, progress: Progress = unseen, places: Sequence[str] = ()) -> Array:
        """All of them.

        Args:
            progress: Is told how many there are.
            places: Where each file is named, for messages.

        Raises:
            DataError: All files that are damaged.
        """
        pixels = np.empty(self.shape, self.dtype)

        def fill(place: int) -> None:
            pixels[place] = self._decode(place)

        require_sound(outcomes_of(fill, range(len(self)), progress), places)
        return pixels

    def faults(self) -> list[str]:
        """What is wrong with those files that cannot be decoded."""
        outcomes = outcomes_of(lambda place: len(self._decode(place)), range(len(self)))
        return problems_of(outcomes, ())

    def _decode(self, place: int) -> Array:
        path = self.paths[place]
        return self._decoded(path, content=self._contents.of(path))


def read(
    folder: Path,
    *,
    test: Path | None = None,
    shape: tuple[int, ...] | None = None,
    decoding: Decoding | None = None,
    skip: bool = False,
    budget: int = DEVICE_BUDGET,
    progress: Progress = unseen,
) -> Dataset:
    """The data set in a folder of class folders, in the values that its files have.

    Images are turned upright as their EXIF data says, and made grey, RGB or RGBA as the channels
    say. What is larger than the budget stays in its files and is decoded when it is indexed.

    Args:
        folder: The folder; see ``folders.listings``.
        test: Another such folder, with the test split.
        shape: ``(H, W, C)`` to bring the images to; by default the commonest extents, and one
            channel where all images are grey.
        decoding: How.
        skip: Whether to go on without files that are damaged; the data set's notes name them.
        budget: The bytes up to which all images are decoded at once.
        progress: Is told how many images are decoded, and how many there are.

    Raises:
        DataError: All files that are damaged or do not fit.
        UsageError: A folder does not exist.
    """
    extents = extents_of(shape, folder)
    found = listings(folder, test)
    dataset = of_listings(
        found,
        folder.resolve().name,
        folder,
        extents,
        decoding=decoding or Decoding(),
        skip=skip,
        budget=budget,
        progress=progress,
    )
    if found.root == folder:
        return dataset
    note = f"the class folders are those of {found.root}"
    return replace(dataset, notes=(note, *dataset.notes))


def extents_of(shape: tuple[int, ...] | None, where: Path) -> Shape | None:
    """An input's shape as that of images, height, width and channels.

    Raises:
        DataError: It is none.
    """
    if shape is None:
        return None
    if len(shape) != 3 or shape[-1] not in MODES:
        raise DataError(
            f"{where} has images: they need an `input:` of height, width and channels, of which "
            f"1 is grey, 3 is RGB and 4 is RGBA; this one is {show(shape)}"
        )
    return shape[0], shape[1], shape[2]


def of_listings(
    found: Listings,
    name: str,
    folder: Path,
    extents: Shape | None,
    *,
    decoding: Decoding,
    skip: bool,
    budget: int,
    progress: Progress,
    contents: Contents = ON_DISK,
) -> Dataset:
    """The data set of files that were found.

    Args:
        found: The files of each split.
        name: What the data set is called.
        folder: What the names of files are seen from.
        extents: What to bring the images to; None for the commonest.
        decoding: How.
        skip: Whether to go on without files that are damaged.
        budget: The bytes up to which all images are decoded at once.
        progress: Is told how many images are decoded, and how many there are.
        contents: What is in the files.

    Raises:
        DataError: All files that are damaged or do not fit.
    """
    notes: list[str] = []
    if skip:
        found, damaged = _without_damaged(found)
        notes = [f"left out: {problem}" for problem in damaged]
    train, validation = found.of_training()
    parts = [part for part in (train, found.parts.get("test")) if part is not None]
    paths = [path for part in parts for path in part.paths]
    places = [place for part in parts for place in part.places]
    headers = headers_of(paths, places, contents)
    extents = extents or _usual(headers)
    if decoding.fit == "none":
        _require(extents, paths, headers)
    dtype = common_dtype(paths, headers)
    images: list[Inputs] = [
        ImageArray(part.paths, extents, decoding, dtype, contents) for part in parts
    ]
    if sum(each.nbytes for each in images) <= budget:
        pixels = ImageArray(paths, extents, decoding, dtype, contents).read(progress, places)
        images = list(np.split(pixels, [len(train.paths)]))
    examples = [
        Examples(inputs, part.targets, contents.sources(part.paths, folder))
        for part, inputs in zip(parts, images, strict=False)
    ]
    return Dataset(
        name=name,
        train=examples[0],
        test=examples[1] if len(examples) > 1 else None,
        classes=found.classes,
        validation=None if validation is None else np.array(validation, np.int64),
        decoding=decoding,
        notes=tuple(notes),
    )


def _without_damaged(found: Listings) -> tuple[Listings, list[str]]:
    """The listings without files that cannot be decoded, and what is wrong with these.

    Raises:
        DataError: No file can be decoded.
    """
    trial = partial(decoded, shape=(1, 1, 3), decoding=Decoding("stretch"))
    parts, problems = {}, []
    for name, part in found.parts.items():
        outcomes = outcomes_of(trial, part.paths)
        kept = [not isinstance(each, DataError) for each in outcomes]
        problems += problems_of(outcomes, part.places)
        if not any(kept):
            raise DataError(*problems)
        parts[name] = part.chosen(kept)
    return replace(found, parts=parts), problems


def _usual(headers: Sequence[Header]) -> Shape:
    """The commonest extents, and one channel where all images are grey."""
    (height, width), _ = Counter((each.height, each.width) for each in headers).most_common(1)[0]
    return height, width, 1 if all(each.mode in GREY for each in headers) else 3


def _require(shape: Shape, paths: Sequence[Path], headers: Sequence[Header]) -> None:
    problems = [
        other_extents(path, (each.height, each.width), shape[:2])
        for path, each in zip(paths, headers, strict=True)
        if (each.height, each.width) != shape[:2]
    ]
    if problems:
        raise DataError(*problems)
