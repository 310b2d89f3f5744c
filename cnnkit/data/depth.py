"""Images of more than 8 bits a channel: Pillow opens them all, and gives the values of some.

Of 16 bits in colour it keeps the upper byte of each value, in the order of bytes that it is told.
The file is decoded twice, the second time with the other order, which gives the lower byte.
"""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

_OTHER: Final = {"B": "L", "L": "B"}
_NATIVE: Final = "L" if sys.byteorder == "little" else "B"
_HALF: Final = 2**8
FULL: Final = 2**16 - 1
"""The largest value of 16 bits."""


def dtype_of(image: Image.Image) -> str:
    """The type that holds the values of an image: ``uint8``, ``uint16`` or ``float32``."""
    raw = _raw_mode(image)
    if image.mode.startswith("I;16") or ";16" in raw or _maximum(image) > _HALF - 1:
        return "uint16"
    return "float32" if image.mode in ("I", "F") else "uint8"


def values(
    image: ImageFile.ImageFile, content: bytes | None = None
) -> NDArray[np.uint16 | np.float32]:
    """The values of an image of more than 8 bits, ``[H, W, C]``, as the file has them.

    Args:
        image: The image, not yet loaded.
        content: What it was opened from, where that is no file.

    Raises:
        ValueError: It is of a kind whose values cannot be had.
    """
    raw, maximum = _raw_mode(image), _maximum(image)
    if dtype_of(image) == "float32":
        return np.asarray(image, np.float32)[..., None]
    if image.mode == "I":  # a PGM, which Pillow stretches to all of 16 bits
        stretched = np.asarray(image, np.float64)[..., None]
        return np.rint(stretched * (maximum or FULL) / FULL).astype(np.uint16)
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)[..., None]
    if maximum:
        raise ValueError("16 bits in colour are read from PNG and TIFF: save it as one of them")
    if raw == "LA;16B":  # its four bytes a pixel are those of an image in RGBA
        whole = _told(image, "RGBA", content).astype(np.uint16)
        return whole[..., 0::2] * _HALF + whole[..., 1::2]
    order = raw[-1] if raw[-1] in _OTHER else _NATIVE
    lower = _told(image, raw[:-1] + _OTHER[order], content)
    return np.asarray(image).astype(np.uint16) * _HALF + lower


def _told(image: ImageFile.ImageFile, raw: str, content: bytes | None) -> NDArray[np.uint8]:
    """The file decoded once more, its pixels taken to lie as another raw mode says."""
    source = image.filename if content is None else BytesIO(content)
    with Image.open(source, formats=[str(image.format)]) as again:
        if raw == "RGBA":
            again._mode = raw
        again.tile = [
            tile._replace(args=raw if isinstance(tile.args, str) else (raw, *tile.args[1:]))  # type: ignore[index]
            for tile in again.tile
        ]
        return np.asarray(again)


def _raw_mode(image: Image.Image) -> str:
    """How Pillow is told that the pixels lie in the file."""
    tiles = getattr(image, "tile", None)
    args = tiles[0].args if tiles else ""
    raw = args if isinstance(args, str) else args[0] if args else ""
    return raw if isinstance(raw, str) else ""


def _maximum(image: Image.Image) -> int:
    """The largest value that the header of a PGM or PPM names, where it needs 16 bits; else 0."""
    tiles = getattr(image, "tile", None)
    if not tiles or not tiles[0].codec_name.startswith("ppm"):
        return 0
    maximum = tiles[0].args[1]
    return int(maximum) if int(maximum) > _HALF - 1 else 0
