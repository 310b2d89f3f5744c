"""The check of windows that do not fit, and what would fit instead: their nearest neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from cnnkit.layers.advice import SEARCH, changing, extents, tried, written
from cnnkit.layers.base import Layer
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.window import Window, axis_names, cell_names
from cnnkit.layers.window import padding_problem as _padding_problem

Windows = tuple[Window, ...]


def check(layer: Layer, shape: Shape, windows: Windows) -> tuple[Problem, ...]:
    """The problems of a layer's windows: too large for the input, or an invalid D-F-S."""
    if all(window.fits for window in windows):
        return ()
    if any(window.slack < 0 for window in windows):
        return (_too_large(layer, shape, windows),)
    return (_invalid_stride(layer, shape, windows),)


def padding_problem(layer: Layer, shape: Shape, windows: Windows, mode: str) -> tuple[Problem, ...]:
    """Whether each axis has the cells that its padding mode repeats; see ``window``."""
    return tuple(
        replace(problem, advice=partial(_less_padding, layer, shape, windows))
        for problem in _padding_problem(windows, mode)
    )


def neighbours(value: int, low: int, high: int) -> Iterator[int]:
    """The other whole numbers in [low, high], nearest first, the smaller before the larger."""
    for step in range(1, SEARCH + 1):
        for candidate in (value - step, value + step):
            if low <= candidate <= high:
                yield candidate


def _too_large(layer: Layer, shape: Shape, windows: Windows) -> Problem:
    axis = next(axis for axis, window in enumerate(windows) if window.slack < 0)
    worst = windows[axis]
    size = f"{layer.size_field} {worst.size}"
    if worst.dilation > 1:
        size += f" with dilation {worst.dilation} covers {worst.dilated} cells and"
    alike = {(w.size, w.dilation, w.before, w.after, w.slack < 0) for w in windows}
    if len(alike) == 1:
        where = f"input of {extents([window.extent for window in windows])}"
    else:
        where = f"{axis_names(len(windows))[axis]} of {worst.extent}"
    if padded := worst.before + worst.after:
        where += f" + {padded} of padding"
    return Problem(
        "window-too-large",
        f"{size} does not fit into the {where}",
        partial(_smaller, layer, shape, windows),
        (layer.size_field, axis),
    )


