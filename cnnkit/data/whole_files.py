"""Pictures and volumes as they are in their files, and their masks, before they are cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from cnnkit.data import nifti
from cnnkit.data.contents import ON_DISK, Contents
from cnnkit.data.dataset import Array
from cnnkit.data.decoding import Decoding, decoded
from cnnkit.data.masks import Key, by_value, mask_of
from cnnkit.data.partners import Pair
from cnnkit.data.reading import GREY, common_dtype, headers_of, outcomes_of, require_sound
from cnnkit.errors import DataError


class WholeFiles(NamedTuple):
    """What is known of files before they are read.

    Attributes:
        extents: Those of each file.
        channels: The channels that all have.
        dtype: The type that holds the values of all.
        image: Reads one whole, ``[*extents, C]``.
        mask: Reads the mask of one, int16 ``[*extents]``.
        notes: What should be known of them.
    """

    extents: list[tuple[int, ...]]
    channels: int
    dtype: str
    image: Callable[[Path], Array]
    mask: Callable[[Pair], Array]
    notes: tuple[str, ...] = ()


def of_pictures(
    pairs: Sequence[Pair],
    key: Key,
    shape: tuple[int, int, int] | None,
    background: tuple[int, int, int] | None,
    contents: Contents = ON_DISK,
) -> WholeFiles:
    """Pictures, in the extents that they have when upright.

    Args:
        pairs: The files.
        key: What the pixels of masks mean.
        shape: That of an input, which says the channels; by default these are as in the files.
        background: What is seen through transparent pixels.
        contents: What is in the files.

    Raises:
        DataError: All files that are damaged, or whose values cannot be compared.
    """
    files = [pair.image for pair in pairs]
    headers = headers_of(files, (), contents)
    channels = shape[-1] if shape else 1 if all(each.mode in GREY for each in headers) else 3
    extents = {path: (each.height, each.width) for path, each in zip(files, headers, strict=True)}

    def image(path: Path) -> Array:
        shape = (*extents[path], channels)
        return decoded(path, shape, Decoding("none", background), contents.of(path))

    return WholeFiles(
        list(extents.values()),
        channels,
        common_dtype(files, headers),
        image,
        partial(mask_of, key=key, contents=contents),
    )


def of_volumes(pairs: Sequence[Pair], key: Key) -> WholeFiles:
    """Volumes of NIfTI, their axes turned to RAS+.

    Raises:
        DataError: All files that are damaged, or that do not go together.
        MissingExtraError: nibabel is not installed.
    """
    outcomes = outcomes_of(nifti.header, [pair.image for pair in pairs])
    require_sound(outcomes)
    headers = {
        pair.image: each
        for pair, each in zip(pairs, outcomes, strict=True)
        if isinstance(each, nifti.VolumeHeader)
    }
    if key.of_colours:
        raise DataError(
            f"{pairs[0].partner} is a mask of numbers, and `classes` names colours: name values"
        )
    channels = Counter(each.channels for each in headers.values()).most_common()
    if len(channels) > 1:
        odd = next(path for path, each in headers.items() if each.channels != channels[0][0])
        raise DataError(
            f"{odd} has {headers[odd].channels} values a voxel, and others {channels[0][0]}"
        )
    kinds = {each.dtype for each in headers.values()}
    dtype = kinds.pop() if len(kinds) == 1 else "float32"
    kept = dtype if dtype in ("uint8", "uint16") else "float32"

    def image(path: Path) -> Array:
        return nifti.volume(path).astype(kept)

    def mask(pair: Pair) -> Array:
        found = nifti.labels(pair.partner, headers[pair.image], pair.image)
        return by_value(pair.partner, found, key)

    extents: list[tuple[int, ...]] = [each.extents for each in headers.values()]
    return WholeFiles(extents, channels[0][0], kept, image, mask, tuple(_of_spacing(headers)))


def _of_spacing(headers: dict[Path, nifti.VolumeHeader]) -> Iterator[str]:
    """Says where voxels are not of one size, which a network takes them for."""
    rounded = {path: tuple(round(each, 3) for each in h.spacing) for path, h in headers.items()}
    (usual, _), *others = Counter(rounded.values()).most_common()
    if others:
        odd = next(path for path, spacing in rounded.items() if spacing != usual)
        yield (
            f"the voxels of {odd.name} are {_shown(rounded[odd])}, and those of most volumes "
            f"{_shown(usual)}: resample them to one size"
        )


def _shown(spacing: Sequence[float]) -> str:
    """The extents of a voxel: ``1 x 1 x 2.5``."""
    return " x ".join(f"{each:g}" for each in spacing)
