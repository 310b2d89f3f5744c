"""One image file as pixels: upright, in the channels and extents of the network's input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageFile, ImageOps, UnidentifiedImageError, features

from cnnkit.data import depth
from cnnkit.errors import DataError
from cnnkit.layers.shape import show

Fit = Literal["cover", "contain", "stretch", "none"]
Colour = tuple[int, int, int]

MODES: Final = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's mode for a number of channels."""

# Raster formats whose decoders are Pillow's own or well-kept libraries. PostScript, for one, is
# not among them: it would start another program.
_FORMATS = (
    *(("AVIF",) if features.check("avif") else ()),
    *("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP"),
)
MOST_PIXELS: Final = 89_478_485
"""The pixels from which Pillow itself takes an image for one that is to fill the memory."""
_ORIENTATION = 0x0112
_LYING = {5, 6, 7, 8}
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Source: ITU-R BT.601, as Pillow weighs red, green and blue.
_LUMA: Final = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Decoding:
    """How images in files come to the extents and the channels of an input.

    Attributes:
        fit: ``cover`` resizes to cover the extents and cuts at the centre, ``contain`` resizes to
            fit inside and pads with zeros, ``stretch`` resizes each axis by itself, and ``none``
            takes only images that have the extents.
        background: What is seen through transparent pixels, where the input has no alpha; red,
            green and blue of 0..255. None leaves alpha off, as it was before there was a choice.
    """

    fit: Fit = "cover"
    background: Colour | None = (255, 255, 255)

    @classmethod
    def of(cls, fit: Fit, background: str | tuple[int, ...]) -> Decoding:
        """That of the fields of a spec; a colour is a name of CSS, or its red, green and blue."""
        if isinstance(background, str):
            background = ImageColor.getrgb(background)
        return cls(fit, (background[0], background[1], background[2]))


class Header(NamedTuple):
    """What a file says of its image before it is decoded: extents when upright, mode, type."""

    height: int
    width: int
    mode: str
    dtype: str


def header(path: Path, content: bytes | None = None) -> Header:
    """The header of an image.

    Args:
        path: The file.
        content: What is in it, where it is no file: then the path is a name.

    Raises:
        DataError: The file is no image, or one too large.
    """
    try:
        with Image.open(_readable(path, content), formats=_FORMATS) as image:
            width, height = image.size
            # Of other formats, Pillow decodes the image to know; few of them are ever turned.
            exif = image.getexif() if image.format in ("JPEG", "MPO") else {}
            if exif.get(_ORIENTATION) in _LYING:
                width, height = height, width
            mode, dtype = image.mode, depth.dtype_of(image)
    except Exception as error:  # what a damaged file makes of a decoder is anyone's guess
        raise _damaged(path, error) from None
    if width * height > MOST_PIXELS:
        raise DataError(
            f"{path} has {width}x{height} pixels; more than {MOST_PIXELS:,} are not decoded"
        )
    return Header(height, width, mode, dtype)


@contextmanager
def opened(path: Path, content: bytes | None = None) -> Iterator[Image.Image]:
    """An image in its own mode, not yet turned upright.

    Args:
        path: The file.
        content: What is in it, where it is no file: then the path is a name.

    Raises:
        DataError: The file is damaged, no image, or one too large.
    """
    try:
        with Image.open(_readable(path, content), formats=_FORMATS) as image:
            _require_size(image, MOST_PIXELS)
            image.load()
            yield image
    except DataError:
        raise
    except Exception as error:
        raise _damaged(path, error) from None


def decoded(
    path: Path,
    shape: tuple[int, int, int],
    decoding: Decoding,
    content: bytes | None = None,
    pixels: int = MOST_PIXELS,
) -> NDArray[Any]:
    """The values of an image, ``[H, W, C]`` of a shape, in the type that holds those of its file.

    Args:
        path: The file.
        shape: Height, width and channels.
        decoding: How it is brought to them.
        content: What is in the file, where it is no file: then the path is a name.
        pixels: As many are decoded, and no more.

    Raises:
        DataError: The file is damaged, or with ``fit`` as ``none`` of other extents.
    """
    try:
        with Image.open(_readable(path, content), formats=_FORMATS) as image:
            _require_size(image, pixels)
            if depth.dtype_of(image) == "uint8":
                values = _of_bytes(image, shape, decoding)
            else:
                values = _of_values(image, shape, decoding, content)
    except Exception as error:
        raise _damaged(path, error, pixels) from None
    if values.shape != shape:
        raise DataError(other_extents(path, values.shape[:2], shape[:2]))
    return values


