"""One image file as pixels: upright, in the channels and extents of the network's input."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from cnnkit.data.dataset import written
from cnnkit.errors import DataError

Fit = Literal["cover", "contain", "stretch", "none"]

MODES: Final = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's mode for a number of channels."""

# Raster formats whose decoders are Pillow's own or well-kept libraries. PostScript, for one, is
# not among them: it would start another program.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
# The pixels from which Pillow itself takes an image for one that is to fill the memory.
_MOST_PIXELS = 89_478_485
_ORIENTATION = 0x0112
_LYING = {5, 6, 7, 8}


class Header(NamedTuple):
    """What a file says of its image before it is decoded: its extents when upright, its mode."""

    height: int
    width: int
    mode: str


def header(path: Path) -> Header:
    """The header of an image.

    Raises:
        DataError: The file is no image, or one too large.
    """
    try:
        with Image.open(path, formats=_FORMATS) as image:
            width, height = image.size
            # Of other formats, Pillow decodes the image to know; few of them are ever turned.
            exif = image.getexif() if image.format in ("JPEG", "MPO") else {}
            if exif.get(_ORIENTATION) in _LYING:
                width, height = height, width
            mode = image.mode
    except Exception as error:  # what a damaged file makes of a decoder is anyone's guess
        raise _damaged(path, error) from None
    if width * height > _MOST_PIXELS:
        raise DataError(
            f"{path} has {width}x{height} pixels; more than {_MOST_PIXELS:,} are not decoded"
        )
    return Header(height, width, mode)


def decoded(path: Path, shape: tuple[int, int, int], fit: Fit) -> NDArray[np.uint8]:
    """The pixels of an image, uint8 ``[H, W, C]`` of a shape.

    Raises:
        DataError: The file is damaged, or with ``none`` of other extents.
    """
    height, width, channels = shape
    try:
        with Image.open(path, formats=_FORMATS) as image:
            # A JPEG can be decoded at a half, a quarter or an eighth of its extents.
            longest = 2 * max(height, width)
            if fit != "none":
                image.draft(None, (longest, longest))
            upright = _toned(ImageOps.exif_transpose(image), MODES[channels])
            fitted = _resized(upright, (width, height), fit)
            pixels = np.asarray(fitted, np.uint8).reshape(*fitted.size[::-1], channels)
    except Exception as error:
        raise _damaged(path, error) from None
    if pixels.shape != shape:
        raise DataError(other_extents(path, pixels.shape[:2], shape[:2]))
    return pixels


def other_extents(path: Path, found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """What is said of an image that is not to be resized, and would have to be."""
    return (
        f"{path} is {written(found)}, not {written(wanted)}: resize it, or let `fit` do so: "
        f"cover, contain or stretch"
    )


def _resized(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    method = Image.Resampling.BILINEAR
    if fit == "cover":
        return ImageOps.fit(image, size, method)
    if fit == "contain":
        return ImageOps.pad(image, size, method)
    return image.resize(size, method) if fit == "stretch" else image


def _toned(image: Image.Image, mode: str) -> Image.Image:
    """The image in a mode of 8 bits a channel."""
    if image.mode == mode:
        return image
    if image.mode.startswith("I;16"):
        # Pillow would cut 16 bits off at 255.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert(mode)
    if image.mode in ("I", "F"):
        raise ValueError("its pixels are numbers of 32 bits: save it with 8 or 16")
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")  # a palette may have transparent entries
    return image.convert(mode)


def _damaged(path: Path, error: Exception) -> DataError:
    if isinstance(error, UnidentifiedImageError):
        known = ", ".join(_FORMATS)
        return DataError(f"{path} is no image that can be read, or is damaged (known are {known})")
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return DataError(f"{path} would unpack to more than {_MOST_PIXELS:,} pixels")
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return DataError(f"{path} cannot be decoded: {reason}")
