"""A sheet of samples as a picture: a row a class, so that wrong labels are seen at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cnnkit.data.dataset import Array, Dataset
from cnnkit.data.palette import PALETTE
from cnnkit.errors import UsageError

_COLUMNS = 12
_ROWS = 20
_LOOKED_AT = 1000
# Small images are enlarged by whole factors to about this, large ones reduced to it.
_CELL = 64
_GAP = 4
_FONT_SIZE = 14
_PAPER, _INK = (255, 255, 255), (40, 40, 40)


def write_sheet(dataset: Dataset, path: Path, *, seed: int = 0) -> None:
    """Writes a picture of random training examples, up to 12 of each of up to 20 classes.

    Where the class of each pixel is known it is laid over, and the classes that an example has any
    pixel of are its classes; where targets are images they stand below their inputs.

    A signal is drawn as a curve, a volume as its middle slice.

    Raises:
        UsageError: The file cannot be written.
    """
    rows = []
    for name, indices in _chosen(dataset, np.random.default_rng(seed)):
        rows.append((name, _pictures(dataset, indices)))
        if dataset.train.of_maps and not dataset.train.of_pixels:
            rows.append(("", [_picture(_bytes(each)) for each in dataset.train.targets[indices]]))
    picture = _drawn(rows)
    try:
        picture.save(path, "PNG")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None


def _chosen(dataset: Dataset, random: np.random.Generator) -> list[tuple[str, Array]]:
    """The examples of each row, and what stands before it."""
    targets = dataset.train.targets
    if dataset.train.of_pixels:
        return list(_with_class(dataset, random))
    if len(targets.shape) != 1:
        count = min(len(targets), _COLUMNS * 8)
        indices = random.choice(len(targets), count, replace=False)
        return [("", indices[at : at + _COLUMNS]) for at in range(0, count, _COLUMNS)]
    rows = []
    for label, name in enumerate(dataset.classes[:_ROWS]):
        found = np.flatnonzero(targets == label)
        rows.append((name, random.choice(found, min(len(found), _COLUMNS), replace=False)))
    return rows


def _with_class(dataset: Dataset, random: np.random.Generator) -> Iterator[tuple[str, Array]]:
    """For each class examples that have a pixel of it."""
    targets = dataset.train.targets
    some = random.choice(len(targets), min(len(targets), _LOOKED_AT), replace=False)
    masks = targets[some].reshape(len(some), -1)
    for label, name in enumerate(dataset.classes[:_ROWS]):
        found = some[(masks == label).any(1)][:_COLUMNS]
        if len(found):
            yield name, found


def _bytes(image: Array) -> NDArray[np.uint8]:
    """An image of bytes as it is, another spread over them."""
    if image.dtype == np.uint8:
        return image
    low, high = float(image.min()), float(image.max())
    spread: NDArray[np.uint8] = ((image - low) * (255 / ((high - low) or 1))).astype(np.uint8)
    return spread


def _pictures(dataset: Dataset, indices: Array) -> list[Image.Image]:
    inputs = dataset.train.inputs
    low, high = (0.0, 255.0) if inputs.dtype == np.uint8 else _range(dataset)
    pictures = []
    masks = dataset.train.targets[indices] if dataset.train.of_pixels else [None] * len(indices)
    for example, mask in zip(inputs[indices], masks, strict=True):
        bytes_ = np.clip((example - low) * (255 / ((high - low) or 1)), 0, 255).astype(np.uint8)
        if mask is not None and mask.ndim > 1:
            bytes_ = _covered(bytes_, mask)
        pictures.append(_picture(bytes_))
    return pictures


def _covered(example: NDArray[np.uint8], mask: Array) -> NDArray[np.uint8]:
    """An example in grey or colours with its classes over it; class 0 and none show through.

    A mask of other extents is laid over none of it.
    """
    if mask.shape != example.shape[:-1]:
        return example
    shown = example[..., :3] if example.shape[-1] >= 3 else np.repeat(example[..., :1], 3, -1)
    colours = np.array(PALETTE)[np.clip(mask, 0, None) % len(PALETTE)]
    mixed = np.where((mask > 0)[..., None], (shown + colours) // 2, shown)
    return mixed.astype(np.uint8)


def _range(dataset: Dataset) -> tuple[float, float]:
    some = dataset.train.inputs[np.arange(min(len(dataset.train), 1000))]
    return float(some.min()), float(some.max())


def _picture(example: NDArray[np.uint8]) -> Image.Image:
    """An example of any rank as a picture."""
    if example.ndim == 4:
        example = example[len(example) // 2]
    side = math.isqrt(example.size)
    if example.ndim == 1 and example.size > 1 and side * side == example.size:
        example = example.reshape(side, side)
    elif example.ndim == 1:
        return _curve(example)
    elif example.ndim == 2 and example.shape[1] < 4:
        return _curve(example[:, 0])
    elif example.ndim == 3:
        example = example[..., :3] if example.shape[-1] >= 3 else example[..., 0]
    return _sized(Image.fromarray(example).convert("RGB"))


def _curve(signal: NDArray[np.uint8]) -> Image.Image:
    canvas = Image.new("RGB", (2 * _CELL, _CELL), (240, 240, 240))
    across = np.linspace(0, 2 * _CELL - 1, max(len(signal), 2))
    heights = (_CELL - 1) * (1 - np.resize(signal, len(across)) / 255)
    ImageDraw.Draw(canvas).line(list(zip(across.tolist(), heights.tolist(), strict=True)), _INK)
    return canvas


def _sized(image: Image.Image) -> Image.Image:
    longest = max(image.size)
    if longest > _CELL:
        scale = _CELL / longest
        size = [max(1, round(extent * scale)) for extent in image.size]
        return image.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    factor = max(1, _CELL // longest)
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def _drawn(rows: list[tuple[str, list[Image.Image]]]) -> Image.Image:
    font = ImageFont.load_default(_FONT_SIZE)
    margin = max((round(font.getlength(name)) for name, _ in rows), default=0)
    margin = min(margin + 3 * _GAP, 200) if margin else _GAP
    cells = [image for _, images in rows for image in images]
    width, height = max(image.width for image in cells), max(image.height for image in cells)
    columns = max(len(images) for _, images in rows)
    size = margin + columns * (width + _GAP), _GAP + len(rows) * (height + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    for row, (name, images) in enumerate(rows):
        top = _GAP + row * (height + _GAP)
        draw.text((_GAP, top + height / 2), name, _INK, font, anchor="lm")
        for column, image in enumerate(images):
            left = margin + column * (width + _GAP)
            sheet.paste(
                image, (left + (width - image.width) // 2, top + (height - image.height) // 2)
            )
    return sheet
