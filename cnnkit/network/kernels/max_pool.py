"""Max pooling that remembers where each maximum was.

XLA's gradient of a max pool searches every window again. Here the forward pass keeps the place of
the maximum inside its window as one byte, and the backward pass hands each gradient to it.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from math import prod

import jax
import jax.numpy as jnp
from jax import Array, lax

from cnnkit.network.kernels import plain
from cnnkit.network.kernels.choice import by_platform, is_plain, may_be_foreign
from cnnkit.network.kernels.onednn import pooling as foreign
from cnnkit.network.kernels.plain import Padding, Sizes

Windows = tuple[Sizes, Sizes, Padding, Sizes]
"""Size, stride, padding and the extents of the input, hashable."""

MOST_CELLS = 25
"""Cells of the largest window that is taken apart, for the program grows with them."""

MANY_CHANNELS = 16
"""Channels from which on a gradient is faster written window by window than cell by cell."""


def max_pool(x: Array, size: Sizes, stride: Sizes, padding: Padding) -> Array:
    """As ``plain.max_pool``, with its gradient: to the first of equal cells in row-major order.

    Where the window has at most ``MOST_CELLS`` cells there is no forward-mode derivative and no
    second one; ``plain.max_pool`` has both.
    """
    if is_plain() or prod(size) > MOST_CELLS or 0 in x.shape:
        return plain.max_pool(x, size, stride, padding)
    pairs = tuple((before, after) for before, after in padding)
    return _max_pool((tuple(size), tuple(stride), pairs, x.shape[1:-1]), x)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _max_pool(windows: Windows, x: Array) -> Array:
    return _with_places(windows, x)[0]


def _with_places(windows: Windows, x: Array) -> tuple[Array, Array]:
    """The maxima, and the place of each in its window, counted in row-major order."""
    plain_way = partial(_by_cells, windows)
    if not (may_be_foreign() and foreign.gains(x)):
        return plain_way(x)
    size, stride, padding, extents = windows
    output = tuple(
        (n + sum(pair) - k) // step + 1
        for n, k, step, pair in zip(extents, size, stride, padding, strict=True)
    )

    def on_cpu(x: Array) -> tuple[Array, Array]:
        return foreign.forward(x, size, stride, padding, output)

    pooled: tuple[Array, Array] = by_platform(x, cpu=on_cpu, default=plain_way)
    return pooled


def _by_cells(windows: Windows, x: Array) -> tuple[Array, Array]:
    size, stride, padding, _ = windows
    first, *others = cells(x, size, stride, padding, jnp.array(-jnp.inf, x.dtype))
    maxima, places = first, jnp.zeros(first.shape, jnp.uint8)
    for place, cell in enumerate(others, 1):
        places = jnp.where(cell > maxima, jnp.uint8(place), places)
        maxima = jnp.maximum(maxima, cell)
    return maxima, places


def cells(x: Array, size: Sizes, stride: Sizes, padding: Padding, around: Array) -> list[Array]:
    """For each cell of a window the map of what all windows have there; `around` is the padding."""
    x = lax.pad(x, around, ((0, 0, 0), *((*pair, 0) for pair in padding), (0, 0, 0)))
    ends = [
        (n - k) // step * step + 1 for n, k, step in zip(x.shape[1:-1], size, stride, strict=True)
    ]
    return [
        lax.slice(
            x,
            (0, *place, 0),
            (x.shape[0], *map(sum, zip(place, ends, strict=True)), x.shape[-1]),
            (1, *stride, 1),
        )
        for place in product(*map(range, size))
    ]


def _gradient(windows: Windows, places: Array, dy: Array) -> tuple[Array]:
    size, stride, padding, extents = windows
    apart = size == stride and not any(map(any, padding)) and dy.shape[-1] >= MANY_CHANNELS
    plain_way = partial(_window_by_window if apart else _cell_by_cell, windows)
    if not (may_be_foreign() and foreign.gains(dy)):
        return (plain_way(places, dy),)

    def on_cpu(places: Array, dy: Array) -> Array:
        return foreign.backward(places, dy, size, stride, padding, extents)

    dx: Array = by_platform(places, dy, cpu=on_cpu, default=plain_way)
    return (dx,)


def _window_by_window(windows: Windows, places: Array, dy: Array) -> Array:
    """Every window is written once, zeros but for its maximum."""
    size, _, _, extents = windows
    rank = len(size)
    codes = jnp.arange(prod(size), dtype=jnp.uint8).reshape(size)
    inner = tuple(range(2, 2 * rank + 1, 2))
    chosen = jnp.expand_dims(places, inner) == jnp.expand_dims(
        codes, (0, *range(1, 2 * rank, 2), 2 * rank + 1)
    )
    spread = jnp.where(chosen, jnp.expand_dims(dy, inner), jnp.zeros((), dy.dtype))
    covered = [n * k for n, k in zip(dy.shape[1:-1], size, strict=True)]
    unread = [(0, n - m) for n, m in zip(extents, covered, strict=True)]
    flat = spread.reshape((dy.shape[0], *covered, dy.shape[-1]))
    return jnp.pad(flat, ((0, 0), *unread, (0, 0)))


def _cell_by_cell(windows: Windows, places: Array, dy: Array) -> Array:
    """The sum over the cells of a window of what goes to that cell of all windows."""
    size, stride, padding, extents = windows
    zero = jnp.zeros((), dy.dtype)
    parts = []
    for number, place in enumerate(product(*map(range, size))):
        spread = [(0, 0, 0)]
        for at, step, (before, _), extent, count in zip(
            place, stride, padding, extents, dy.shape[1:-1], strict=True
        ):
            low = at - before  # below zero: the first windows have this cell in the padding
            spread.append((low, extent - low - (count - 1) * step - 1, step - 1))
        chosen = jnp.where(places == number, dy, zero)
        parts.append(lax.pad(chosen, zero, (*spread, (0, 0, 0))))
    return sum(parts[1:], parts[0])


_max_pool.defvjp(_with_places, _gradient)
