"""Files of which each gives several examples: tiles of images, tiles and slices of volumes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cnnkit.data import nifti
from cnnkit.data.contents import ON_DISK, Contents
from cnnkit.data.dataset import Array, Dataset, Examples, Inputs, Sources
from cnnkit.data.decoding import Decoding
from cnnkit.data.images import extents_of
from cnnkit.data.masks import Key, of_one_class
from cnnkit.data.partners import Pair, PairsOfSplits
from cnnkit.data.piece_array import PieceArray
from cnnkit.data.reading import Progress, outcomes_of, require_sound, unseen
from cnnkit.data.tiles import Tiling
from cnnkit.data.whole_files import WholeFiles, of_pictures, of_volumes
from cnnkit.errors import DataError
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.model.training import Images
from cnnkit.tasks.task import IGNORED


def is_of_pieces(source: Images, parts: PairsOfSplits) -> bool:
    """Whether files give several examples each: tiles are asked for, or they are volumes."""
    return source.tiles is not None or nifti.is_nifti(parts["train"][0].image)


def read(
    source: Images,
    parts: PairsOfSplits,
    *,
    shape: Shape | None = None,
    extents: Shape | None = None,
    decoding: Decoding | None = None,
    budget: int,
    progress: Progress = unseen,
    contents: Contents = ON_DISK,
) -> Dataset:
    """The data set of the pieces of images and of their masks.

    Each pixel counts once: in the piece that sees most about it. Of volumes an input of two axes
    takes the slices along the third, one of three axes tiles, or whole volumes.

    Args:
        source: The folders, how images are cut, and what the pixels of masks mean.
        parts: Their files.
        shape: ``(*spatial, C)`` of an input; by default that of the tiles.
        extents: The spatial extents of what the network gives of it; by default those of the input.
        decoding: How pictures become pixels; they are not resized.
        budget: The bytes up to which all pieces are read at once.
        progress: Is told how many files are read, and how many there are.
        contents: What is in the files.

    Raises:
        DataError: All that is wrong with the files.
        MissingExtraError: They are volumes, and nibabel is not installed.
    """
    folder, key = Path(str(source.images)), Key.of(source)
    pairs = [pair for part in parts.values() for pair in part]
    volumes = [pair.image for pair in pairs if nifti.is_nifti(pair.image)]
    if volumes and len(volumes) < len(pairs):
        other = next(pair.image for pair in pairs if not nifti.is_nifti(pair.image))
        raise DataError(
            f"{folder} has volumes and pictures, {volumes[0].name} and {other.name}: give each a "
            f"folder of its own"
        )
    if volumes:
        told = of_volumes(pairs, key)
    else:
        background = (decoding or Decoding()).background
        told = of_pictures(pairs, key, extents_of(shape, folder), background, contents)
    size = _size(source, shape, told)
    tilings = _tilings(source, pairs, told, size, _given(source, size, extents))
    channels = told.channels if shape is None else shape[-1]
    if channels != told.channels:
        raise DataError(
            f"{folder} has volumes of {told.channels} channels, and the input {show(shape or ())}"
        )
    files = [pair.image for pair in pairs]
    targets = _targets(pairs, tilings, told.mask, size)
    sources = _sources(contents.sources(files, folder), tilings)
    counts = {
        part: sum(map(len, tilings[start : start + len(parts[part])]))
        for part, start in zip(parts, _starts(parts.values()), strict=True)
    }
    count, test = sum(counts.values()) - counts.get("test", 0), "test" in counts
    open_files = len(files) - len(parts.get("test", ()))
    inputs = [
        PieceArray(files[part], tilings[part], (*size, channels), told.dtype, told.image)
        for part in (slice(0, open_files), slice(open_files, None))
    ]
    held: list[Inputs] = [*inputs]
    if sum(each.nbytes for each in inputs) <= budget:
        held = [each.read(progress) for each in inputs if len(each)]
    examples = [
        Examples(each, targets[part], sources.some(part))
        for each, part in zip(held, (slice(0, count), slice(count, None)), strict=False)
    ]
    own = counts.get("validation")
    whole = Dataset(
        name=folder.resolve().name,
        train=examples[0],
        test=examples[1] if test else None,
        classes=key.classes or tuple(map(str, range(int(targets.max(initial=0)) + 1))),
        validation=None if own is None else np.arange(count - own, count),
        decoding=None if volumes else replace(decoding or Decoding(), fit="none"),
        notes=told.notes,
    )
    return replace(whole, notes=(*whole.notes, *of_one_class(whole)))


def _given(source: Images, size: Shape, extents: Shape | None) -> Shape:
    """The extents of what a network gives of a tile.

    Raises:
        DataError: It gives none, or more than it sees.
    """
    if source.tiles is None or extents is None or extents == size:
        return size
    if len(extents) != len(size) or any(a > b for a, b in zip(extents, size, strict=True)):
        raise DataError(
            f"{Path(str(source.images)).resolve().name} is cut into tiles of {show(size)}, and the "
            f"network gives {show(extents) if extents else 'one vector'} of each: give it the "
            f"extents of its input, as by `padding: same`, or less, or leave `tiles` out"
        )
    return extents


def _starts(parts: Iterable[Sequence[Pair]]) -> Iterator[int]:
    """Where the files of each split begin."""
    start = 0
    for part in parts:
        yield start
        start += len(part)


def _size(source: Images, shape: Shape | None, told: WholeFiles) -> tuple[int, ...]:
    """The spatial extents of a piece."""
    axes = len(told.extents[0]) if shape is None else len(shape) - 1
    said = None if source.tiles is None else source.tiles.extents(axes)
    if shape is None:
        if said is None and source.tiles is not None:
            raise DataError(
                f"{source.images} is to be cut into tiles, of which neither an input nor "
                f"`tiles: {{size: 256}}` says the size"
            )
        return said or Counter(told.extents).most_common(1)[0][0]
    if said is not None and said != shape[:-1]:
        raise DataError(
            f"`tiles` has the size {show(said)}, and the network's input is {show(shape[:-1])}: "
            f"leave `size` out, or give the input that of the tiles"
        )
    if axes not in (len(told.extents[0]), 2):
        raise DataError(
            f"{source.images} has images of {len(told.extents[0])} axes, and the input "
            f"{show(shape)} has {axes}"
        )
    return shape[:-1]


def _tilings(
    source: Images, pairs: Sequence[Pair], told: WholeFiles, size: Shape, given: Shape
) -> list[Tiling]:
    """How each file is cut; without tiles it has the extents of the input, or slices that have.

    Args:
        source: What is asked for.
        pairs: The files.
        told: What is known of them.
        size: The extents of what the network sees.
        given: The extents of what it gives of that.

    Raises:
        DataError: Without tiles some file has other extents.
    """
    overlap = 0.0 if source.tiles is None else source.tiles.overlap
    faults = []
    for pair, extents in zip(pairs, told.extents, strict=True):
        if source.tiles is None and extents[: len(size)] != size:
            faults.append(
                f"{pair.image} is {show(extents)}, and the network's input is {show(size)}: "
                f"volumes are not resized; cut them into tiles, `tiles: {{overlap: 0.25}}`, or "
                f"resample them"
            )
    if faults:
        raise DataError(*faults)
    return [
        Tiling(
            extents,
            _along(given, len(extents)),
            overlap,
            () if given == size else _along(size, len(extents)),
        )
        for extents in told.extents
    ]


def _along(size: Shape, axes: int) -> Shape:
    """The extents of a piece of a file of so many axes: a slice is of one cell."""
    return (*size, *(1,) * (axes - len(size)))


def _targets(
    pairs: Sequence[Pair],
    tilings: Sequence[Tiling],
    mask: Callable[[Pair], Array],
    size: tuple[int, ...],
) -> Array:
    """The masks of all pieces, int16 ``[N, *size]``, each pixel in one of them."""

    def pieces(number: int) -> Array:
        found = list(tilings[number].cut_once(mask(pairs[number]), IGNORED))
        return np.stack(found).reshape(-1, *size)

    outcomes = outcomes_of(pieces, range(len(pairs)))
    require_sound(outcomes)
    return np.concatenate([each for each in outcomes if not isinstance(each, DataError)])


def _sources(of_files: Sources, tilings: Sequence[Tiling]) -> Sources:
    """The file of each piece, and where in it it is."""
    found = [
        (path, digest, tiling.shown(window))
        for path, digest, tiling in zip(of_files.paths, of_files.digests, tilings, strict=True)
        for window in tiling.windows()
    ]
    paths, digests, parts = zip(*found, strict=True)
    return Sources(paths, digests, parts)
