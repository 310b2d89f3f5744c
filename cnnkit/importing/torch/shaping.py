"""Axes that are flattened, moved, cut, padded, joined and stretched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.builder import axis_of
from cnnkit.importing.operators.recurrence import turned

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Made
    from cnnkit.importing.torch.call import Call

Function = Callable[["Call"], "Made"]


def _same(call: Call) -> Made:
    return call.first


def _flatten(call: Call) -> Made:
    view = call["self"]
    start, stop = axis_of(call["start_dim"], view.rank), axis_of(call["end_dim"], view.rank)
    if start == 0 and view.batch == 0:
        raise RefusedError("it flattens the batch", "flatten from axis 1 on")
    sizes = list(view.whole(call.build.batch))
    sizes[start : stop + 1] = [-1]
    return _reshaped(call, sizes)


def _unflatten(call: Call) -> Made:
    view = call["self"]
    place = axis_of(call["dim"], view.rank)
    whole = list(view.whole(call.build.batch))
    whole[place : place + 1] = list(call["sizes"])
    return _reshaped(call, whole)


def _view(call: Call) -> Made:
    return _reshaped(call, list(call["size"] or call["shape"]))


def _reshaped(call: Call, sizes: list[int]) -> Made:
    return call.onnx("Reshape", call["self"], _integers(sizes), allowzero=1)


def _permute(call: Call) -> Made:
    rank = call["self"].rank
    return call.onnx("Transpose", call["self"], perm=[axis_of(axis, rank) for axis in call["dims"]])


def _transpose(call: Call) -> Made:
    return _exchanged(call, call["dim0"], call["dim1"])


def _matrix_transpose(call: Call) -> Made:
    return _exchanged(call, -2, -1)


def _exchanged(call: Call, one: int, other: int) -> Made:
    """Two axes in each other's place."""
    rank = call["self"].rank
    order = list(range(rank))
    first, second = axis_of(one, rank), axis_of(other, rank)
    order[first], order[second] = second, first
    return call.onnx("Transpose", call["self"], perm=order)


def _movedim(call: Call) -> Made:
    rank = call["self"].rank
    ends = (call["source"], call["destination"])
    lists = ([each] if isinstance(each, int) else each for each in ends)
    source, destination = ([axis_of(axis, rank) for axis in each] for each in lists)
    order = [axis for axis in range(rank) if axis not in source]
    for place, axis in sorted(zip(destination, source, strict=True)):
        order.insert(place, axis)
    return call.onnx("Transpose", call["self"], perm=order)


def _squeeze(call: Call) -> Made:
    view, axes = call["self"], call["dim"]
    axes = [axis for axis in range(view.rank) if axis != view.batch] if axes is None else axes
    axes = [axes] if isinstance(axes, int) else list(axes)
    whole = view.whole(call.build.batch)
    there = [axis_of(axis, view.rank) for axis in axes]
    kept = [axis for axis in there if axis != view.batch and whole[axis] == 1]
    return call.onnx("Squeeze", view, _integers(kept)) if kept else view


def _select(call: Call) -> Made:
    import numpy as np

    view = call["self"]
    axis = axis_of(call["dim"], view.rank)
    index = axis_of(call["index"], view.whole(call.build.batch)[axis])
    return call.onnx("Gather", view, np.asarray(index), axis=axis)


def _unbind(call: Call) -> Made:
    import numpy as np

    view = call["self"]
    axis = axis_of(call["dim"], view.rank)
    parts: list[Any] = [
        call.onnx("Gather", view, np.asarray(index), axis=axis)
        for index in range(view.whole(call.build.batch)[axis])
    ]
    return parts


def _flip(call: Call) -> Made:
    if len(call["dims"]) != 1:
        raise RefusedError(f"it turns the axes {list(call['dims'])} round")
    return turned(call.node("flip"), call.build, call["self"], call["dims"][0])


def _roll(call: Call) -> Made:
    """What is behind the cut of each axis, then what is before it."""
    made: Any = call["self"]
    if len(call["dims"]) != len(call["shifts"]):
        raise RefusedError("it rolls a tensor that it takes for a vector", "give it its axes")
    for shift, axis in zip(call["shifts"], call["dims"], strict=True):
        extent = call["self"].whole(call.build.batch)[axis_of(axis, call["self"].rank)]
        if cut := -shift % extent:
            bounds = ((cut, extent), (0, cut))
            parts: list[Any] = [
                call.onnx("Slice", made, *(_integers([each]) for each in (*pair, axis)))
                for pair in bounds
            ]
            made = call.onnx("Concat", *parts, axis=axis)
    rolled: Made = made
    return rolled


