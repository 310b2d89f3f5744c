"""Volumes in files of NIfTI, as medical scanners' images are kept: turned to one orientation.

Axes are those of RAS+: the first goes from left to right, the second from back to front, the third
from the feet to the head. Read and written by nibabel.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.dataset import Array
from cnnkit.errors import CnnkitError, DataError, MissingExtraError
from cnnkit.layers.shape import show

SUFFIXES: Final = (".nii", ".nii.gz")
_MOST: Final = 2**30
"""A volume of more voxels is not read: its header may say anything."""
_RAS: Final = np.array([[0, 1], [1, 1], [2, 1]])


class VolumeHeader(NamedTuple):
    """What a file says of its volume before it is read, its axes turned.

    Attributes:
        extents: The voxels along the three axes.
        channels: The values of a voxel.
        dtype: The type of the values in the file, scaled as it says.
        spacing: The extents of a voxel, in the unit of the file, most often millimetres.
        affine: Where voxels are, ``[4, 4]``.
    """

    extents: tuple[int, int, int]
    channels: int
    dtype: str
    spacing: tuple[float, float, float]
    affine: NDArray[np.float64]


def is_nifti(path: str | Path) -> bool:
    """Whether a file is one of NIfTI, by its name."""
    return os.fspath(path).lower().endswith(SUFFIXES)


def header(path: Path) -> VolumeHeader:
    """The header of a volume.

    Raises:
        DataError: The file is damaged, or has other than two to four axes.
        MissingExtraError: nibabel is not installed.
    """
    with _opened(path) as image:
        shape = (*image.shape, 1, 1)[: max(4, len(image.shape))]
        spacing = (*map(float, image.header.get_zooms()[:3]), 1.0, 1.0)
        turn = _turn(image)
        # Of each axis of the file where it comes to.
        place = {int(axis): own for own, axis in enumerate(turn[:, 0])}
        x, y, z = (int(shape[place[axis]]) for axis in range(3))
        right, front, up = (spacing[place[axis]] for axis in range(3))
        affine = image.affine @ _orientations().inv_ornt_aff(turn, shape[:3])
        return VolumeHeader((x, y, z), shape[3], str(_typed(image)), (right, front, up), affine)


def volume(path: Path) -> Array:
    """The values of a volume, ``[*extents, channels]``, of bytes, uint16 or float32.

    Errors are those of ``header``.
    """
    with _opened(path) as image:
        values = np.asarray(image.dataobj)
        values = values.reshape((*values.shape, 1, 1)[: max(4, values.ndim)])
        values = _orientations().apply_orientation(values, _turn(image))
    found: Array = values if values.dtype in (np.uint8, np.uint16) else values.astype(np.float32)
    return found


def labels(path: Path, like: VolumeHeader, image: Path) -> NDArray[np.int64]:
    """The whole numbers of a mask, ``[*extents]``.

    Args:
        path: The file.
        like: The header of the volume that it is of.
        image: Its file.

    Raises:
        DataError: The file is damaged, or does not lie where the volume does.
        MissingExtraError: nibabel is not installed.
    """
    own = header(path)
    if (own.extents, own.channels) != (like.extents, 1):
        raise DataError(
            f"{path} is {show(own.extents)}, and its image {image} is {show(like.extents)}: a mask "
            f"has the extents of its image"
        )
    if not np.allclose(own.affine, like.affine, atol=1e-3):
        raise DataError(
            f"{path} lies elsewhere than its image {image}: their affines differ; resample the "
            f"mask to its image"
        )
    values = volume(path)[..., 0]
    found = np.rint(values)
    if not np.array_equal(found, values):
        value = values[found != values][0]
        raise DataError(
            f"{path} has the value {value:g}, which is no class: a mask has whole numbers"
        )
    return found.astype(np.int64)


def written(values: Array, like: Path) -> bytes:
    """A map as a file of NIfTI that lies where a volume does, with its affine and its orientation.

    Args:
        values: ``[*extents]`` or ``[*extents, channels]``, the axes turned as ``volume`` turns
            them; numbers of 16 bits, or floats.
        like: The file of the volume.

    Raises:
        DataError: That is damaged.
        MissingExtraError: nibabel is not installed.
    """
    with _opened(like) as image:
        back = _orientations().ornt_transform(_RAS, _turn(image))
        turned = _orientations().apply_orientation(values, back)
        # The zoom and the unit go along with the affine; what is scaled in the source is not here.
        made = type(image)(turned, image.affine, image.header)
        made.header.set_data_dtype(values.dtype)
        made.header.set_slope_inter(1, 0)
        return gzip.compress(made.to_bytes(), mtime=0)


def _typed(image: Any) -> np.dtype[Any]:
    """The type that values have once they are scaled."""
    slope, inter = image.dataobj.slope, image.dataobj.inter
    if (slope, inter) != (1, 0):
        return np.dtype(np.float32)
    kind: np.dtype[Any] = image.get_data_dtype().newbyteorder("=")
    return kind


def _orientations() -> Any:
    from nibabel import orientations

    return orientations


def _turn(image: Any) -> NDArray[np.float64]:
    """Where each axis of a file comes to, and whether it is turned about."""
    turn: NDArray[np.float64] = _orientations().io_orientation(image.affine)
    if np.isnan(turn).any():
        raise ValueError("its affine leaves an axis out")
    return turn


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A volume whose values are not read yet."""
    try:
        import nibabel
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{path} is a volume of NIfTI, which is read by nibabel: pip install 'cnnkit[nifti]'"
        ) from error
    try:
        image = _loaded(nibabel, path)
        if image.get_data_dtype().kind not in "iuf":
            raise ValueError(f"its values are of type {image.get_data_dtype()}")  # noqa: TRY301
        if not 2 <= len(image.shape) <= 4 or not all(image.shape):
            raise ValueError(f"it is {show(image.shape)}, and a volume has three axes")  # noqa: TRY301
        if np.prod(image.shape, dtype=object) > _MOST:
            raise ValueError(f"it has more than {_MOST:,} voxels")  # noqa: TRY301
        yield image
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except CnnkitError:
        raise
    except Exception as error:  # what a damaged file makes of a reader is anyone's guess
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"{path} cannot be read as NIfTI: {reason}") from None


def _loaded(nibabel: Any, path: Path) -> Any:
    """An image of either version of the format, and of none that is built upon it."""
    try:
        return nibabel.Nifti1Image.from_filename(path)
    except nibabel.spatialimages.HeaderDataError:
        return nibabel.Nifti2Image.from_filename(path)
