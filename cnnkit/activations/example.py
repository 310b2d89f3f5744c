"""One input of a network: an image, an array or a table of numbers, made to fit.

An image is made to fit the spec's input: grey or colour as the input's channels say, cut in the
middle to its proportions, resized, and scaled to 0..1. Numbers are taken as they are and must
have the input's shape; bytes are scaled to 0..1 as well, as they are in training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import MissingExtraError, UsageError
from cnnkit.layers.shape import Shape, show

if TYPE_CHECKING:
    from PIL.Image import Image

    from cnnkit.data.preprocessing import Preprocessing

PHOTOGRAPHS = ("china.jpg", "flower.jpg")
"""Photographs that scikit-learn ships, where no file of the name is there."""

_MAX_PIXELS = 2**26  # a photograph of 64 megapixels; a bomb unpacks to far more
_MAX_BYTES = {".npy": 2**30, ".csv": 2**24}
_MAX_IMAGE_BYTES = 2**27
_MODES = {1: "L", 3: "RGB"}


@dataclass(frozen=True)
class Example:
    """An input of a network.

    Attributes:
        name: What it is called.
        array: float32, of the shape of the spec's input.
        story: What was done to make it fit.
    """

    name: str
    array: NDArray[np.float32]
    story: str


@dataclass(frozen=True)
class _Raw:
    """An input in the values of its file, ``array``; attributes as in ``Example``."""

    name: str
    array: NDArray[Any]
    story: str


def read_example(source: str, shape: Shape, like: Preprocessing | None = None) -> Example:
    """One input from a file, or the name of one of ``PHOTOGRAPHS``.

    Args:
        source: The path of an image, of a ``.npy`` or of a ``.csv`` file.
        shape: The spec's input, channels last.
        like: The record of a run, as whose data the input is prepared.

    Raises:
        UsageError: There is no such file, it cannot be read, or does not fit the shape.
        DataError: Its values are not such as the run was trained on.
    """
    raw = _read(source, shape, like)
    if like is not None:
        values = like.values(raw.array[None])[0]
        story = f"{raw.story.rstrip(',')}, scaled as the training data"
    elif raw.array.dtype == np.uint8:
        values, story = raw.array, f"{raw.story} scaled to 0–1"
    else:
        values, story = raw.array.astype(np.float32), raw.story
    if values.dtype == np.uint8:
        values = values / np.float32(255)
    return Example(raw.name, values, story)


def _read(source: str, shape: Shape, like: Preprocessing | None) -> _Raw:
    path = Path(source)
    if not path.is_file():
        if path.name == source and source in PHOTOGRAPHS:
            return _photograph(source, shape)
        what = "is a folder, not one input" if path.is_dir() else "is not there"
        raise UsageError(
            f"{source} {what}: name an image, a .npy or a .csv file, or one of the photographs "
            f"{' and '.join(PHOTOGRAPHS)}"
        )
    suffix = path.suffix.lower()
    limit = _MAX_BYTES.get(suffix, _MAX_IMAGE_BYTES)
    size = path.stat().st_size
    if size > limit:
        raise UsageError(f"{source} has {size:,} bytes: at most {limit:,} are read")
    if suffix not in _READERS and like is not None:
        return _decoded(path, shape, like)
    return _READERS.get(suffix, _read_image)(path, shape)


def _decoded(path: Path, shape: Shape, like: Preprocessing) -> _Raw:
    """An image as those of a run were decoded."""
    from cnnkit.data.decoding import decoded

    _require_image(path.name, shape, (1, 3, 4))
    pixels = decoded(path, (shape[0], shape[1], shape[2]), like.decoding)
    return _Raw(path.name, pixels, f"an image, `fit: {like.decoding.fit}`")


def _read_npy(path: Path, shape: Shape) -> _Raw:
    try:
        array = np.load(path, allow_pickle=False, mmap_mode="r")  # an array is never unpickled
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path} is no array of NumPy: {error}") from error
    if not isinstance(array, np.ndarray):
        raise UsageError(f"{path} holds several arrays: save the one with numpy.save")
    if array.dtype.kind not in "biuf":
        raise UsageError(f"{path} holds {array.dtype}: an input is made of real numbers")
    return _fitted(path, np.asarray(array), shape)


def _read_csv(path: Path, shape: Shape) -> _Raw:
    try:
        rows = [
            [float(cell) for cell in line.replace(";", ",").split(",")]
            for line in path.read_text(encoding="utf-8-sig").splitlines()
            if line.strip()
        ]
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is no table of numbers: {error}") from error
    if not rows or len({len(row) for row in rows}) > 1:
        lengths = sorted({len(row) for row in rows})
        what = f"rows of {' and '.join(map(str, lengths))} numbers" if rows else "no numbers"
        raise UsageError(f"{path} has {what}: all rows of a table are alike")
    return _fitted(path, np.array(rows), shape)


def _fitted(path: Path, array: NDArray[Any], shape: Shape) -> _Raw:
    """Numbers as an input: of its shape, with a batch of one, or with rows and columns as it has.

    A table holds a map row by row, the channels of a cell next to each other.
    """
    given = array.shape
    rows = (shape[0], math.prod(shape[1:]))
    flat = len(shape) == 1 or shape[1:] == (1,) * (len(shape) - 1)
    allowed = {shape, (1, *shape), rows}
    allowed |= {shape[:-1]} if shape[-1] == 1 else set()
    allowed |= {(1, shape[0]), (shape[0], 1), (shape[0],)} if flat else set()
    if given not in allowed:
        raise UsageError(
            f"{path} has the shape {show(given) or 'of one number'}, the network's input is "
            f"{show(shape)}"
        )
    values = array.reshape(shape)
    if not np.isfinite(values).all():
        raise UsageError(f"{path} holds values that are not finite")
    return _Raw(path.name, values, "bytes" if array.dtype == np.uint8 else "numbers as they are")


def _read_image(path: Path, shape: Shape) -> _Raw:
    from_pillow = _pillow()
    try:
        with from_pillow.open(path) as image:
            width, height = image.size
            if width * height > _MAX_PIXELS:
                raise UsageError(
                    f"{path} has {width:,}x{height:,} pixels: at most {_MAX_PIXELS:,} are read"
                )
            from PIL.ImageOps import exif_transpose

            image.load()
            return _from_image(path.name, exif_transpose(image), shape)
    except (OSError, ValueError, SyntaxError, from_pillow.DecompressionBombError) as error:
        what = "is no image, and no .npy or .csv file"
        raise UsageError(f"{path} {what} that can be read: {error}") from error


def _photograph(name: str, shape: Shape) -> _Raw:
    try:
        from sklearn.datasets import load_sample_image
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{name} needs scikit-learn: pip install 'cnnkit[train]'"
        ) from error
    return _from_image(name, _pillow().fromarray(load_sample_image(name)), shape)


def _from_image(name: str, image: Image, shape: Shape) -> _Raw:
    _require_image(name, shape, _MODES)
    height, width, channels = shape
    if image.mode.startswith(("I", "F")):  # 16 bits: Pillow cuts their values off, so they are
        depth = np.asarray(image, np.float32)  # spread over what an 8-bit image has
        image = _pillow().fromarray((depth / max(float(depth.max()), 1.0) * 255).astype(np.uint8))
    story = [f"{image.width} wide and {image.height} high"]
    scale = min(image.width / width, image.height / height)
    kept = (min(round(width * scale), image.width), min(round(height * scale), image.height))
    if kept != image.size:
        left, top = (image.width - kept[0]) // 2, (image.height - kept[1]) // 2
        image = image.crop((left, top, left + kept[0], top + kept[1]))
        story.append(f"cut to {kept[0]} by {kept[1]} in the middle")
    if image.has_transparency_data:
        whole = image.convert("RGBA")
        white = _pillow().new("RGBA", whole.size, "white")
        image = _pillow().alpha_composite(white, whole)
    image = image.convert(_MODES[channels])
    story.append("grey" if channels == 1 else "in colour")
    if image.size != (width, height):
        image = image.resize((width, height), _pillow().Resampling.BILINEAR)
        story.append(f"resized to {width} by {height}")
    return _Raw(name, np.asarray(image, np.uint8).reshape(shape), ", ".join([*story, ""]).rstrip())


def _require_image(name: str, shape: Shape, channels: Container[int]) -> None:
    if len(shape) != 3 or shape[-1] not in channels:
        raise UsageError(
            f"{name} is an image, the network's input is {show(shape)}: an image fits an input of "
            "two spatial axes and 1 or 3 channels; give the numbers as a .npy or .csv file"
        )


def _pillow() -> Any:
    try:
        import PIL.Image
    except ModuleNotFoundError as error:
        raise MissingExtraError("images need Pillow: pip install 'cnnkit[train]'") from error
    return PIL.Image


_READERS: Mapping[str, Callable[[Path, Shape], _Raw]] = MappingProxyType(
    {".npy": _read_npy, ".csv": _read_csv}
)
