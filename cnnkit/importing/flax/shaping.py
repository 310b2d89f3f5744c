"""Axes that are flattened, moved, cut, padded, joined and stretched."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from cnnkit.importing.flax.equation import Equation, NoElements, UndividedSum, first, last
from cnnkit.importing.flax.windows import Function
from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.recurrence import turned
from cnnkit.importing.operators.view import View


def _same(equation: Equation) -> Any:
    return equation.inputs[0]


def _convert(equation: Equation) -> Any:
    import numpy as np

    if np.dtype(equation.params["new_dtype"]) != np.float32:
        kind = np.dtype(equation.params["new_dtype"]).name
        raise RefusedError(f"it goes on in {kind}", "build the module with float32")
    return equation.inputs[0]


def _reshape(equation: Equation) -> View | UndividedSum:
    sizes = equation.outputs[0]
    if equation.params.get("dimensions") is not None:
        raise RefusedError("it moves axes on the way")
    return _reshaped(equation, sizes)


def _squeeze(equation: Equation) -> View | UndividedSum:
    """Axes of one cell less; of one example the batch may be among them."""
    sizes = equation.outputs[0]
    if (total := _kept(equation, sizes)) is not None:
        return total
    return equation.view.remade(sizes, equation.build.batch)


def _reshaped(equation: Equation, sizes: Sequence[int]) -> View | UndividedSum:
    if (total := _kept(equation, sizes)) is not None:
        return total
    if equation.view.batch != 0:
        return equation.view.remade(sizes, equation.build.batch)
    if not sizes or sizes[0] != equation.build.batch:
        raise RefusedError(
            f"it makes {list(sizes)} of {list(equation.shapes[0])}: the batch does not stay apart"
        )
    return equation.view.reshaped(sizes[1:])


def _kept(equation: Equation, sizes: Sequence[int]) -> UndividedSum | None:
    """A sum whose axes are put back, of one cell, before it is divided."""
    total = equation.inputs[0]
    if not isinstance(total, UndividedSum) or total.window is not None:
        return None
    extents = (equation.build.batch, *total.view.extents)
    wanted = tuple(1 if axis in total.axes else size for axis, size in enumerate(extents))
    return replace(total, keep=True) if tuple(sizes) == wanted else None


def _broadcast(equation: Equation) -> View | UndividedSum:
    """Axes more; along those that are longer after it the tensor is stretched."""
    if (total := _kept(equation, equation.outputs[0])) is not None:
        return total
    view, sizes = equation.view, equation.outputs[0]
    places = list(equation.params["broadcast_dimensions"])
    if view.batch != 0 and math.prod(sizes) == math.prod(equation.shapes[0]):
        return view.remade(sizes, equation.build.batch)
    if places[:1] != [0] or places != sorted(places) or sizes[0] != equation.build.batch:
        raise RefusedError("it stretches the batch")
    own = dict(zip(places, equation.shapes[0], strict=True))
    return view.reshaped([own.get(place, 1) for place in range(1, len(sizes))])


def _transpose(equation: Equation) -> View:
    order = list(equation.params["permutation"])
    made: View = equation.onnx("Transpose", equation.view, perm=order)
    return made


def _concatenate(equation: Equation) -> View:
    axis, rank = int(equation.params["dimension"]), len(equation.shapes[0])
    given = [
        equation.view_at(place) if isinstance(value, View) else equation.constant(place)
        for place, value in enumerate(equation.inputs)
        if not isinstance(value, NoElements)
    ]
    if len(given) == 1 and isinstance(given[0], View):
        return given[0]
    views = [each for each in given if isinstance(each, View)]
    if axis == rank - 1 and len(views) == len(given):
        return equation.channels_first("Concat", *views, axis=1)
    made: View = equation.onnx("Concat", *given, axis=axis)
    return made


def _slice(equation: Equation) -> View | NoElements:
    params = equation.params
    strides = params["strides"] or (1,) * len(params["start_indices"])
    return _cut(equation, params["start_indices"], params["limit_indices"], strides)


def _split(equation: Equation) -> list[View | NoElements]:
    axis, shape = equation.params["axis"], equation.shapes[0]
    parts: list[View | NoElements] = []
    start = 0
    for size in equation.params["sizes"]:
        starts, stops = [0] * len(shape), list(shape)
        starts[axis], stops[axis] = start, start + int(size)
        parts.append(_cut(equation, starts, stops, [1] * len(shape)))
        start += int(size)
    return parts


def _cut(
    equation: Equation, starts: Sequence[int], stops: Sequence[int], steps: Sequence[int]
) -> View | NoElements:
    import numpy as np

    if any(start == stop for start, stop in zip(starts, stops, strict=True)):
        return NoElements()

    bounds = [_moved(starts), _moved(stops), list(range(len(starts))), _moved(steps)]
    arrays = (np.asarray(each, np.int64) for each in bounds)
    return last(equation.onnx("Slice", first(equation.view), *arrays))


def _moved(numbers: Sequence[int]) -> list[int]:
    """A number an axis, with that of the channels behind that of the batch."""
    whole = [int(number) for number in numbers]
    return [whole[0], whole[-1], *whole[1:-1]] if len(whole) > 1 else whole


def _pad(equation: Equation) -> View:
    config = equation.params["padding_config"]
    if any(inner for _, _, inner in config):
        raise RefusedError("it pads between cells", "near is transposed_conv")
    value = float(equation.constant(1).reshape(()))
    return _padded(equation, [(before, after) for before, after, _ in config], "constant", value)


def _pad_in_mode(equation: Equation) -> View:
    if "padding_config" in equation.params:
        return _pad(equation)
    return _padded(equation, equation.params["widths"], equation.params["mode"], 0.0)


def _padded(equation: Equation, widths: Sequence[tuple[int, int]], mode: str, value: float) -> View:
    before, after = (_moved(sides) for sides in zip(*widths, strict=True))
    if min([*before, *after]) < 0:
        raise RefusedError("its padding is negative", "near is crop")
    pads = [*before, *after]
    return equation.channels_first("Pad", equation.view, pads=pads, mode=mode, value=value)


def _reverse(equation: Equation) -> View:
    axes = equation.params["dimensions"]
    if len(axes) != 1:
        raise RefusedError(f"it turns the axes {list(axes)} round")
    return turned(equation.node("rev"), equation.build, equation.view, axes[0])


def _resize(equation: Equation) -> View:
    import numpy as np

    moved = np.asarray(_moved(equation.outputs[0]), np.int64)
    return equation.channels_first(
        "Resize",
        equation.view,
        None,
        None,
        moved,
        mode=equation.params["method"],
        coordinate_transformation_mode="half_pixel",
    )


SHAPING: Mapping[str, Function] = MappingProxyType(
    {
        "broadcast_in_dim": _broadcast,
        "concatenate": _concatenate,
        "convert_element_type": _convert,
        "copy": _same,
        "copy_p": _same,
        "pad": _pad_in_mode,
        "reshape": _reshape,
        "resize": _resize,
        "rev": _reverse,
        "slice": _slice,
        "split": _split,
        "squeeze": _squeeze,
        "stop_gradient": _same,
        "transpose": _transpose,
    }
)
"""By the names of JAX's primitives, and of known functions."""
