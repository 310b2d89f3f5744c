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
    """

    answer: Wrong
    data: bytes
    kind: str

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
    places = {split: _places(material, split) for split in {row.split for row in rows}}
    tiles = []
    for number in pictured(rows):
        row = rows[number]
        inputs = material.examples(row.split).inputs  # type: ignore[arg-type]  # a name of CSV
        tiles.append(_tile(np.asarray(inputs[np.array([places[row.split][row.example]])])[0]))
    write_atomic(path, _png(_joined(tiles)))


def read_pictures(folder: Path, table: str, sheet: str) -> list[WrongPicture]:
    """The wrong answers of a run that have an image; none where a file is missing or damaged.

    Args:
        folder: The run's directory.
        table: The name of its ``wrong.csv``.
        sheet: The name of its sheet.
    """
    from PIL import Image

    try:
        rows = read_wrong(folder / table)
        with Image.open(folder / sheet) as opened:
            if opened.width > _COLUMNS * SIDE or opened.height > MOST * SIDE // _COLUMNS:
                return []
            image = opened.convert("RGB" if opened.mode == "RGB" else "L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return []
    chosen = pictured(rows)
    lines = math.ceil(len(chosen) / _COLUMNS)
    if not chosen or image.width % _COLUMNS or image.height % lines:
        return []
    width, height = image.width // _COLUMNS, image.height // lines
    found = []
    for place, number in enumerate(chosen):
        left, upper = place % _COLUMNS * width, place // _COLUMNS * height
        tile = image.crop((left, upper, left + width, upper + height))
        found.append(WrongPicture(rows[number], *_file(tile)))
    return found


def _places(material: Material, split: Any) -> dict[str, int]:
    """The index of each example of a split, by what ``wrong.csv`` calls it."""
    sources, indices = material.examples(split).sources, material.indices(split).tolist()
    if sources is None:
        return {str(index): index for index in indices}
    return {sources.paths[index].as_posix(): index for index in indices}


def _tile(image: NDArray[Any]) -> NDArray[np.uint8]:
    """An image ``[H, W, C]`` in bytes, made smaller where it is larger than a tile."""
    from PIL import Image

    shown = image[..., :3] if image.shape[-1] > 1 else image[..., 0]
    if shown.dtype != np.uint8:
        values = shown.astype(np.float64)
        low, high = min(values.min(), 0.0), values.max()
        if low < 0 or high > 1:
            values = (values - low) / ((high - low) or 1)
        shown = np.rint(255 * values).astype(np.uint8)
    if max(shown.shape[:2]) <= SIDE:
        return np.asarray(shown)
    picture = Image.fromarray(shown)
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
