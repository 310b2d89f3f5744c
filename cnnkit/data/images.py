"""Folders of images, a folder for each class."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.dataset import DEVICE_BUDGET, Dataset, Examples, Inputs, written
from cnnkit.data.decoding import MODES, Fit, Header, decoded, header, other_extents
from cnnkit.data.folders import listings
from cnnkit.errors import DataError

Shape = tuple[int, int, int]
S = TypeVar("S")
T = TypeVar("T")
Progress = Callable[[int, int], None]

_GREY = ("1", "L", "I;16", "I;16B", "I;16L", "I;16N")


def unseen(_done: int, _of: int) -> None:
    """Shows no progress."""


class Images:
    """Images in files, decoded when they are indexed: with n indices uint8 ``[n, H, W, C]``.

    Attributes:
        paths: The files.
        shape: ``(N, H, W, C)``.
        fit: How an image comes to these extents.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, paths: Sequence[Path], shape: Shape, fit: Fit) -> None:
        self.paths = tuple(paths)
        self.shape = (len(self.paths), *shape)
        self.fit = fit
        self._decode = partial(decoded, shape=shape, fit=fit)

    @property
    def nbytes(self) -> int:
        """The bytes of all images, decoded."""
        count, height, width, channels = self.shape
        return count * height * width * channels

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Any) -> NDArray[np.uint8]:
        chosen = np.arange(len(self))[index]
        if chosen.ndim == 0:
            return self._decode(self.paths[chosen])
        pixels = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        images = self._pool.map(self._decode, [self.paths[each] for each in chosen.tolist()])
        for place, image in enumerate(images):
            pixels[place] = image
        return pixels

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="decode")

    def decoded(self, progress: Progress = unseen) -> NDArray[np.uint8]:
        """All of them; ``progress`` is told how many there are.

        Raises:
            DataError: All files that are damaged.
        """
        pixels = np.empty(self.shape, np.uint8)

        def fill(place: int) -> None:
            pixels[place] = self._decode(self.paths[place])

        _require_sound(_outcomes(fill, range(len(self)), progress))
        return pixels


def read(
    folder: Path,
    *,
    test: Path | None = None,
    shape: tuple[int, ...] | None = None,
    fit: Fit = "cover",
    budget: int = DEVICE_BUDGET,
    progress: Progress = unseen,
) -> Dataset:
    """The data set in a folder of class folders.

    Images are turned upright as their EXIF data says, and made grey, RGB or RGBA as the channels
    say. What is larger than the budget stays in its files and is decoded when it is indexed.

    Args:
        folder: The folder; see ``folders.listings``.
        test: Another such folder, with the test split.
        shape: ``(H, W, C)`` to bring the images to; by default the commonest extents, and one
            channel where all images are grey.
        fit: How: ``cover`` resizes to cover the extents and cuts at the centre, ``contain``
            resizes to fit inside and pads with zeros, ``stretch`` resizes each axis by itself,
            and ``none`` takes only images that have the extents.
        budget: The bytes up to which all images are decoded at once.
        progress: Is told how many images are decoded, and how many there are.

    Raises:
        DataError: All files that are damaged or do not fit.
        UsageError: A folder does not exist.
    """
    if shape is not None and (len(shape) != 3 or shape[-1] not in MODES):
        raise DataError(
            f"{folder} has images: they need an `input:` of height, width and channels, of which "
            f"1 is grey, 3 is RGB and 4 is RGBA; this one is {written(shape)}"
        )
    found = listings(folder, test)
    train, validation = found.of_training()
    parts = [part for part in (train, found.parts.get("test")) if part is not None]
    paths = [path for part in parts for path in part.paths]
    headers = _headers(paths)
    extents: Shape = (shape[0], shape[1], shape[2]) if shape else _usual(headers)
    if fit == "none":
        _require(extents, paths, headers)
    images: list[Inputs] = [Images(part.paths, extents, fit) for part in parts]
    if len(paths) * extents[0] * extents[1] * extents[2] <= budget:
        pixels = Images(paths, extents, fit).decoded(progress)
        images = list(np.split(pixels, [len(train.paths)]))
    examples = [
        Examples(inputs, np.array(part.labels, np.int32))
        for part, inputs in zip(parts, images, strict=False)
    ]
    return Dataset(
        name=folder.resolve().name,
        train=examples[0],
        test=examples[1] if len(examples) > 1 else None,
        classes=found.classes,
        validation=None if validation is None else np.array(validation, np.int64),
    )


def _headers(paths: Sequence[Path]) -> list[Header]:
    """The headers of all files.

    Raises:
        DataError: All files that are damaged; where one has no header, the others are decoded too,
            so that all are named at once.
    """
    outcomes = _outcomes(header, paths)
    headers = [each for each in outcomes if isinstance(each, Header)]
    if len(headers) == len(paths):
        return headers
    trial = partial(decoded, shape=(1, 1, 3), fit="stretch")
    _require_sound(_outcomes(lambda path: (header(path), trial(path)), paths))
    return headers


def _usual(headers: Sequence[Header]) -> Shape:
    """The commonest extents, and one channel where all images are grey."""
    (height, width), _ = Counter((each.height, each.width) for each in headers).most_common(1)[0]
    return height, width, 1 if all(each.mode in _GREY for each in headers) else 3


def _require(shape: Shape, paths: Sequence[Path], headers: Sequence[Header]) -> None:
    problems = [
        other_extents(path, (each.height, each.width), shape[:2])
        for path, each in zip(paths, headers, strict=True)
        if (each.height, each.width) != shape[:2]
    ]
    if problems:
        raise DataError(*problems)


def _outcomes(
    function: Callable[[S], T], items: Sequence[S], progress: Progress = unseen
) -> list[T | DataError]:
    """What a function gives for each item, or what is wrong with it; in several threads."""

    def outcome(item: S) -> T | DataError:
        try:
            return function(item)
        except DataError as error:
            return error

    outcomes = []
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        # Pillow warns of images that are refused here, and of metadata that no one asked for.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        for number, each in enumerate(pool.map(outcome, items), 1):
            outcomes.append(each)
            progress(number, len(items))
    return outcomes


def _require_sound(outcomes: Sequence[object]) -> None:
    """Raises all that is wrong."""
    faults = [each for each in outcomes if isinstance(each, DataError)]
    if faults:
        raise DataError(*(problem for fault in faults for problem in fault.problems))
