"""Maps and filters as pictures: a grid of them for each layer, one scale of colour a grid."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.activations.example import Example
from cnnkit.activations.maps import LayerMaps
from cnnkit.errors import MissingExtraError, UsageError
from cnnkit.layers.shape import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 64
"""The maps or filters of one grid; a layer with more shows the first of them."""

_INCHES = 10.0
_SMALL = 1.4  # inches that a filter's side takes at most
_DPI = 120
_SIGNED, _UNSIGNED = "RdBu_r", "gray"
_LABELLED = 9  # kernels of up to 3x3 have their values written in
_BARS = 100


def write_pictures(
    example: Example, layers: Sequence[LayerMaps], folder: Path, *, force: bool = False
) -> list[Path]:
    """Writes the input, and the filters and maps of each layer, as PNG files.

    Args:
        example: The input.
        layers: What the layers made of it.
        folder: Where to write; made where it is not there.
        force: Write over files that are there.

    Raises:
        UsageError: A file is there already, or cannot be written.
        MissingExtraError: Matplotlib is not installed.
    """
    figures = [("input", "", example.array)]
    names = [f"{0:03d}-input.png"]
    for number, layer in enumerate(layers, start=1):
        stem = f"{number:03d}-{re.sub(r'[^A-Za-z0-9._-]+', '_', layer.path)}"
        figures.append(("maps", f"{layer.path} · {layer.kind} · {show(layer.output)}", layer.maps))
        names.append(f"{stem}-{layer.kind}.png")
        if layer.filters is not None and layer.filters.ndim <= 4:
            title = f"{layer.path} · filters · {show(layer.filters.shape)}"
            figures.append(("filters", title, layer.filters))
            names.append(f"{stem}-filters.png")
    paths = [folder / name for name in names]
    there = [path for path in paths if path.exists()]
    if there and not force:
        raise UsageError(f"{there[0]} is there already; --force writes over it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, (what, title, array) in zip(paths, figures, strict=True):
            figure = _filters(title, array) if what == "filters" else _maps(title, array)
            if what == "input":
                figure = _input(example)
            figure.savefig(path, dpi=_DPI)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror or error}") from error
    return paths


def _figure(
    rows: int, columns: int, cell: float, title: str, width: float = _INCHES
) -> tuple[Figure, list[Axes]]:
    """A figure of axes without ticks; ``cell`` is the height of one for a width of 1."""
    try:
        from matplotlib.figure import Figure as New  # no pyplot: no window, no global state
    except ModuleNotFoundError as error:
        raise MissingExtraError("pictures need Matplotlib: pip install 'cnnkit[train]'") from error
    height = (width - 1) / columns * cell * rows + 0.15 * rows + 0.5
    figure = New(figsize=(width, min(max(height, 1.8), 40)), layout="constrained")
    figure.suptitle(title, fontsize=11, fontfamily="monospace")
    grid = figure.subplots(rows, columns, squeeze=False)
    axes = list(grid.flat)
    for each in axes:
        each.set_xticks([])
        each.set_yticks([])
    return figure, axes


def _input(example: Example) -> Figure:
    array = example.array
    if array.ndim == 3 and array.shape[-1] == 3 and array.min() >= 0 and array.max() <= 1:
        aspect = array.shape[0] / array.shape[1]
        figure, axes = _figure(1, 1, aspect, _input_title(example), 0.6 * _INCHES)
        axes[0].imshow(array, interpolation="nearest")
        return figure
    return _maps(_input_title(example), array)


def _input_title(example: Example) -> str:
    return f"input · {example.name} · {show(example.array.shape)}"


def _maps(title: str, maps: NDArray[np.float32]) -> Figure:
    if maps.ndim == 1:
        return _bars(title, maps)
    if maps.ndim == 2:
        return _lines(title, maps)
    if maps.ndim == 4:
        middle = maps.shape[0] // 2
        title, maps = f"{title} · slice {middle}", maps[middle]
    shown = maps[..., :MOST]
    count = shown.shape[-1]
    if count < maps.shape[-1]:
        title = f"{title} · the first {count}"
    height, width = maps.shape[:2]
    columns = _columns(count, height / width)
    rows = math.ceil(count / columns)
    inches = 0.6 * _INCHES if count == 1 else _INCHES
    figure, axes = _figure(rows, columns, height / width, title, inches)
    scale = _scale(shown)
    image: Any = None
    for at, each in enumerate(axes):
        if at >= count:
            each.set_axis_off()
            continue
        smooth = "antialiased" if max(height, width) > 64 else "nearest"
        image = each.imshow(shown[..., at], interpolation=smooth, **scale)
        if count > 1:
            each.set_title(str(at), fontsize=8, pad=2)
    _color_bar(figure, image, axes, shown, scale)
    return figure


def _columns(count: int, aspect: float) -> int:
    """Columns of a grid that is about as high as it is wide, without a ragged end if it can."""
    wanted = min(max(math.ceil(math.sqrt(count * aspect)), 1), count, 16)
    for columns in (wanted, wanted + 1, wanted + 2, wanted - 1):
        if 0 < columns <= count and count % columns == 0:
            return columns
    return wanted


def _scale(values: NDArray[np.float32]) -> dict[str, Any]:
    """Colours: white is 0 where there are negative values, else black is."""
    limit = end_of_scale(values)
    if (values < 0).any():
        return {"cmap": _SIGNED, "vmin": -limit, "vmax": limit}
    return {"cmap": _UNSIGNED, "vmin": 0.0, "vmax": limit}


def end_of_scale(values: NDArray[np.float32]) -> float:
    """The largest value that has a colour of its own: a few extremes do not darken all the rest."""
    sizes = np.abs(values)
    return float(np.percentile(sizes, 99.5)) or float(sizes.max()) or 1.0


def _color_bar(
    figure: Figure,
    image: Any,
    axes: Sequence[Axes],
    values: NDArray[np.float32],
    scale: dict[str, Any],
) -> None:
    over, under = values.max() > scale["vmax"], values.min() < scale["vmin"]
    beyond = {(True, True): "both", (True, False): "max", (False, True): "min"}
    extend = beyond.get((bool(over), bool(under)), "neither")
    bar = figure.colorbar(image, ax=list(axes), shrink=0.8, pad=0.02, aspect=30, extend=extend)
    bar.ax.tick_params(labelsize=7)


def _lines(title: str, maps: NDArray[np.float32]) -> Figure:
    """The channels of a signal, one below the other on one scale."""
    count = min(maps.shape[-1], 16)
    if count < maps.shape[-1]:
        title = f"{title} · the first {count}"
    figure, axes = _figure(count, 1, max(0.1, 0.25 - count / 100), title)
    low, high = float(maps.min()), float(maps.max())
    margin = (high - low or 1) / 20
    for at, each in enumerate(axes):
        each.axhline(0, color="0.8", linewidth=0.8)
        each.plot(maps[:, at], color="tab:blue", linewidth=1.2, drawstyle="steps-mid")
        each.set_ylim(low - margin, high + margin)
        each.set_ylabel(str(at), fontsize=7, rotation=0, labelpad=8)
        each.tick_params(labelsize=7)
        each.yaxis.set_major_locator(_ticks(2))
    axes[-1].xaxis.set_major_locator(_ticks(8))
    return figure


def _bars(title: str, values: NDArray[np.float32]) -> Figure:
    """The elements of a vector."""
    figure, axes = _figure(1, 1, 0.4, title)
    axis = axes[0]
    colors = np.where(values < 0, "tab:red", "tab:blue")
    if len(values) <= _BARS:
        axis.bar(range(len(values)), values, color=list(colors), width=0.8)
    else:
        axis.vlines(range(len(values)), 0, values, colors=list(colors), linewidth=0.5)
    axis.axhline(0, color="0.5", linewidth=0.8)
    axis.xaxis.set_major_locator(_ticks(12))
    axis.yaxis.set_major_locator(_ticks(5))
    axis.tick_params(labelsize=8)
    return figure


def _ticks(count: int) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(count, integer=False)


def _filters(title: str, filters: NDArray[np.float32]) -> Figure:
    """Filters, a row each, with their channels side by side; of 1x1 the whole matrix."""
    if filters.ndim == 3:
        filters = filters[None]  # a signal's: of one row
    *extents, channels, count = filters.shape
    limit = float(np.abs(filters).max()) or 1.0
    scale: dict[str, Any] = {"cmap": _SIGNED, "vmin": -limit, "vmax": limit}
    if max(extents) == 1:
        figure, axes = _figure(1, 1, min(max(channels / count, 0.2), 3), title)
        matrix: Any = axes[0].imshow(filters[0, 0], aspect="auto", interpolation="nearest", **scale)
        axes[0].set_xlabel("filter", fontsize=8)
        axes[0].set_ylabel("channel", fontsize=8)
        _color_bar(figure, matrix, axes, filters, scale)
        return figure
    kernels, names, columns = arranged(filters)
    if len(kernels) < channels * count:
        title = f"{title} · the first {len(kernels)} kernels"
    rows = math.ceil(len(kernels) / columns)
    width = min(max(columns * _SMALL + 1, len(title) / 9), _INCHES)
    figure, axes = _figure(rows, columns, min(extents[0] / extents[1], 3), title, width)
    image: Any = None
    for at, each in enumerate(axes):
        if at >= len(kernels):
            each.set_axis_off()
            continue
        image = each.imshow(kernels[at], interpolation="nearest", **scale)
        each.set_title(names[at], fontsize=7, pad=2)
        if kernels[at].size <= _LABELLED and len(kernels) <= 16:
            _label(each, kernels[at], limit)
    _color_bar(figure, image, axes, filters, scale)
    return figure


def arranged(filters: NDArray[np.float32]) -> tuple[list[NDArray[np.float32]], list[str], int]:
    """The kernels in the order of a grid, their names, and the columns of the grid."""
    *_, channels, count = filters.shape
    if channels == 1:
        kernels = [filters[..., 0, at] for at in range(min(count, MOST))]
        columns = len(kernels) if len(kernels) <= 8 else _columns(len(kernels), 1)
        return kernels, [str(at) for at in range(len(kernels))], columns
    shown = min(channels, 8)
    pairs = [
        (filter_, channel)
        for filter_ in range(min(count, MOST // shown))
        for channel in range(shown)
    ]
    kernels = [filters[..., channel, filter_] for filter_, channel in pairs]
    return kernels, [f"{filter_}, channel {channel}" for filter_, channel in pairs], shown


def _label(axis: Axes, kernel: NDArray[np.float32], limit: float) -> None:
    """Writes the values of a kernel into its cells."""
    for row, values in enumerate(kernel):
        for column, value in enumerate(values):
            color = "white" if abs(value) > 0.6 * limit else "black"
            text = f"{value:.2g}".replace("-", "−")
            axis.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
