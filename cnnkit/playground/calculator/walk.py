"""A window's arithmetic, cell by cell: what it reads, each product, their sum.

The cells are those of the analyser's own windows. The numbers are the spec's where it gives them,
else those handed over, else small ones made up here, so that a layer can be watched before
anything is learnt. Filters are laid on as they are written, without a flip: a cross-correlation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

from cnnkit.layers.base import Layer
from cnnkit.playground.calculator.equation import Number, shown, sum_of, sum_of_products, tidy
from cnnkit.playground.calculator.judged import judged, layer_at
from cnnkit.playground.calculator.numbers import Value, given_values, made_up, source, weight
from cnnkit.playground.calculator.operation import Tap, WatchedOperation, inside, operation_of
from cnnkit.playground.calculator.surroundings import surroundings


def walk(
    text: str,
    path: str,
    cell: Sequence[int] = (),
    channel: int = 0,
    look: int = 0,
    numbers: Sequence[Number] | None = None,
) -> dict[str, Any] | None:
    """The arithmetic of one cell of a layer's output; None where there is none to show.

    Args:
        text: The spec.
        path: The layer's path.
        cell: The cell, an index for each spatial axis; what is beyond the map is moved into it.
        channel: The channel of the output.
        look: The channel of the input whose map is shown.
        numbers: The layer's input, row by row, channels last; as many as it has elements.
    """
    analysis = judged(text).analysis
    found = layer_at(analysis, path) if analysis else None
    operation = operation_of(analysis, found) if analysis and found else None
    if operation is None:
        return None
    rank = len(operation.input) - 1
    extents = operation.output[:-1] if len(operation.output) > 1 else (1,) * rank
    asked = [*cell, *[0] * rank]
    place = tuple(
        min(max(index, 0), extent - 1) for index, extent in zip(asked, extents, strict=False)
    )
    channel = min(max(channel, 0), operation.output[-1] - 1)
    look = min(max(look, 0), operation.input[-1] - 1)
    own = numbers is not None and len(numbers) == math.prod(operation.input)
    value = (
        given_values(operation.input, numbers)
        if own and numbers
        else made_up(operation.input, pooled=not operation.sums)
    )
    taps = [operation.taps(axis, index) for axis, index in enumerate(place)]
    picture = {
        "axes": rank,
        "input": list(operation.input),
        "output": [*extents, operation.output[-1]],
        "cell": list(place),
        "channel": channel,
        "reads": [[tap.cell for tap in axis] for axis in taps],
        "padding": operation.padding,
        "mode": operation.mode,
        "own": own,
        "look": look,
        "map": surroundings(operation, taps, value, look),
    }
    if operation.sums:
        return picture | _convolved(operation, place, channel, taps, value)
    return picture | _pooled(operation, channel, taps, value)


def _convolved(
    operation: WatchedOperation,
    place: Sequence[int],
    channel: int,
    taps: Sequence[Sequence[Tap]],
    value: Value,
) -> dict[str, Any]:
    """The products of a filter with what it lies on, their sum in each channel, and the result."""
    kernel = operation.weights[0].shape
    rank = len(taps)
    read, sets = kernel[-2], kernel[-1]
    start = channel * (operation.input[-1] // read) // sets * read
    written = getattr(operation.layer, "weights", None)
    lead = place if len(kernel) > rank + 2 else ()
    mode = operation.mode or "zeros"
    terms, sums = [], []
    for number, origin in enumerate(range(start, start + read)):
        products = []
        for where in product(*taps):
            cell = [tap.cell for tap in where]
            held = source(cell, operation.input, mode)
            x = 0 if held is None else value(held, origin)
            index = (*lead, *(tap.kernel for tap in where), number, channel)
            w = _entry(written, index) if written is not None else weight(index)
            products.append(x * w)
            terms.append(_term(cell, origin, x, w, inside(cell, operation.input)))
        sums.append(tidy(sum(products)))
    bias = _bias(operation.layer, channel)
    result = tidy(sum(sums) + (bias or 0))
    parts = [*sums, *([bias] if bias is not None else [])]
    return {
        "how": "sum",
        "terms": terms,
        "sums": sums,
        "bias": bias,
        "result": result,
        "weights_given": written is not None,
        "equation": sum_of_products(terms, bias, result),
        "by_channel": f"{sum_of(parts)} = {shown(result)}" if len(sums) > 1 else None,
    }


def _pooled(
    operation: WatchedOperation, channel: int, taps: Sequence[Sequence[Tap]], value: Value
) -> dict[str, Any]:
    """The cells of a window, and their maximum or mean."""
    how = operation.how
    counted = bool(getattr(operation.layer, "count_padding", False))
    sides = operation.padding
    terms, numbers, cells = [], [], 0
    for where in product(*taps):
        cell = [tap.cell for tap in where]
        there = inside(cell, operation.input)
        padded = all(
            -before <= index < extent + after
            for index, extent, (before, after) in zip(cell, operation.input, sides, strict=False)
        )
        cells += there or (counted and padded)
        x = value(cell, channel) if there else None
        if x is not None:
            numbers.append(x)
        terms.append(_term(cell, channel, x, None, there))
    if how == "maximum":
        result = max(numbers)
        equation = f"max({', '.join(map(shown, numbers))}) = {shown(result)}"
    else:
        result = tidy(sum(numbers) / cells)
        equal = "=" if shown(result) == str(result).replace("-", "−") else "≈"
        equation = f"({sum_of(numbers)}) / {cells} {equal} {shown(result)}"
    return {
        "how": how,
        "terms": terms,
        "sums": [],
        "bias": None,
        "result": result,
        "weights_given": None,
        "equation": equation,
        "by_channel": None,
    }


def _term(
    cell: Sequence[int], channel: int, x: Number | None, w: Number | None, inside: bool
) -> dict[str, Any]:
    return {
        "cell": list(cell),
        "channel": channel,
        "value": x,
        "weight": w,
        "product": None if x is None or w is None else tidy(x * w),
        "inside": inside,
    }


def _entry(values: Any, index: Sequence[int]) -> Number:
    for place in index:
        values = values[place]
    return tidy(float(values))


def _bias(layer: Layer, channel: int) -> Number | None:
    bias = getattr(layer, "bias", False)
    if isinstance(bias, tuple):
        return tidy(float(bias[channel]))
    return 0 if bias and layer.kind != "separable_conv" else None
