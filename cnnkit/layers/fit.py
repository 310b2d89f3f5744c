"""What would fit instead: the check of windows that do not, and their nearest neighbours.

Every suggestion is computed and checked, on the layer with the change made, before it is
offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, Self

from cnnkit.layers.base import Problem, Shape, show
from cnnkit.layers.window import Window, axis_names, cell_names, padding_problem

Windows = tuple[Window, ...]

# How far from the value given a neighbour is looked for. A stride or kernel further away is
# no longer a correction of the one that was meant.
_SEARCH = 64


class Sliding(Protocol):
    """A layer with a sliding window, as far as its check needs it."""

    @property
    def size_field(self) -> str:
        """The field that holds the window's size."""

    @property
    def padding_mode(self) -> str:
        """What the padding holds."""

    def windows(self, shape: Shape) -> Windows | Problem:
        """The window of each axis of an input."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self:
        """The layer with other values of some fields."""


def check(layer: Sliding, shape: Shape, windows: Windows) -> tuple[Problem, ...]:
    """The problems of a layer's windows: too large for the input, or an invalid D-F-S."""
    if all(window.fits for window in windows):
        return ()
    if any(window.slack < 0 for window in windows):
        return (_too_large(layer, shape, windows),)
    return (_invalid_stride(layer, shape, windows),)


def neighbours(value: int, low: int, high: int) -> Iterator[int]:
    """The other whole numbers in [low, high], nearest first, the smaller before the larger."""
    for step in range(1, _SEARCH + 1):
        for candidate in (value - step, value + step):
            if low <= candidate <= high:
                yield candidate


def _too_large(layer: Sliding, shape: Shape, windows: Windows) -> Problem:
    axis = next(axis for axis, window in enumerate(windows) if window.slack < 0)
    worst = windows[axis]
    size = f"{layer.size_field} {worst.size}"
    if worst.dilation > 1:
        size += f" with dilation {worst.dilation} covers {worst.dilated} cells and"
    alike = {(w.size, w.dilation, w.before, w.after, w.slack < 0) for w in windows}
    if len(alike) == 1:
        extents = [window.extent for window in windows]
        where = f"input of {extents[0] if len(set(extents)) == 1 else show(extents)}"
    else:
        where = f"{axis_names(len(windows))[axis]} of {worst.extent}"
    if padded := worst.before + worst.after:
        where += f" + {padded} of padding"
    shared = len({window.size for window in windows}) == 1
    bounding = windows if shared else (worst,)
    largest = min((w.extent + w.before + w.after - 1) // w.dilation + 1 for w in bounding)
    needed = max(-(-(window.dilated - window.extent) // 2) for window in windows)
    advice = [f"{layer.size_field} at most {largest}"]
    paddable = layer.model_copy(update={"padding": needed}).windows(shape)
    if not isinstance(paddable, Problem) and not padding_problem(paddable, layer.padding_mode):
        advice.append(f"`padding: {needed}` or more on each side")
    return Problem(
        "window-too-large",
        f"{size} does not fit into the {where}",
        "; ".join([*advice, "or a larger input"]),
        (layer.size_field, axis),
    )


def _invalid_stride(layer: Sliding, shape: Shape, windows: Windows) -> Problem:
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
    suggestions = [*_suggestions(layer, shape, windows, failing), f"or {_floored(windows)}"]
    return Problem("invalid-stride", message, "; ".join(suggestions), ("stride", failing[0]))


def _suggestions(
    layer: Sliding, shape: Shape, windows: Windows, failing: list[int]
) -> Iterator[str]:
    """The nearest strides, sizes, paddings and inputs that make every axis exact."""
    first = windows[failing[0]]
    padded = first.extent + first.before + first.after
    strides = neighbours(first.stride, 1, max(window.slack for window in windows))
    sizes = neighbours(first.size, 2, padded)  # a window of 1 is no correction of any
    groups = (
        _nearest(layer, shape, windows, failing, ("stride", "stride"), strides, most=3),
        _nearest(layer, shape, windows, failing, (layer.size_field, "size"), sizes, most=2),
        _paddings(layer, shape, windows),
        _inputs(layer, shape, windows),
    )
    for group in groups:
        if text := ", ".join(group):
            yield text


def _changed(layer: Sliding, shape: Shape, **changes: object) -> Windows | None:
    """The windows after a change of fields; None where they do not fit either."""
    windows = layer.model_copy(update=changes).windows(shape)
    if isinstance(windows, Problem) or padding_problem(windows, layer.padding_mode):
        return None
    return windows if all(window.fits for window in windows) else None


def _nearest(
    layer: Sliding,
    shape: Shape,
    windows: Windows,
    failing: list[int],
    names: tuple[str, str],
    values: Iterable[int],
    most: int,
) -> list[str]:
    """The nearest ``most`` values of a field that fit, each with the output it gives.

    ``names`` are the field's and the window's attribute. A value that all axes share is
    changed for all of them, as one number serves every axis; else only where it fails.
    """
    field, attribute = names
    now = [getattr(window, attribute) for window in windows]
    shared = len(set(now)) == 1
    found: list[str] = []
    for value in values:
        listed = tuple(value if axis in failing else kept for axis, kept in enumerate(now))
        if trial := _changed(layer, shape, **{field: value if shared else listed}):
            shown = value if shared else list(listed)
            found.append(f"{field} {shown} gives {_output(trial)}")
            if len(found) == most:
                break
    return found


def _paddings(layer: Sliding, shape: Shape, windows: Windows) -> Iterator[str]:
    """The nearest padding that fits with as many cells on each side, and `same`."""
    now = windows[0].before + windows[0].after
    # Padding of F′ cells or more would add windows that read nothing but padding.
    limit = min(_SEARCH, *(window.dilated for window in windows))
    for side in sorted(range(limit), key=lambda side: abs(2 * side - now)):
        if trial := _changed(layer, shape, padding=side):
            yield f"`padding: {side}` gives {_output(trial)}"
            break
    if trial := _changed(layer, shape, padding="same"):
        yield f"`padding: same` gives {_output(trial)}"


def _inputs(layer: Sliding, shape: Shape, windows: Windows) -> Iterator[str]:
    """The inputs next below and next above that fit, the nearer one first."""
    now = [window.extent for window in windows]
    below = [window.extent - window.slack % window.stride for window in windows]
    above = [
        extent if window.exact else extent + window.stride
        for extent, window in zip(below, windows, strict=True)
    ]
    for extents in sorted((below, above), key=lambda extents: abs(sum(extents) - sum(now))):
        if min(extents) > 0 and (trial := _changed(layer, (*extents, shape[-1]))):
            yield f"an input of {show(extents)} gives {_output(trial)}"


def _floored(windows: Windows) -> str:
    left = [
        f"{window.unread} {cell}{'s' if window.unread != 1 else ''}"
        for window, cell in zip(windows, cell_names(len(windows)), strict=True)
        if window.unread
    ]
    floor = f"`rounding: floor` gives {_output(windows)}"
    return f"{floor} and leaves {' and '.join(left)} unread" if left else floor


def _output(windows: Windows) -> str:
    """The extents that go out: ``3`` where all axes agree, else ``3x4``."""
    outputs = [window.output for window in windows]
    return str(outputs[0]) if len(set(outputs)) == 1 else show(outputs)
