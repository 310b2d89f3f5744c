"""Whether an input is written in the order of another framework: channels or examples first."""

from __future__ import annotations

from typing import Final

from cnnkit.errors import Finding
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.language.place import inmost
from cnnkit.spec.model.spec import Spec

_FEW: Final = (1, 3, 4)  # what images have: grey, colours, colours and transparency
_COLOURS: Final = (3, 4)
_LARGE: Final = 16
_SIGNAL: Final = 64  # a signal of few cells may well have as many channels as an image has rows
_ALONG: Final = ("each", "conv_lstm")  # whoever goes along the first extent knows what it is
_LONGEST: Final = 8  # times as long as it is wide: no image, and so no hint


def misordered_input(spec: Spec) -> Finding | None:
    """A note on an input whose first extent looks like the channels, or like a batch."""
    if any(layer.kind in _ALONG for layer in spec.layers):
        return None
    for name, shape in (spec.inputs or {"": spec.input}).items():
        if found := _misordered(spec, name, shape):
            return found
    return None


def _misordered(spec: Spec, name: str, shape: Shape) -> Finding | None:
    key = name or "input"
    if _channels_first(shape):
        order = show((*shape[1:], shape[0]))
        advice = f"the channels come last: write `{key}: {order}` if the first extent is theirs"
    elif _examples_first(shape):
        advice = (
            f"the shape is that of one example: write `{key}: {show(shape[1:])}` if the first "
            "extent counts examples"
        )
    else:
        return None
    *extents, channels = shape
    kind = {1: "a signal", 2: "a map", 3: "a volume"}[len(extents)]
    document = spec.origin.document
    return Finding(
        "misordered-input",
        "info",
        f"`{show(shape)}` is read as {kind} of {show(extents)} with {channels} "
        f"channel{'' if channels == 1 else 's'}",
        advice,
        inmost(document, ("inputs", name) if name else ("input",)).location()
        if document is not None
        else None,
    )


def _channels_first(shape: Shape) -> bool:
    first, *rest = shape
    if first not in _FEW or not rest or max(rest) > _LONGEST * min(rest):
        return False
    return min(rest) >= (_SIGNAL if len(rest) == 1 else _LARGE)


def _examples_first(shape: Shape) -> bool:
    """Several images, or one in a batch of its own; a volume of 3 or 4 channels is a rare thing."""
    if len(shape) < len("NHWC"):
        return False
    first, height, width, channels = shape
    if min(height, width) < _LARGE or channels not in _FEW:
        return False
    return first == 1 or (channels in _COLOURS and height == width != first)
