"""What was done to the images that published weights were trained on, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from cnnkit.data.decoding import Decoding
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.errors import UsageError, did_you_mean
from cnnkit.layers.shape import Shape, show


class _Scale(NamedTuple):
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


# Sources: torchvision's `transforms.Normalize` for ImageNet, timm's `IMAGENET_DEFAULT_MEAN` and
# `IMAGENET_INCEPTION_MEAN`, and the modes of Keras's `imagenet_utils.preprocess_input`.
_IMAGENET: Final = _Scale((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_INCEPTION: Final = _Scale((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
CONVENTIONS: Final[Mapping[str, _Scale]] = MappingProxyType(
    {
        "torchvision": _IMAGENET,
        "timm": _IMAGENET,
        "timm-inception": _INCEPTION,
        "keras-torch": _IMAGENET,
        "keras-tf": _INCEPTION,
    }
)
"""Bytes are first divided by 255; then a mean is subtracted, and divided by a deviation."""


def convention(name: str, shape: Shape) -> Preprocessing:
    """The preprocessing of a name, for images of a shape that cover it.

    Args:
        name: One of ``CONVENTIONS``.
        shape: That of an input, ``[rows, columns, 3]``.

    Raises:
        UsageError: There is none of that name, or the input is no image in colours.
    """
    if name not in CONVENTIONS:
        near = did_you_mean(name, CONVENTIONS)
        also = "; of Keras's caffe, blue comes first: no record says so" if "caffe" in name else ""
        hint = f", did you mean {near}?" if near else ""
        raise UsageError(f"--preprocessing {name} is none of {', '.join(CONVENTIONS)}{hint}{also}")
    if len(shape) != 3 or shape[-1] != 3:
        raise UsageError(
            f"--preprocessing {name} is for images in three colours, and the input is {show(shape)}"
        )
    mean, deviation = CONVENTIONS[name]
    return Preprocessing("uint8", shape, (0, 255), mean, deviation, Decoding(), None)
