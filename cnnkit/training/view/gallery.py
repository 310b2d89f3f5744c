"""The images behind wrong answers: one sheet of them in a run, cut up again for its page.

A sheet holds the surest mistakes of each confusion, so many that a page with all of them stays
small; they stand in the order of ``wrong.csv``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from cnnkit.presentation.numbers import percent
from cnnkit.training.store.files import write_atomic
from cnnkit.training.store.wrong import Wrong, read_wrong

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from cnnkit.training.prepare.material import Material

MOST: Final = 600
"""The images of a sheet."""

MOST_REASONS: Final = 48
"""The images, the first of them, whose attributions are shown where they were asked for."""

SIDE: Final = 64
"""The pixels of the longer side of each at most."""

_COLUMNS: Final = 20
_SMALL: Final = 1000  # bytes of a file that is left as it is
_CHANNELS: Final = (1, 3, 4)


class WrongPicture(NamedTuple):
    """A wrong answer with its image.

    Attributes:
        answer: What was said, of what.
        data: The file of the image.
        kind: The kind of that file, such as ``image/png``.
        why: The file of what each pixel adds to the answer, and its kind; None where that was not
            asked for.
    """

    answer: Wrong
    data: bytes
    kind: str
    why: tuple[bytes, str] | None = None

    @property
    def probability(self) -> str:
        """How sure the network is, in percent."""
        return percent(self.answer.probability, 1)


def pictured(rows: Sequence[Wrong], most: int = MOST) -> list[int]:
    """Which wrong answers a sheet shows: of each confusion in turn the surest one that is left."""
    ranks: dict[tuple[str, str, str], int] = defaultdict(int)
    order = []
    for number, row in enumerate(rows):
        confusion = row.split, row.true, row.predicted
        order.append((ranks[confusion], number))
        ranks[confusion] += 1
    return sorted(number for _, number in sorted(order)[:most])


def save_sheet(path: Path, material: Material, rows: Sequence[Wrong]) -> None:
    """Writes the images of wrong answers; nothing where there are none, or inputs are no images.

    Args:
        path: The PNG file.
        material: What the answers are about.
        rows: The wrong answers, the surest first.
    """
    *extents, channels = material.dataset.shape
    if not rows or material.inputs or len(extents) != 2 or channels not in _CHANNELS:
        return
    chosen = [rows[number] for number in pictured(rows)]
    save_tiles(path, [_tile(image) for image in images_of(material, chosen)])


def images_of(material: Material, rows: Sequence[Wrong]) -> list[NDArray[Any]]:
    """The inputs of some wrong answers, ``[H, W, C]`` each."""
    places = {split: _places(material, split) for split in {row.split for row in rows}}
    found = []
    for row in rows:
        split: Any = row.split
        index = np.array([places[split][row.example]])
        found.append(np.asarray(material.examples(split).inputs[index])[0])
    return found


def save_tiles(path: Path, tiles: Sequence[NDArray[np.uint8]]) -> None:
    """Writes a sheet of images of one size, made smaller where they are larger than its tiles."""
    write_atomic(path, _png(_joined([_reduced(tile) for tile in tiles])))


def read_pictures(folder: Path, table: str, sheet: str, reasons: str = "") -> list[WrongPicture]:
    """The wrong answers of a run that have an image; none where a file is missing or damaged.

    Args:
        folder: The run's directory.
        table: The name of its ``wrong.csv``.
        sheet: The name of its sheet.
        reasons: The name of the sheet of its attributions, which is of the first of them.
    """
    try:
        rows = read_wrong(folder / table)
    except (OSError, ValueError):
        return []
    chosen = pictured(rows)
    tiles = _read(folder / sheet, len(chosen))
    why = _read(folder / reasons, min(len(chosen), MOST_REASONS)) if reasons else []
    return [
        WrongPicture(rows[number], *_file(tile), _file(why[at]) if at < len(why) else None)
        for at, (number, tile) in enumerate(zip(chosen, tiles, strict=False))
    ]


def _read(path: Path, count: int) -> list[Image.Image]:
    """So many images of a sheet; none where it is missing or damaged."""
    from PIL import Image

    lines = math.ceil(count / _COLUMNS)
    try:
        with Image.open(path) as opened:
            if opened.width > _COLUMNS * SIDE or opened.height > MOST * SIDE // _COLUMNS:
                return []
            image = opened.convert("RGB" if opened.mode == "RGB" else "L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return []
    if not count or image.width % _COLUMNS or image.height % lines:
        return []
    width, height = image.width // _COLUMNS, image.height // lines
    corners = [(at % _COLUMNS * width, at // _COLUMNS * height) for at in range(count)]
    return [image.crop((left, upper, left + width, upper + height)) for left, upper in corners]


def _places(material: Material, split: Any) -> dict[str, int]:
    """The index of each example of a split, by what ``wrong.csv`` calls it."""
    sources, indices = material.examples(split).sources, material.indices(split).tolist()
    if sources is None:
        return {str(index): index for index in indices}
    return {sources.name(index): index for index in indices}


def _tile(image: NDArray[Any]) -> NDArray[np.uint8]:
    """An image ``[H, W, C]`` in bytes."""
    shown = image[..., :3] if image.shape[-1] > 1 else image[..., 0]
    if shown.dtype != np.uint8:
        values = shown.astype(np.float64)
        low, high = min(values.min(), 0.0), values.max()
        if low < 0 or high > 1:
            values = (values - low) / ((high - low) or 1)
        shown = np.rint(255 * values).astype(np.uint8)
    return np.asarray(shown)


def _reduced(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    if max(tile.shape[:2]) <= SIDE:
        return tile
    picture = Image.fromarray(tile)
    picture.thumbnail((SIDE, SIDE))
    return np.asarray(picture)


def _joined(tiles: Sequence[NDArray[np.uint8]]) -> Image.Image:
    """Tiles of one size in rows of ``_COLUMNS``."""
    from PIL import Image

    height, width, *channels = tiles[0].shape
    lines = math.ceil(len(tiles) / _COLUMNS)
    sheet = np.zeros((lines * height, _COLUMNS * width, *channels), np.uint8)
    for place, tile in enumerate(tiles):
        row, column = place // _COLUMNS * height, place % _COLUMNS * width
        sheet[row : row + height, column : column + width] = tile
    return Image.fromarray(sheet)


def _png(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _file(tile: Image.Image) -> tuple[bytes, str]:
    """The file of an image and its kind: exact where that is small, else the smaller one."""
    exact, stream = _png(tile), BytesIO()
    if len(exact) <= _SMALL:
        return exact, "image/png"
    tile.save(stream, "WEBP", quality=80)
    lossy = stream.getvalue()
    return (exact, "image/png") if len(exact) <= len(lossy) else (lossy, "image/webp")
