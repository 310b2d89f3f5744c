"""An input's way through a network as one page: each layer's maps and filters side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cnnkit.activations.example import Example
from cnnkit.activations.maps import LayerMaps
from cnnkit.activations.pictures import MOST, arranged, end_of_scale
from cnnkit.errors import MissingExtraError, UsageError
from cnnkit.layers.shape import show
from cnnkit.pages import page as pages
from cnnkit.pages.chart import Chart, Series
from cnnkit.pages.picture import uri_of
from cnnkit.presentation.numbers import percent

if TYPE_CHECKING:
    from PIL.Image import Image

_TILE: Final = 64  # pixels of a map's longer side at most
_SMALL_TILE: Final = 32  # of networks so deep that the page would be large
_DEEP: Final = 40
_WIDEST: Final = 900
_FILTERS: Final = 24  # side by side at most
_MOST_LINES: Final = 8
_LARGE: Final = 20_000  # pixels of a picture that is made smaller
_LEAST: Final = np.array([33, 102, 172])
_NOTHING: Final = np.array([247, 247, 247])
_GREATEST: Final = np.array([178, 24, 43])


def write_page(
    example: Example, layers: Sequence[LayerMaps], weights: str, path: Path, *, force: bool = False
) -> None:
    """Writes the page.

    Args:
        example: The input.
        layers: What the layers made of it.
        weights: Where the weights are from, in words.
        path: The file.
        force: Write over a file that is there.

    Raises:
        UsageError: The file is there already, or cannot be written.
        MissingExtraError: Pillow is not installed.
    """
    if path.exists() and not force:
        raise UsageError(f"{path} is there already; --force writes over it")
    try:
        path.write_text(page(example, layers, weights), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def page(example: Example, layers: Sequence[LayerMaps], weights: str) -> str:
    """The page."""
    tile = _TILE if len(layers) <= _DEEP else _SMALL_TILE
    shape = show(example.array.shape)
    return pages.write(
        "activations",
        title=f"Activations: {example.name}",
        flow=f"{shape} · {weights}",
        input=_shown(example.array, f"The input, {shape}", 4 * tile),
        layers=[_layer(layer, tile) for layer in layers],
    )


def _layer(layer: LayerMaps, tile: int) -> Mapping[str, Any]:
    """What is shown of a layer."""
    maps, filters = layer.maps, layer.filters
    about = f"The output of {layer.path}, {show(layer.output)}"
    shown = None
    if filters is not None and 3 <= filters.ndim <= 4:
        kernels, _, columns = arranged(filters if filters.ndim == 4 else filters[None])
        told = f"The filters of {layer.path}, {show(filters.shape)}"
        if max(kernels[0].shape) > 1:
            shown = _picture(kernels, told, tile, columns * max(1, _FILTERS // columns))
    return {
        "path": layer.path,
        "kind": layer.kind,
        "shape": show(layer.output),
        "told": _told(maps),
        "output": _shown(maps, about, tile),
        "filters": shown,
    }


def _told(maps: NDArray[np.float32]) -> str:
    """The range of the values, and how many are 0."""
    low, high, mean = (float(each) for each in (maps.min(), maps.max(), maps.mean()))
    text = f"from {low:.4g} to {high:.4g}, mean {mean:.4g}"
    zeros = float((maps == 0).mean())
    text = f"{text}, {percent(zeros, 0)} of them 0" if zeros else text
    return text.replace("-", "−")


def _shown(maps: NDArray[np.float32], about: str, tile: int) -> Mapping[str, Any]:
    """Vectors and signals as a chart, maps as a picture."""
    if maps.ndim <= 2:
        return {"chart": _chart(maps, about), "picture": None}
    maps = maps[len(maps) // 2] if maps.ndim == 4 else maps
    colours = maps.shape[-1] == 3 and maps.min() >= 0 and maps.max() <= 1
    tiles = [maps] if colours else [maps[..., at] for at in range(min(maps.shape[-1], MOST))]
    if not colours and len(tiles) < maps.shape[-1]:
        about += f", the first {len(tiles)}"
    return {"chart": None, "picture": _picture(tiles, about, tile, None)}


def _chart(values: NDArray[np.float32], about: str) -> Chart:
    """The elements of a vector, or the first channels of a signal."""
    lines = values[:, :_MOST_LINES].T if values.ndim == 2 else values[None]
    series = [
        Series(
            f"channel {number}" if len(lines) > 1 else "",
            list(range(len(line))),
            line.astype(float).tolist(),
            number,
            "step",
        )
        for number, line in enumerate(lines)
    ]
    return Chart(about, "place", series)


def _picture(
    tiles: Sequence[NDArray[np.float32]], about: str, side: int, columns: int | None
) -> Mapping[str, Any]:
    """Maps on one scale of colours, side by side, with a gap between two."""
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise MissingExtraError("pictures need Pillow: pip install 'cnnkit[train]'") from error
    pixels = _coloured([_smaller(each, side) for each in tiles])
    height, width, _ = pixels[0].shape
    columns = columns or max(1, min(len(pixels), _WIDEST // (max(width, side) + 2)))
    lines = math.ceil(len(pixels) / columns)
    gap = 1 if max(height, width) < side // 2 else 2
    sheet = np.zeros((lines * (height + gap) - gap, columns * (width + gap) - gap, 4), np.uint8)
    for place, each in enumerate(pixels):
        row, column = place // columns * (height + gap), place % columns * (width + gap)
        sheet[row : row + height, column : column + width, :3] = each
        sheet[row : row + height, column : column + width, 3] = 255
    factor = max(1, min(side // max(height, width), _WIDEST // sheet.shape[1], 24))
    return {
        "uri": uri_of(*_file(Image.fromarray(sheet))),
        "about": about,
        "width": factor * sheet.shape[1],
    }


def _coloured(tiles: Sequence[NDArray[np.float32]]) -> list[NDArray[np.uint8]]:
    """Bytes of red, green and blue: grey from 0 on, or blue, white and red round it."""
    if tiles[0].ndim == 3:  # colours already
        return [np.rint(255 * each).astype(np.uint8) for each in tiles]
    values = np.stack(tiles)
    limit = end_of_scale(values)
    parts = np.clip(values / limit, -1, 1)[..., None]
    if values.min() >= 0:
        return list(np.rint(255 * np.repeat(parts, 3, -1)).astype(np.uint8))
    ends = np.where(parts < 0, _LEAST, _GREATEST)
    return list(np.rint(_NOTHING + np.abs(parts) * (ends - _NOTHING)).astype(np.uint8))


def _smaller(tile: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """A map of at most so many pixels a side: the means of squares of it."""
    factor = math.ceil(max(tile.shape[:2]) / side)
    if factor == 1:
        return tile
    height, width = (max(extent // factor, 1) for extent in tile.shape[:2])
    whole = tile[: height * factor, : width * factor]
    rows, columns = whole.shape[0] // height, whole.shape[1] // width
    means: NDArray[np.float32] = whole.reshape(height, rows, width, columns, *tile.shape[2:]).mean(
        (1, 3)
    )
    return means


def _file(image: Image) -> tuple[bytes, str]:
    """The file of an image and its kind: exact where it is small."""
    stream = BytesIO()
    if image.width * image.height <= _LARGE:
        image.save(stream, "PNG")
        return stream.getvalue(), "image/png"
    image.save(stream, "WEBP", quality=80, method=1)
    return stream.getvalue(), "image/webp"
