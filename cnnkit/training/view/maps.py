"""Maps that a network gives, in files: masks with a palette, images, arrays, and overlays."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnkit.data.decoding import MODES
from cnnkit.data.layout import SUFFIXES
from cnnkit.data.listing import Refused
from cnnkit.data.nifti import is_nifti, written
from cnnkit.data.palette import PALETTE
from cnnkit.errors import UsageError
from cnnkit.layers.shape import show
from cnnkit.training.store.files import told_of_full_disk, write_atomic
from cnnkit.training.use.naming import Prediction
from cnnkit.training.view.samples import colours

Kind = Literal["png", "npy"]
_OPACITY: Final = 0.5
_OVERLAY: Final = "-overlay"
_OF_VOLUME: Final = 4
"""The axes of a volume's map, its channels with them."""
_ENDING: Final = re.compile(r"(?:\[(\d+)\]|:(\d+))$")


@dataclass
class MapFiles:
    """A folder that maps are written to, each named after its input.

    Attributes:
        folder: Where to; it is made where it is missing.
        kind: Masks and images as PNG and those of NIfTI as it, or arrays as NumPy has them.
        overlay: Whether each image is written with the classes laid over it, too.
        keeps: Whether files that are there are kept, for they may be asked about yet.
    """

    folder: Path
    kind: Kind
    overlay: bool = False
    keeps: bool = False
    _taken: set[str] = field(default_factory=set)

    def require(self, shape: tuple[int, ...], *, of_classes: bool) -> None:
        """Raises where maps of a shape ``[*spatial, K]`` cannot be written so.

        Raises:
            UsageError: They are no pictures.
        """
        flat = len(shape) == 3
        pictures = flat and (shape[-1] <= len(PALETTE) if of_classes else shape[-1] in MODES)
        # Those of volumes are known by the files, which are told one by one.
        if self.kind == "png" and not pictures and len(shape) != _OF_VOLUME:
            raise UsageError(_no_pictures(shape))
        if self.overlay and not (flat and of_classes):
            raise UsageError("--overlay lays the classes of pixels over images of two axes")

    def written(self, found: Iterable[Prediction | Refused]) -> Iterator[Prediction | Refused]:
        """The predictions, each once its map is written, with the name of its file.

        Raises:
            UsageError: The folder cannot be written to, or holds what is asked about.
            DiskFullError: The disk is full.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for each in found:
                yield each if isinstance(each, Refused) else self._written(each)
        except OSError as error:
            raise UsageError(f"cannot write {self.folder}: {error.strerror or error}") from None

    def _written(self, found: Prediction) -> Prediction:
        if (map_ := found.map) is None:
            return found
        self.require_elsewhere(found.file)
        ending, content = self._content(found.file, map_)
        name = self._name(found)
        path = self.folder / f"{name}.{ending}"
        contents = {path: content}
        if self.overlay and found.image is not None:
            laid = laid_over(found.image, map_)
            contents[self.folder / f"{name}{_OVERLAY}.png"] = _png(Image.fromarray(laid))
        for each in contents:
            self._require_free(each)
        with told_of_full_disk(self.folder):
            for each, bytes_ in contents.items():
                write_atomic(each, bytes_)
        return replace(found, path=str(path))

    def require_elsewhere(self, named: str | Path) -> None:
        """Raises where files of maps would be written over what is asked about.

        Args:
            named: A file, an example of one, or a folder that is looked through for files.

        Raises:
            UsageError: The folder of maps is that of the file, or lies in the folder.
        """
        own = self.folder.resolve()
        path = Path(_ENDING.sub("", str(named)))
        if path.is_dir() and own.is_relative_to(path.resolve()):
            raise UsageError(
                f"{self.folder} lies in {named}, where files are looked for, so that maps would be "
                f"taken for inputs: give --maps another folder"
            )
        # A link is written over where it is, and what it leads to where that is.
        if self._writes(path) and own in (path.parent.resolve(), path.resolve().parent):
            raise UsageError(
                f"{named} lies in {self.folder}, where maps would be written over such files: give "
                f"--maps another folder"
            )

    def _writes(self, path: Path) -> bool:
        """Whether files are written that are called as this one may be."""
        if path.suffix.lower() in SUFFIXES or is_nifti(path):
            return self.kind == "png" or self.overlay
        return self.kind == "npy" and path.suffix.lower() == ".npy"

    def _require_free(self, path: Path) -> None:
        if self.keeps and os.path.lexists(path):
            raise UsageError(
                f"{path} is there, and standard input may name it yet: give --maps an empty folder"
            )

    def _content(self, file: str, values: NDArray[Any]) -> tuple[str, bytes]:
        """How the file of a map ends, and what is in it."""
        if self.kind == "npy":
            return "npy", _array(values)
        if is_nifti(file):
            return "nii.gz", written(values, Path(file))
        spatial = values.ndim - (values.dtype.kind not in "iu")
        if spatial != _OF_VOLUME - 2:
            raise UsageError(_no_pictures(values.shape))
        return "png", _picture(values)

    def _name(self, found: Prediction) -> str:
        """A name that is free: `scan` of `a/scan.png`, `scans-3` of `scans.npz[3]`.

        Of several outputs the one that it is of stands behind it: `scan-mask`.
        """
        number = _ENDING.search(found.file)
        path = Path(found.file[: number.start()] if number else found.file)
        path = path.with_suffix("") if path.name.lower().endswith(".nii.gz") else path
        name = path.stem + (f"-{number[1] or number[2]}" if number else "")
        name += f"-{found.output}" if found.output else ""
        free, count = name, 1
        while self._taken.intersection(self._stems(free)):
            count += 1
            free = f"{name}-{count}"
        self._taken.update(self._stems(free))
        return free

    def _stems(self, name: str) -> tuple[str, ...]:
        """The names of the files of a map."""
        return (name, f"{name}{_OVERLAY}") if self.overlay else (name,)


def _no_pictures(shape: tuple[int, ...]) -> str:
    return f"maps of {show(shape)} are no pictures: write them with --as npy"


def laid_over(image: NDArray[Any], mask: NDArray[Any]) -> NDArray[np.uint8]:
    """An image in grey or colours with its classes over it; what is class 0 or none shows through.

    Args:
        image: ``[H, W, C]``, of 0 to 1, or of any range, which is then spread over it.
        mask: The class of each pixel, ``[H, W]``.
    """
    values = image.astype(np.float64)
    if values.min() < 0 or values.max() > 1:
        low, high = values.min(), values.max()
        values = (values - low) / ((high - low) or 1)
    tones = np.rint(255 * values)
    shown = tones[..., :3] if tones.shape[-1] >= 3 else np.repeat(tones[..., :1], 3, -1)
    covered = np.asarray(mask > 0)[..., None]
    mixed = _OPACITY * colours(mask) + (1 - _OPACITY) * shown
    return np.rint(np.where(covered, mixed, shown)).astype(np.uint8)


def _array(values: NDArray[Any]) -> bytes:
    if values.dtype.kind in "iu" and values.max(initial=0) < len(PALETTE):
        values = values.astype(np.uint8)
    stream = BytesIO()
    np.save(stream, values, allow_pickle=False)
    return stream.getvalue()


def _picture(values: NDArray[Any]) -> bytes:
    if values.dtype.kind in "iu":
        mask = Image.fromarray(values.astype(np.uint8))
        mask.putpalette([channel for colour in PALETTE for channel in colour])
        return _png(mask)
    bytes_ = np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
    return _png(Image.fromarray(bytes_[..., 0] if bytes_.shape[-1] == 1 else bytes_))


def _png(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
