"""Cells that are put around axes, or cut off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.activation import tensor
from cnnkit.importing.operators.builder import axis_of, constant
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.shaping import integers
from cnnkit.importing.operators.view import View, laid_out
from cnnkit.importing.operators.windows import padding, scalar

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Builder, Given, Operator

_MODES = {"constant": "zeros", "reflect": "reflect", "edge": "edge", "wrap": "circular"}


def pad(node: OperatorNode, build: Builder, given: Given) -> View:
    """Pad of the spatial axes, and of the channels with zeros; what is negative is cut off."""
    view = tensor(given)
    pads = list(node.get("pads") or [])
    if len(given) > 1 and given[1] is not None:
        pads = integers(given[1], "padding")
    value = node.get("value", 0.0)
    if len(given) > 2 and given[2] is not None:
        value = float(constant(given[2], "value").reshape(()))
    axes = list(range(view.rank))
    if len(given) > 3 and given[3] is not None:
        axes = [axis_of(axis, view.rank) for axis in integers(given[3], "axes")]
    mode = node.get("mode", "constant")
    if mode not in _MODES or len(pads) != 2 * len(axes):
        raise RefusedError(f"it pads in a way that no kind says: `{mode}`, {pads}")
    if mode == "constant" and value and any(pads):
        raise RefusedError(f"it pads with {value}, by {pads}", "near are pad, with zeros, and crop")
    before, after = [0] * view.rank, [0] * view.rank
    for axis, first, last in zip(axes, pads, pads[len(axes) :], strict=False):
        before[axis], after[axis] = first, last
    return padded(node, build, view, before, after, mode)


def padded(
    node: OperatorNode,
    build: Builder,
    view: View,
    before: Sequence[int],
    after: Sequence[int],
    mode: str = "constant",
) -> View:
    """A view with cells before and after each of all its axes; negative ones are cut off."""
    cells = [pair for at, pair in enumerate(zip(before, after, strict=True)) if at != view.batch]
    if len(cells) < len(before) and (before[view.batch or 0] or after[view.batch or 0]):
        raise RefusedError("it pads the batch")
    for place, (first, last) in enumerate(cells):
        start, stop = max(0, -first), view.extents[place] - max(0, -last)
        view = build.sliced(node, view, place, start, stop)
    cells = [(max(0, first), max(0, last)) for first, last in cells]
    if not any(map(any, cells)):
        return view
    if view.batch == 0 and view.channel_axis in (0, None):
        source, order, last_axis = build.tensor(node, view), [*range(1, len(cells)), 0], None
    else:
        view = build.aligned(node, view, ones=True)
        source, last_axis = view.source, view.channel_axis or 0
        order = [*(each for each in range(len(cells)) if each != last_axis), last_axis]
    fields: dict[str, Any] = {}
    *around, channels = (cells[each] for each in order)
    if any(map(any, around)):
        fields["padding"] = padding(*zip(*around, strict=True))
    if any(channels):
        fields["channels"] = scalar(channels)
    if _MODES[mode] != "zeros":
        fields["padding_mode"] = _MODES[mode]
    number = build.apply(node, "pad", source, fields=fields)
    if last_axis is None:
        return build.view(number)
    return laid_out(number, build.graph.shape(number), len(cells), last_axis, view.batch)


def center_crop_pad(node: OperatorNode, build: Builder, given: Given) -> View:
    """CenterCropPad: axes cut or padded at both ends to given extents."""
    view = tensor(given)
    whole = view.whole(build.batch)
    axes = [axis_of(axis, len(whole)) for axis in node.get("axes") or range(len(whole))]
    before, after = [0] * len(whole), [0] * len(whole)
    for axis, wanted in zip(axes, integers(given[1], "shape"), strict=True):
        more = abs(wanted - whole[axis])
        sign = 1 if wanted > whole[axis] else -1
        before[axis], after[axis] = sign * (more // 2), sign * (more - more // 2)
    return padded(node, build, view, before, after)


OPERATORS: dict[str, Operator] = {
    "CenterCropPad": center_crop_pad,
    "Pad": pad,
}
