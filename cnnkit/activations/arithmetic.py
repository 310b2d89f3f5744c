"""The arithmetic of one cell, with its values put in: a window's products, softmax, the loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cnnkit.activations.maps import LayerMaps
from cnnkit.activations.plain import filling, padded
from cnnkit.errors import UsageError
from cnnkit.layers.convolution import Convolution
from cnnkit.layers.pooling import MaxPool, MeanPool
from cnnkit.layers.shape import show
from cnnkit.layers.window import Window, cell_names

MOST = 8
"""Filters, channels and classes that are written out; the others are counted."""

_TERMS = 49
"""Numbers of one window that are written out: those of 7x7."""

_LARGEST_POWER = 80.0  # e^88 is the last that float32 holds


def cell_lines(layers: Sequence[LayerMaps], at: Sequence[int]) -> Iterator[str]:
    """What each layer with a window computes for one cell of its output.

    Args:
        layers: The layers that are shown.
        at: The cell, an index for each spatial axis, counted from 0.

    Raises:
        UsageError: No layer has a window, or none of them has such a cell.
    """
    sliding = [layer for layer in layers if _slides(layer)]
    if not sliding:
        raise UsageError("`--at` shows the window of a convolution or a pool; none is shown here")
    there = [layer for layer in sliding if _has(layer, at)]
    if not there:
        first = sliding[0]
        names = ",".join(cell_names(len(first.windows))).upper()
        raise UsageError(
            f"`--at {','.join(map(str, at))}` is outside: {first.path} gives "
            f"{show(first.output[:-1])} cells, counted from 0, and takes `--at {names}`"
        )
    for layer in there:
        yield ""
        yield f"{layer.path}  {layer.kind}, the cell {','.join(map(str, at))}"
        yield f"  reads {_place(layer.windows, at)}"
        yield from (f"  {line}" for line in _worked(layer, at))


def softmax_lines(layer: LayerMaps) -> Iterator[str]:
    """The exponentials of a softmax over a vector, their sum, and the shares: eˣ/Σeˣ.

    Where a power would be beyond what float32 holds, the largest x is subtracted from all, which
    leaves the shares as they are.
    """
    if layer.kind != "softmax" or layer.values is None or layer.values.ndim != 1:
        return
    values = layer.values.astype(np.float64)
    yield ""
    yield f"{layer.path}  softmax"
    if np.abs(values).max() > _LARGEST_POWER:
        values -= values.max()
        yield "  the largest is subtracted from all, which leaves the shares as they are"
    powers = np.exp(values)
    total = _number(float(powers.sum()))
    for at, (x, power) in enumerate(zip(values[:MOST], powers[:MOST], strict=True)):
        share = _number(float(layer.maps[at]))
        yield f"  {at}: e^{_factor(x)} = {_number(power)}, {_number(power)}/{total} = {share}"
    if len(values) > MOST:
        yield f"  and {len(values) - MOST} more"
    yield f"  the sum of the exponentials: {total}"


def target_lines(layer: LayerMaps, target: int) -> Iterator[str]:
    """The one-hot vector of the right class, and the cross-entropy −log p.

    Args:
        layer: The last layer.
        target: The right class, from 0.

    Raises:
        UsageError: The layer is no softmax over classes, or there is no such class.
    """
    if layer.kind != "softmax" or layer.maps.ndim != 1:
        raise UsageError(
            "`--target` is for a network that ends in a softmax over classes; "
            f"this one ends in {layer.kind}"
        )
    classes = len(layer.maps)
    if target >= classes:
        raise UsageError(f"`--target {target}` is none of the classes, 0 to {classes - 1}")
    probability = float(layer.maps[target])
    loss = _number(-math.log(probability)) if probability > 0 else "∞"
    hot = " ".join("1" if at == target else "0" for at in range(classes))
    yield ""
    yield f"target {target}, one-hot: {hot}"
    yield f"cross-entropy: −log {_number(probability)} = {loss}"


def _slides(layer: LayerMaps) -> bool:
    """Whether a window slides over its input, with one set of weights or with none."""
    if not layer.windows or layer.values is None:
        return False
    if isinstance(layer.layer, Convolution):
        return layer.filters is not None and layer.layer.weight_norm == "none"
    return isinstance(layer.layer, (MaxPool, MeanPool))


def _has(layer: LayerMaps, at: Sequence[int]) -> bool:
    extents = layer.output[:-1]
    return len(extents) == len(at) and all(map(int.__lt__, at, extents))


def _place(windows: Sequence[Window], at: Sequence[int]) -> str:
    """The cells that the window covers, an axis each: ``rows 0–2, columns −1–1``."""
    spans = []
    for name, window, index in zip(cell_names(len(windows)), windows, at, strict=True):
        cells = [_number(cell) for cell in _cells(window, index)]
        if len(cells) == 1:
            spans.append(f"{name} {cells[0]}")
        elif window.dilation > 1:
            spans.append(f"{name}s {', '.join(cells)}")
        else:
            spans.append(f"{name}s {cells[0]} to {cells[-1]}")
    outside = any(
        cell < 0 or cell >= window.extent
        for window, index in zip(windows, at, strict=True)
        for cell in _cells(window, index)
    )
    inside = show(tuple(window.extent for window in windows))
    return ", ".join(spans) + (f"; partly beyond the {inside} cells" if outside else "")


def _cells(window: Window, index: int) -> range:
    """The cells of one axis that an output cell reads, below 0 or beyond the extent in padding."""
    start = index * window.stride - window.before
    return range(start, start + window.dilated, window.dilation)


def _patch(
    values: NDArray[np.float32], windows: Sequence[Window], at: Sequence[int], mode: str
) -> NDArray[np.float32]:
    """The cells under the window, ``[*kernel, C]``, with the padding that the mode says."""
    full = padded(values, windows, mode)
    axes = [
        np.arange(window.size) * window.dilation + index * window.stride
        for window, index in zip(windows, at, strict=True)
    ]
    return np.asarray(full[np.ix_(*axes)], np.float32)


def _worked(layer: LayerMaps, at: Sequence[int]) -> Iterator[str]:
    """The lines of a convolution or a pool."""
    if layer.values is None:
        return
    if isinstance(layer.layer, Convolution) and layer.filters is not None:
        patch = _patch(layer.values, layer.windows, at, layer.layer.padding_mode)
        yield from _convolved(layer, layer.filters, patch, at)
    else:
        yield from _pooled(layer, _patch(layer.values, layer.windows, at, filling(layer.layer)), at)


def _convolved(
    layer: LayerMaps, filters: NDArray[np.float32], patch: NDArray[np.float32], at: Sequence[int]
) -> Iterator[str]:
    """Each filter: the products of each channel and their sum, then the sum of all and the bias."""
    *_, channels, count = filters.shape
    groups = patch.shape[-1] // channels
    for number in range(min(count, MOST)):
        first = number // (count // groups) * channels
        read = [
            (first + each, patch[..., first + each].ravel(), filters[..., each, number].ravel())
            for each in range(channels)
        ]
        bias = None if layer.bias is None else float(layer.bias[number])
        if count > 1:
            yield f"filter {number}:"
        yield from _one_filter(read, bias, float(layer.maps[(*at, number)]))
    if count > MOST:
        yield f"and {count - MOST} more filters"


def _one_filter(
    read: Sequence[tuple[int, NDArray[np.float32], NDArray[np.float32]]],
    bias: float | None,
    result: float,
) -> Iterator[str]:
    sums = [float(np.dot(cells.astype(np.float64), weights)) for _, cells, weights in read]
    for (channel, cells, weights), total in zip(read[:MOST], sums, strict=False):
        name = f"channel {channel}: " if len(read) > 1 else ""
        products = [
            f"{_factor(cell)}·{_factor(weight)}"
            for cell, weight in zip(cells[:_TERMS], weights, strict=False)
        ]
        yield f"{name}{_joined(products, len(cells))} = {_number(total)}"
    terms = sums[:MOST]
    if len(read) > MOST:
        rest = sum(sums[MOST:])
        yield f"{len(read) - MOST} more channels: {_number(rest)}"
        terms.append(rest)
    if bias is not None:
        terms.append(bias)
    if len(terms) > 1:
        told = ", the last of them the bias" if bias is not None else ""
        yield f"{_summed(terms)} = {_number(result)}{told}"


def _pooled(layer: LayerMaps, patch: NDArray[np.float32], at: Sequence[int]) -> Iterator[str]:
    """Each channel: the cells of the window, and their maximum or mean."""
    channels = patch.shape[-1]
    for channel in range(min(channels, MOST)):
        cells = patch[..., channel].ravel()
        cells = cells[~np.isnan(cells)]
        name = f"channel {channel}: " if channels > 1 else ""
        result = _number(float(layer.maps[(*at, channel)]))
        if isinstance(layer.layer, MaxPool):
            listed = [_number(float(cell)) for cell in cells[:_TERMS]]
            more = f", {len(cells) - _TERMS} more" if len(cells) > _TERMS else ""
            yield f"{name}max({', '.join(listed)}{more}) = {result}"
        else:
            more = f" + {len(cells) - _TERMS} more" if len(cells) > _TERMS else ""
            yield f"{name}({_summed(map(float, cells[:_TERMS]))}{more})/{len(cells)} = {result}"
    if channels > MOST:
        yield f"and {channels - MOST} more channels"


def _joined(products: Sequence[str], count: int) -> str:
    more = [f"{count - len(products)} more"] if count > len(products) else []
    return " + ".join([*products, *more])


def _summed(terms: Iterable[float]) -> str:
    """Numbers added up, with the sign of each before it: ``308 − 498 + 164``."""
    first, *others = terms
    signed = "".join(f" {'−' if each < 0 else '+'} {_number(abs(each))}" for each in others)
    return _number(first) + signed


def _factor(value: float) -> str:
    """A number in a product: a negative one in parentheses."""
    text = _number(float(value))
    return f"({text})" if text.startswith("−") else text


def _number(value: float) -> str:
    """A whole number as it is, another with four digits."""
    text = f"{value:.0f}" if value == round(value) and abs(value) < 1e7 else f"{value:.4g}"
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", "−")