def _unsqueeze(call: Call) -> Made:
    return call.onnx("Unsqueeze", call["self"], _integers([call["dim"]]))


def _concat(call: Call) -> Made:
    if len(call["tensors"]) == 1:
        only: Made = call["tensors"][0]
        return only
    return call.onnx("Concat", *call["tensors"], axis=call["dim"])


def _split(call: Call) -> Made:
    view = call["self"]
    axis = axis_of(call["dim"], view.rank)
    extent = view.whole(call.build.batch)[axis]
    sizes = call["split_sizes"]
    if sizes is None:
        size = call["split_size"]
        if size is None:
            size = -(-extent // call["chunks"])
        sizes = [min(size, extent - start) for start in range(0, extent, size)]
    return call.onnx("Split", view, _integers(sizes), axis=axis, outputs=len(sizes))


def _slice(call: Call) -> Made:
    start, stop, step = call["start"] or 0, call["end"], call["step"]
    if call["length"] is not None:
        stop, step = start + call["length"], 1
    stop = 2**62 if stop is None else stop
    bounds = (_integers([each]) for each in (start, stop, call["dim"], step))
    return call.onnx("Slice", call["self"], *bounds)


def _pad(call: Call) -> Made:
    """Cells before and after of each axis, the last axis first, as PyTorch has them."""
    view = call["self"]
    rank = view.rank
    pairs = list(zip(call["pad"][::2], call["pad"][1::2], strict=True))[::-1]
    before, after = zip(*([(0, 0)] * (rank - len(pairs)) + pairs), strict=True)
    modes = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    mode = modes.get(call["mode"] or "constant", call["mode"])
    value = float(call["value"] or 0)
    return call.onnx("Pad", view, pads=[*before, *after], mode=mode, value=value)


def _upsample(mode: str) -> Function:
    def apply(call: Call) -> Made:
        view = call["input"] if call["input"] is not None else call["self"]
        size, factors = call["output_size"], call["scale_factors"]
        if size is None:
            size = [int(extent * by) for extent, by in zip(view.extents[1:], factors, strict=True)]
        where = "align_corners" if call["align_corners"] else "half_pixel"
        if mode == "nearest":
            where = "asymmetric"
        sizes = _integers([call.build.batch, view.extents[0], *size])
        return call.onnx(
            "Resize",
            view,
            None,
            None,
            sizes,
            mode=mode,
            coordinate_transformation_mode=where,
            nearest_mode="floor",
        )

    return apply


def _channel_shuffle(call: Call) -> Made:
    return call.made("channel_shuffle", {"groups": call["groups"]})


def _pixel_shuffle(call: Call) -> Made:
    return call.onnx("DepthToSpace", call["self"], blocksize=call["upscale_factor"], mode="CRD")


def _integers(values: list[int]) -> Any:
    import numpy as np

    return np.asarray(values, np.int64)


SHAPING: Mapping[str, Function] = MappingProxyType(
    {
        **dict.fromkeys(
            ("alias", "clone", "contiguous", "detach", "to", "_to_copy", "type_as"), _same
        ),
        **dict.fromkeys(("cat", "concat", "concatenate"), _concat),
        "channel_shuffle": _channel_shuffle,
        "chunk": _split,
        "constant_pad_nd": _pad,
        "flatten": _flatten,
        "flip": _flip,
        "mT": _matrix_transpose,
        **dict.fromkeys(("moveaxis", "movedim"), _movedim),
        "narrow": _slice,
        "pad": _pad,
        "permute": _permute,
        "pixel_shuffle": _pixel_shuffle,
        "reshape": _view,
        "roll": _roll,
        "select": _select,
        "slice": _slice,
        "split": _split,
        "split_with_sizes": _split,
        "squeeze": _squeeze,
        "swapaxes": _transpose,
        "transpose": _transpose,
        "unbind": _unbind,
        "unflatten": _unflatten,
        "unsqueeze": _unsqueeze,
        **dict.fromkeys(("upsample_bilinear2d", "upsample_linear1d"), _upsample("linear")),
        **dict.fromkeys((f"upsample_nearest{rank}d" for rank in (1, 2, 3)), _upsample("nearest")),
        "view": _view,
    }
)
"""By the names of ATen."""
