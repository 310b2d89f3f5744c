"""The filters of a network's first convolution as one small picture: a pixel a weight."""

from __future__ import annotations

import math
from functools import reduce
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from cnnkit.layers.shape import show
from cnnkit.spec.tracing import graph_of
from cnnkit.training.store.files import write_atomic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnnkit.network import Network
    from cnnkit.spec.model.spec import Spec

_MOST: Final = 64
_COLUMNS: Final = 16
_ABOUT: Final = "about"
_WIDEST: Final = 8192


class FilterPicture(NamedTuple):
    """A picture of filters.

    Attributes:
        data: The PNG file.
        told: What is to be seen.
        width: Its width in pixels, one a weight.
    """

    data: bytes
    told: str
    width: int


def save_filters(path: Path, spec: Spec, network: Network) -> None:
    """Writes the first filters that read an image; nothing where there are none.

    Args:
        path: The PNG file.
        spec: The network.
        network: Its module, with its weights.
    """
    found = _first(spec, network)
    if found is None:
        return
    name, kernel = found
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    limit = float(np.abs(kernel).max()) or 1.0
    count = kernel.shape[-1]
    shown = f"the first {_MOST} of {count:,}" if count > _MOST else f"the {count:,}"
    told = (
        f"{shown} filters of `{name}`, each {show(kernel.shape[:-1])}, on one scale: "
        f"the middle is 0, the ends are −{limit:.3g} and {limit:.3g}"
    )
    about = PngInfo()
    about.add_itxt(_ABOUT, told)
    stream = BytesIO()
    Image.fromarray(_sheet(kernel[..., :_MOST], limit)).save(stream, "PNG", pnginfo=about)
    write_atomic(path, stream.getvalue())


def read_filters(path: Path) -> FilterPicture | None:
    """The picture that was written; None where there is none, or it is damaged."""
    from PIL import Image

    try:
        data = path.read_bytes()
        with Image.open(BytesIO(data), formats=["PNG"]) as image:
            image.load()
            told = str(image.info.get(_ABOUT, ""))
            width = image.width
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return FilterPicture(data, told, width) if width <= _WIDEST else None


def _first(spec: Spec, network: Network) -> tuple[str, NDArray[np.float32]] | None:
    """The path and the kernel ``[H, W, C, F]`` of the first convolution of an image."""
    from cnnkit.layers.convolution import Convolution

    for node in graph_of(spec).nodes:
        if isinstance(node.layer, Convolution) and node.layer.shares_weights:
            module: Any = reduce(getattr, node.path.split("."), network)
            kernel = np.asarray(module.kernel[...], np.float32)
            pictures = kernel.ndim == 4 and kernel.shape[2] in (1, 3) and kernel.shape[0] > 1
            return (node.path, kernel) if pictures and node.inputs[0] < 0 else None
    return None


def _sheet(kernel: NDArray[np.float32], limit: float) -> NDArray[np.uint8]:
    """Filters in rows, a transparent pixel between two; red, green, blue and opacity."""
    height, width, channels, count = kernel.shape
    columns = min(count, _COLUMNS)
    lines = math.ceil(count / columns)
    sheet = np.zeros((lines * (height + 1) - 1, columns * (width + 1) - 1, 4), np.uint8)
    tones = np.rint(127.5 * (1 + kernel / limit)).astype(np.uint8)
    for place in range(count):
        row, column = place // columns * (height + 1), place % columns * (width + 1)
        cell = sheet[row : row + height, column : column + width]
        cell[..., :3] = tones[..., place] if channels == 3 else tones[..., :1, place]
        cell[..., 3] = 255
    return sheet
