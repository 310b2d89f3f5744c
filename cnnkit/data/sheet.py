"""A sheet of samples as a picture: a row a class, so that wrong labels are seen at once."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cnnkit.data.dataset import Array, Dataset
from cnnkit.errors import UsageError

_COLUMNS = 12
_ROWS = 20
# Small images are enlarged by whole factors to about this, large ones reduced to it.
_CELL = 64
_GAP = 4
_FONT_SIZE = 14
_PAPER, _INK = (255, 255, 255), (40, 40, 40)


def write_sheet(dataset: Dataset, path: Path, *, seed: int = 0) -> None:
    """Writes a picture of random training examples, up to 12 of each of up to 20 classes.

    A signal is drawn as a curve, a volume as its middle slice.

    Raises:
        UsageError: The file cannot be written.
    """
    rows = _chosen(dataset, np.random.default_rng(seed))
    picture = _drawn([(name, _pictures(dataset, indices)) for name, indices in rows])
    try:
        picture.save(path, "PNG")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None


def _chosen(dataset: Dataset, random: np.random.Generator) -> list[tuple[str, Array]]:
    """The examples of each row, and what stands before it."""
    targets = dataset.train.targets
    if targets.ndim != 1:
        count = min(len(targets), _COLUMNS * 8)
        indices = random.choice(len(targets), count, replace=False)
        return [("", indices[at : at + _COLUMNS]) for at in range(0, count, _COLUMNS)]
    rows = []
    for label, name in enumerate(dataset.classes[:_ROWS]):
        found = np.flatnonzero(targets == label)
        rows.append((name, random.choice(found, min(len(found), _COLUMNS), replace=False)))
    return rows


def _pictures(dataset: Dataset, indices: Array) -> list[Image.Image]:
    inputs = dataset.train.inputs
    low, high = (0.0, 255.0) if inputs.dtype == np.uint8 else _range(dataset)
    pictures = []
    for example in inputs[indices]:
        bytes_ = np.clip((example - low) * (255 / ((high - low) or 1)), 0, 255).astype(np.uint8)
        pictures.append(_picture(bytes_))
    return pictures


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
