"""Folders of images and of the images that are to come out of them, which have the same names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cnnkit.data.contents import ON_DISK, Contents
from cnnkit.data.dataset import Dataset
from cnnkit.data.decoding import Decoding, Header
from cnnkit.data.folders import Listing, Listings
from cnnkit.data.images import ImageArray, extents_of, of_listings
from cnnkit.data.partners import Pair, PairsOfSplits
from cnnkit.data.reading import GREY, Progress, common_dtype, headers_of, unseen
from cnnkit.errors import DataError
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.model.training import Images

Factor = tuple[int, int]


def read(
    source: Images,
    parts: PairsOfSplits,
    *,
    shape: Shape | None = None,
    decoding: Decoding | None = None,
    budget: int,
    progress: Progress = unseen,
    contents: Contents = ON_DISK,
) -> Dataset:
    """The data set in a folder of images and one of targets, which are images too.

    A target has the extents of its image, or a multiple of them that all targets share; it is
    brought to its extents as its image is. All targets are kept in memory.

    Args:
        source: The folders.
        parts: Their files.
        shape: ``(H, W, C)``, as of ``images.read``.
        decoding: How images come to it.
        budget: The bytes up to which all inputs are decoded at once.
        progress: Is told how many images are decoded, and how many there are.
        contents: What is in the files.

    Raises:
        DataError: All that is wrong with the files.
    """
    folder, decoding = Path(str(source.images)), decoding or Decoding()
    listed = {
        part: Listing(tuple(pair.image for pair in pairs), np.zeros(len(pairs), np.int32))
        for part, pairs in parts.items()
    }
    dataset = of_listings(
        Listings(listed, (), folder),
        folder.resolve().name,
        folder,
        extents_of(shape, folder),
        decoding=decoding,
        skip=False,
        budget=budget,
        progress=progress,
        contents=contents,
    )
    pairs = [pair for each in parts.values() for pair in each]
    files = [pair.partner for pair in pairs]
    headers = headers_of(files, (), contents)
    of_images = headers_of([pair.image for pair in pairs], (), contents)
    down, across = _factor(pairs, headers, of_images)
    channels = 1 if all(each.mode in GREY for each in headers) else 3
    extents = (down * dataset.shape[0], across * dataset.shape[1], channels)
    targets = ImageArray(files, extents, decoding, common_dtype(files, headers), contents).read()
    count = len(dataset.train)
    train = replace(dataset.train, targets=targets[:count])
    test = None if dataset.test is None else replace(dataset.test, targets=targets[count:])
    return replace(dataset, train=train, test=test)


def _factor(
    pairs: Sequence[Pair], of_targets: Sequence[Header], of_images: Sequence[Header]
) -> Factor:
    """How many pixels of a target there are to one of its image, down and across.

    Raises:
        DataError: That is no whole number, or another of other files.
    """
    first: Factor | None = None
    faults = []
    for pair, of_target, of_image in zip(pairs, of_targets, of_images, strict=True):
        own, its = (of_image.height, of_image.width), (of_target.height, of_target.width)
        factor = its[0] // own[0], its[1] // own[1]
        whole = (factor[0] * own[0], factor[1] * own[1]) == its
        first = first or (factor if whole and min(factor) else None)
        if not whole or factor != first:
            faults.append(
                f"{pair.partner} is {show(its)}, and its image {pair.image} is {show(own)}: a "
                f"target has the extents of its image, or the same multiple of them as all others"
            )
    if faults or first is None:
        raise DataError(*faults)
    return first