def _smaller(layer: Layer, shape: Shape, windows: Windows) -> str:
    """The nearest sizes, paddings and inputs with which a window that is too large fits."""
    fault = "window-too-large"
    failing = [axis for axis, window in enumerate(windows) if window.slack < 0]
    shared = len({window.size for window in windows}) == 1
    bounding = windows if shared else [windows[axis] for axis in failing]
    largest = min((w.extent + w.before + w.after - 1) // w.dilation + 1 for w in bounding)
    needed = max(-(-(window.dilated - window.extent) // 2) for window in windows)
    enough = [
        window.extent - (window.slack if window.slack < 0 else window.slack % window.stride)
        for window in windows
    ]
    least = 1 if layer.family == "convolution" else 2  # a pool of 1 does nothing
    sizes = range(largest, max(least - 1, largest - SEARCH), -1)
    found = [
        *_nearest(layer, shape, windows, failing, fault, ("size", layer.size_field), sizes, 1),
        *_paddings(layer, shape, windows, fault, range(needed, needed + SEARCH)),
        *_inputs(layer, shape, fault, [enough]),
    ]
    return "; ".join(found) or f"a smaller {layer.size_field}, or a larger map before it"


def _invalid_stride(layer: Layer, shape: Shape, windows: Windows) -> Problem:
    failing = [axis for axis, window in enumerate(windows) if not window.exact]
    first = windows[failing[0]]
    names = axis_names(len(windows))
    formulas = [f"{windows[axis].formula(' ')} = {windows[axis].quotient()}" for axis in failing]
    strides = {windows[axis].stride for axis in failing}
    stride = f"stride {first.stride}" if len(strides) == 1 else "the stride"
    if len(failing) == len(windows) and len(set(formulas)) == 1:
        message = f"{stride} does not fit: {formulas[0]} is not an integer"
    elif len(failing) == 1:
        message = f"{stride} does not fit the {names[failing[0]]}: {formulas[0]} is not an integer"
    else:
        listed = " and ".join(
            f"{names[axis]} {formula}" for axis, formula in zip(failing, formulas, strict=True)
        )
        message = f"{stride} does not fit: {listed} are not integers"
    advice = partial(_exact, layer, shape, windows, failing)
    return Problem("invalid-stride", message, advice, ("stride", failing[0]))


def _exact(layer: Layer, shape: Shape, windows: Windows, failing: list[int]) -> str:
    """The nearest strides, sizes, paddings and inputs that make every axis exact; or its floor."""
    fault = "invalid-stride"
    first = windows[failing[0]]
    padded = first.extent + first.before + first.after
    strides = neighbours(first.stride, 1, max(window.slack for window in windows))
    sizes = neighbours(first.size, 2, padded)  # a window of 1 is no correction of any
    now = windows[0].before + windows[0].after
    sides = sorted(range(SEARCH), key=lambda side: abs(2 * side - now))
    below = [window.extent - window.slack % window.stride for window in windows]
    above = [
        extent if window.exact else extent + window.stride
        for extent, window in zip(below, windows, strict=True)
    ]
    total = sum(window.extent for window in windows)
    inputs = sorted((below, above), key=lambda extents: abs(sum(extents) - total))
    size = ("size", layer.size_field)
    groups = (
        _nearest(layer, shape, windows, failing, fault, ("stride", "stride"), strides, 3),
        _nearest(layer, shape, windows, failing, fault, size, sizes, 2),
        [*_paddings(layer, shape, windows, fault, sides), *_same(layer, shape, fault)],
        _inputs(layer, shape, fault, inputs),
    )
    found = [text for group in groups if (text := ", ".join(group))]
    if outcome := tried(layer, [shape], fault, rounding="floor"):
        found.append(f"or `rounding: floor`{outcome.gives}{_unread(windows)}")
    return "; ".join(found)


def _nearest(
    layer: Layer,
    shape: Shape,
    windows: Windows,
    failing: list[int],
    fault: str,
    names: tuple[str, str],
    values: Iterable[int],
    most: int,
) -> list[str]:
    """The nearest ``most`` values of a field that fit, each with the output it gives.

    ``names`` are the window's attribute and the field. A value that all axes share is changed for
    all of them, as one number serves every axis; else only where it fails.
    """
    attribute, field = names
    now = [getattr(window, attribute) for window in windows]
    shared = len(set(now)) == 1
    listed = (
        value
        if shared
        else tuple(value if axis in failing else kept for axis, kept in enumerate(now))
        for value in values
    )
    found = (
        f"{field} {written(value)}{outcome.gives}"
        for value in listed
        if (outcome := tried(layer, [shape], fault, **changing(field, value)))
    )
    return list(islice(found, most))


def _paddings(
    layer: Layer, shape: Shape, windows: Windows, fault: str, sides: Iterable[int]
) -> Iterator[str]:
    """The first padding that fits with as many cells on each side."""
    # Padding of F′ cells or more would add windows that read nothing but padding.
    limit = min(window.dilated for window in windows)
    for side in sides:
        if side < limit and (outcome := tried(layer, [shape], fault, padding=side)):
            yield f"`padding: {side}`{outcome.gives}"
            return


def _same(layer: Layer, shape: Shape, fault: str) -> Iterator[str]:
    if outcome := tried(layer, [shape], fault, padding="same"):
        yield f"`padding: same`{outcome.gives}"


def _inputs(layer: Layer, shape: Shape, fault: str, maps: Iterable[Sequence[int]]) -> Iterator[str]:
    """Those of some maps before the layer that fit."""
    for each in maps:
        given = (*each, shape[-1])
        if min(each) > 0 and (outcome := tried(layer, [shape], fault, [given])):
            yield f"a map of {show(each)} before it{outcome.gives}"


def _unread(windows: Windows) -> str:
    """What the floor leaves unread."""
    left = [
        f"{window.unread} {cell}{'s' if window.unread != 1 else ''}"
        for window, cell in zip(windows, cell_names(len(windows)), strict=True)
        if window.unread
    ]
    return f" and leaves {' and '.join(left)} unread" if left else ""


def _less_padding(layer: Layer, shape: Shape, windows: Windows) -> str:
    """The most padding on each side, and the padding mode, that the map can fill."""
    fault = "padding-too-large"
    now = max(max(window.before, window.after) for window in windows)
    most = min(now, max(min(w.extent for w in windows), min(w.dilated for w in windows)) + 1)
    paddings = (
        f"`padding: {side}`{outcome.gives}"
        for side in range(most - 1, max(-1, most - 1 - SEARCH), -1)
        if (outcome := tried(layer, [shape], fault, padding=side))
    )
    found = list(islice(paddings, 1))
    if outcome := tried(layer, [shape], fault, padding_mode="edge"):
        found.append(f"`padding_mode: edge`{outcome.gives}")
    return "; ".join(found) or "less padding, or a larger map before it"
