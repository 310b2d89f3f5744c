"""Images with what is true of their pixels and what a network says, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from matplotlib.patches import Patch

from cnnkit.data.palette import PALETTE
from cnnkit.training.view.curves import drawn

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COLOURS: Final = np.array(PALETTE, np.uint8)
_INCHES: Final = 1.5
_IN_A_ROW: Final = 5
_UNCOUNTED: Final = "ignored"


class Sample(NamedTuple):
    """An example of a network of maps.

    Attributes:
        title: What it is called, and how well it was answered.
        image: ``[*spatial, C]``.
        true: The class of each pixel ``[*spatial]``, −1 where it does not count; or its values
            ``[*spatial, C]``. It may be the middle of the image alone.
        said: What the network answers, as ``true``.
        classes: The names of the classes, as far as they have some.
    """

    title: str
    image: NDArray[Any]
    true: NDArray[Any]
    said: NDArray[Any]
    classes: tuple[str, ...] = ()


def save_samples(path: Path, samples: Sequence[Sample], *, title: str = "") -> None:
    """Draws a row a sample to a PNG or SVG file; of a volume its middle slice.

    Args:
        path: The file; its ending is the format.
        samples: Of images or volumes.
        title: What stands above.
    """
    legend = _legend(samples)
    with drawn(path) as figure:
        below = 0.16 * -(-len(legend) // _IN_A_ROW)
        figure.set_size_inches(4 * _INCHES, (_INCHES + 0.2) * len(samples) + 0.3 + below)
        panels = figure.subplots(len(samples), 4, squeeze=False)
        for row, sample in zip(panels, samples, strict=True):
            of_classes = sample.true.dtype.kind in "iu"
            heads = ("image", "truth", "prediction", "wrong" if of_classes else "error")
            pictures = _pictures(sample, of_classes=of_classes)
            for axes, picture, head in zip(row, pictures, heads, strict=True):
                axes.imshow(picture, cmap="gray", interpolation="nearest")
                axes.set_xticks([])
                axes.set_yticks([])
                axes.set_title(head, fontsize=7)
            row[0].set_ylabel(sample.title, fontsize=7)
        if title:
            figure.suptitle(title)
        if legend:
            figure.legend(
                [Patch(facecolor=colour, edgecolor="grey") for _, colour in legend],
                [names for names, _ in legend],
                loc="outside lower center",
                ncols=_IN_A_ROW,
                fontsize=7,
            )


def _legend(samples: Sequence[Sample]) -> list[tuple[str, tuple[float, float, float]]]:
    """The name and the colour of each class that is seen, in the order of the classes."""
    named: dict[int, dict[str, None]] = {}
    for sample in samples:
        if sample.true.dtype.kind in "iu":
            seen = [_slice(each, 2) for each in (sample.true, sample.said)]
            for label in np.union1d(*seen).tolist():
                known = sample.classes[label : label + 1] or (str(label),)
                named.setdefault(label, {})[_UNCOUNTED if label < 0 else known[0]] = None
    labels = np.array(sorted(named), np.int64)
    pairs = zip(labels.tolist(), (colours(labels) / 255).tolist(), strict=True)
    return [(", ".join(named[label]), (red, green, blue)) for label, (red, green, blue) in pairs]


def _pictures(sample: Sample, *, of_classes: bool) -> list[NDArray[Any]]:
    image = _slice(sample.image, 3)
    axes = 2 if of_classes else 3
    true, said = _slice(sample.true, axes), _slice(sample.said, axes)
    if not of_classes:
        error = np.abs(said.astype(float) - true).mean(-1)
        return [_tones(image), _tones(true), _tones(said), error]
    wrong = (true != said) & (true >= 0)
    shown = np.where(wrong[..., None], (213, 94, 0), (235, 235, 235)).astype(np.uint8)
    return [_tones(image), colours(true), colours(said), shown]


def colours(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """The colours of classes, ``[…, 3]``, red, green and blue; white where none counts."""
    found: NDArray[np.uint8] = _COLOURS[np.clip(mask, 0, None) % len(_COLOURS)]
    found[mask < 0] = 255
    return found


def _slice(values: NDArray[Any], axes: int) -> NDArray[Any]:
    """The middle of a volume; an image as it is."""
    return values if values.ndim == axes else values[len(values) // 2]


def _tones(image: NDArray[Any]) -> NDArray[Any]:
    """An image as Matplotlib takes it: grey, or red, green and blue of 0 to 1."""
    values = image.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    values = (values - low) / ((high - low) or 1)
    return values[..., :3] if values.shape[-1] >= 3 else values[..., 0]
