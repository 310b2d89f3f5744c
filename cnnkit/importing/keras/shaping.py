"""Functions of `keras.ops` that cut, pad, join, split and move the axes of a tensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeGuard

from cnnkit.importing.graph import Operation, RefusedError
from cnnkit.importing.keras.function_call import FunctionCall
from cnnkit.importing.operators.recurrence import turned
from cnnkit.importing.operators.view import View, channels_last, first, last
from cnnkit.importing.operators.windows import padding, scalar

Function = Callable[[FunctionCall], View]


def axes_of(call: FunctionCall) -> list[int]:
    """The axes that a function is over, from the front, the batch among them.

    Raises:
        RefusedError: They are all.
    """
    given = call.config.get("axis")
    if given is None:
        raise RefusedError("it is over all axes, those of the batch among them", "near is reduce")
    return sorted(call.axis(each) for each in (given if isinstance(given, list) else [given]))


def _reshape(call: FunctionCall) -> View:
    batch, *extents = call.config["newshape"]
    size = math.prod(call.view.extents)
    if extents.count(-1) == 1:
        extents[extents.index(-1)] = size // math.prod(each for each in extents if each > 0)
    if batch not in (-1, None) or math.prod(extents) != size:
        raise RefusedError(
            f"it makes {extents} of each part of {list(call.view.extents)}: the batch does not "
            "stay apart",
            "near is each, which applies layers to all slices",
        )
    return call.view.reshaped(extents)


def _ordered(call: FunctionCall, order: Sequence[int]) -> View:
    if order[0] != 0:
        raise RefusedError("it moves the batch", "near is transpose")
    return call.view.transposed([each - 1 for each in order[1:]])


def _transpose(call: FunctionCall) -> View:
    return _ordered(call, call.config.get("axes") or [*range(call.rank)][::-1])


def _swapped(call: FunctionCall) -> View:
    order = [*range(call.rank)]
    one, other = (call.axis(call.config[name]) for name in ("axis1", "axis2"))
    order[one], order[other] = other, one
    return _ordered(call, order)


def _moved(call: FunctionCall) -> View:
    source, target = (
        [call.axis(each) for each in call.config[name]] for name in ("source", "destination")
    )
    order = [each for each in range(call.rank) if each not in source]
    for place, axis in sorted(zip(target, source, strict=True)):
        order.insert(place, axis)
    return _ordered(call, order)


def _expanded(call: FunctionCall) -> View:
    given = call.config["axis"]
    axes = list(call.view.axes)
    for axis in given if isinstance(given, list) else [given]:
        place = axis + len(axes) + 2 if axis < 0 else axis
        if place == 0:
            raise RefusedError("it puts an axis before the batch")
        axes.insert(place - 1, ())
    return View(call.view.source, call.view.shape, tuple(axes))


def _squeezed(call: FunctionCall) -> View:
    axes = axes_of(call)
    if any(call.view.whole(1)[axis] != 1 for axis in axes) or axes[0] == 0:
        raise RefusedError(f"it squeezes the axes {axes} of {list(call.view.extents)}")
    kept = tuple(axis for at, axis in enumerate(call.view.axes, start=1) if at not in axes)
    return View(call.view.source, call.view.shape, kept)


def _item(call: FunctionCall) -> View:
    """`x[:, 2:8, ::2, ..., 0]`."""
    key = call.given(1)
    key = list(key) if isinstance(key, list) else [key]
    missing = call.rank - sum(each not in (None, ...) for each in key)
    at = key.index(...) if ... in key else len(key)
    key = [*key[:at], *[slice(None, None, None)] * missing, *key[at + 1 :]]
    bounds: list[tuple[int, int, int]] = []
    taken, added = [], []
    whole = call.view.whole(1)
    for place, each in enumerate(key):
        axis = len(bounds)
        if each is None:
            added.append(place)
        elif isinstance(each, int):
            start = each + whole[axis] if each < 0 else each
            bounds.append((start, start + 1, 1))
            taken.append(axis)
        elif isinstance(each, slice):
            bounds.append(each.indices(whole[axis]))
        else:
            raise RefusedError("it takes elements by a tensor", "near is slice")
    if 0 in taken or bounds[0] != (0, 1, 1):
        raise RefusedError("it takes a part of the batch", "near is slice")
    view = _cut(call, bounds)
    axes = [axis for at, axis in enumerate(view.axes, start=1) if at not in taken]
    for place in added:
        axes.insert(place - 1 - sum(each < place for each in taken), ())
    return View(view.source, view.shape, tuple(axes))


def _cut(call: FunctionCall, bounds: Sequence[tuple[int, int, int]]) -> View:
    """The parts of axes that are taken; of several axes of a map it is a crop."""
    import numpy as np

    whole = call.view.whole(1)
    cut = [at for at, each in enumerate(bounds) if each != (0, whole[at], 1)]
    if len(cut) == 1 and bounds[cut[0]][2] == 1:
        start, stop, _ = bounds[cut[0]]
        return call.build.sliced(call.node("Slice"), call.view, cut[0] - 1, start, stop)
    order = [0, len(bounds) - 1, *range(1, len(bounds) - 1)]
    moved = [bounds[each] for each in order] if len(bounds) > 1 else list(bounds)
    starts, stops, steps = (np.asarray(each, np.int64) for each in zip(*moved, strict=True))
    return last(call.onnx("Slice", first(call.view), starts, stops, np.arange(len(moved)), steps))


def _concatenated(call: FunctionCall) -> View:
    views = call.args[0]
    if not all(isinstance(view, View) for view in views):
        raise RefusedError("it joins a constant to what depends on the input")
    axis = call.config.get("axis", -1)
    rank = views[0].rank
    axis = axis + rank if axis < 0 else axis
    if axis == rank - 1:
        return call.channels_first("Concat", *views, axis=1)
    made: View = call.onnx("Concat", *views, axis=axis)
    return made


def _flipped(call: FunctionCall) -> View:
    axes = axes_of(call)
    if len(axes) != 1:
        raise RefusedError(f"it turns the axes {axes} round")
    return turned(call.node("Flip"), call.build, call.view, axes[0])


def _padded(call: FunctionCall) -> View:
    """Pads all axes, with zeros, with minus infinity, or with what is there."""
    import numpy as np

    modes = {"constant": "zeros", "reflect": "reflect", "edge": "edge", "wrap": "circular"}
    widths, mode = call.config.get("pad_width"), call.config.get("mode", "constant")
    others = [*call.args[1:], *call.kwargs.values()]
    value = next((each for each in others if each is not None), 0)
    if not isinstance(value, int | float):
        value = float(np.asarray(value).reshape(()))
    if not isinstance(widths, list) or len(widths) != call.rank or mode not in modes:
        raise RefusedError(f"it pads by {widths}, `{mode}`", "near is pad")
    if value not in (0, -math.inf) or any(widths[0]):
        raise RefusedError(f"it pads with {value} by `{mode}`", "near is pad, with zeros")
    fields: dict[str, Any] = {}
    before, after = zip(*widths[1:-1], strict=True) if widths[1:-1] else ((0,), (0,))
    if any([*before, *after]):
        fields["padding"] = padding(before, after)
    if any(widths[-1]):
        fields["channels"] = scalar(widths[-1])
    if mode != "constant":
        fields["padding_mode"] = modes[mode]
    before_it = call.build.graph.operations.get(call.view.source)
    if fields.keys() == {"channels"} and _pads_around(before_it, call.view):
        node = call.node("Pad")  # the spatial axes were padded just before
        made = {**before_it.fields, **fields}
        number = call.build.apply(node, "pad", *before_it.inputs, fields=made)
        return channels_last(number, call.build.graph.shape(number))
    # What is not zero is no field: the pool that reads it pads so by itself.
    return call.layer("pad", fields, {"value": np.asarray(value)} if value else {})


def _pads_around(operation: Operation | None, view: View) -> TypeGuard[Operation]:
    """Whether a tensor is what padding the spatial axes with zeros gave."""
    return (
        operation is not None
        and operation.kind == "pad"
        and operation.fields.keys() == {"padding"}
        and not operation.weights
        and view.axes == channels_last(view.source, view.shape).axes
    )


SHAPING: Mapping[str, Function] = MappingProxyType(
    {
        "Concatenate": _concatenated,
        "ExpandDims": _expanded,
        "Flip": _flipped,
        "GetItem": _item,
        "Moveaxis": _moved,
        "Pad": _padded,
        "Reshape": _reshape,
        "Squeeze": _squeezed,
        "Swapaxes": _swapped,
        "Transpose": _transpose,
    }
)
"""By the names of the classes in `keras.ops` that stand for functions."""