def _readable(path: Path, content: bytes | None) -> Path | BytesIO:
    return path if content is None else BytesIO(content)


def other_extents(path: Path, found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """What is said of an image that is not to be resized, and would have to be."""
    return (
        f"{path} is {show(found)}, not {show(wanted)}: resize it, or let `fit` do so: "
        f"cover, contain or stretch"
    )


def _require_size(image: Image.Image, pixels: int) -> None:
    if image.width * image.height > pixels:
        raise Image.DecompressionBombError


def _of_bytes(
    image: ImageFile.ImageFile, shape: tuple[int, int, int], decoding: Decoding
) -> NDArray[np.uint8]:
    height, width, channels = shape
    # A JPEG can be decoded at a half, a quarter or an eighth of its extents.
    longest = 2 * max(height, width)
    if decoding.fit != "none":
        image.draft(None, (longest, longest))
    upright = _toned(ImageOps.exif_transpose(image), MODES[channels], decoding.background)
    fitted = _resized(upright, (width, height), decoding.fit)
    return np.asarray(fitted, np.uint8).reshape(*fitted.size[::-1], channels)


def _toned(image: Image.Image, mode: str, background: Colour | None) -> Image.Image:
    """The image in a mode of 8 bits a channel."""
    if image.mode == mode and "transparency" not in image.info:
        return image
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")  # a palette may have transparent entries
    if mode != "RGBA" and background is not None and image.has_transparency_data:
        whole = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", whole.size, (*background, 255)), whole)
    return image.convert(mode)


def _of_values(
    image: ImageFile.ImageFile,
    shape: tuple[int, int, int],
    decoding: Decoding,
    content: bytes | None,
) -> NDArray[Any]:
    height, width, channels = shape
    values = depth.values(image, content)
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))  # Pillow turns TIFF by itself
    toned = _with_channels(values, channels, decoding.background)
    planes = [Image.fromarray(plane) for plane in np.moveaxis(toned, -1, 0)]
    if turn is not None:
        planes = [plane.transpose(turn) for plane in planes]
    if planes[0].size != (width, height):
        planes = [_resized(plane, (width, height), decoding.fit) for plane in planes]
    pixels = np.stack([np.asarray(plane) for plane in planes], -1)
    if values.dtype == np.uint16:
        pixels = np.clip(np.rint(pixels), 0, depth.FULL)
    return pixels.astype(values.dtype)


def _with_channels(
    values: NDArray[Any], channels: int, background: Colour | None
) -> NDArray[np.float32]:
    """Values ``[H, W, C]`` of any number of channels as so many, in floats."""
    wide = values.astype(np.float64)
    grey, alpha = wide.shape[-1] < 3, wide.shape[-1] in (2, 4)
    opacity = wide[..., -1:] / depth.FULL if alpha else np.ones((*wide.shape[:2], 1))
    colours = wide[..., :-1] if alpha else wide
    if channels == 4:
        if values.dtype != np.uint16:
            raise ValueError("its values are numbers of 32 bits, and the input has an alpha")
        return np.concatenate(
            [np.repeat(colours, 3 if grey else 1, -1), opacity * depth.FULL], -1
        ).astype(np.float32)
    if alpha and background is not None:
        behind = np.array(background) * (depth.FULL / 255)
        colours = np.repeat(colours, 3, -1) if grey else colours
        colours, grey = colours * opacity + behind * (1 - opacity), False
    if channels == 3:
        return np.repeat(colours, 3 if grey else 1, -1).astype(np.float32)
    return (colours if grey else (colours @ _LUMA)[..., None]).astype(np.float32)


def _resized(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    method = Image.Resampling.BILINEAR
    if fit == "cover":
        return ImageOps.fit(image, size, method)
    if fit == "contain":
        return ImageOps.pad(image, size, method)
    return image.resize(size, method) if fit == "stretch" else image


def _damaged(path: Path, error: Exception, pixels: int = MOST_PIXELS) -> DataError:
    if isinstance(error, UnidentifiedImageError):
        known = ", ".join(_FORMATS)
        return DataError(f"{path} is no image that can be read, or is damaged (known are {known})")
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return DataError(f"{path} would unpack to more than {pixels:,} pixels")
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return DataError(f"{path} cannot be decoded: {reason}")
