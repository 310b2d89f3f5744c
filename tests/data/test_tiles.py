"""Tiles: any image is cut, each pixel is owned once, and what is put together is the image."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cnnkit.data.tiles import Blend, Tiling

axes = st.integers(1, 3)


@st.composite
def tilings(draw: st.DrawFn) -> Tiling:
    count = draw(axes)
    extents = draw(st.lists(st.integers(1, 13), min_size=count, max_size=count))
    size = draw(st.lists(st.integers(1, 7), min_size=count, max_size=count))
    more = draw(st.lists(st.integers(0, 5), min_size=count, max_size=count))
    seen = tuple(own + other for own, other in zip(size, more, strict=True))
    overlap = draw(st.floats(0, 0.9))
    return Tiling(tuple(extents), tuple(size), overlap, seen if any(more) else ())


def middle(tile: NDArray[Any], tiling: Tiling) -> NDArray[Any]:
    """What a network without padding gives of what it sees, if it changes nothing."""
    for axis, size in enumerate(tiling.size):
        start = (tile.shape[axis] - size) // 2
        tile = np.take(tile, np.arange(start, start + size), axis)
    return tile


@settings(deadline=None, max_examples=100)
@given(tiling=tilings(), seed=st.integers(0, 2**32 - 1))
def test_what_gives_its_input_gives_the_image_back(tiling: Tiling, seed: int) -> None:
    image = np.random.default_rng(seed).normal(size=(*tiling.extents, 2)).astype(np.float32)
    blend = Blend(tiling, 2)
    tiles = list(tiling.cut(image))
    assert len(tiles) == len(tiling)
    for tile in tiles:
        assert tile.shape == (*(tiling.seen or tiling.size), 2)
        blend.add(middle(tile, tiling))
    np.testing.assert_array_equal(blend.whole(), image)


@settings(deadline=None, max_examples=50)
@given(tiling=tilings())
def test_weights_sum_to_one_and_none_is_without(tiling: Tiling) -> None:
    total = np.zeros(tiling.extents)
    for window, share in zip(tiling.windows(), tiling.shares(), strict=True):
        assert (share > 0).all()
        total[window] += share
    np.testing.assert_allclose(total, 1, rtol=1e-12)


@settings(deadline=None, max_examples=100)
@given(tiling=tilings())
def test_each_pixel_is_owned_once(tiling: Tiling) -> None:
    numbers = np.arange(np.prod(tiling.extents)).reshape(tiling.extents)
    found = np.concatenate([tile.ravel() for tile in tiling.cut_once(numbers, -1)])
    np.testing.assert_array_equal(np.sort(found[found >= 0]), numbers.ravel())
    for tile, own in zip(tiling.cut(numbers), tiling.cut_once(numbers, -1), strict=True):
        np.testing.assert_array_equal(tile[own >= 0], own[own >= 0])


@settings(deadline=None, max_examples=50)
@given(tiling=tilings())
def test_neighbours_share_what_is_asked_for(tiling: Tiling) -> None:
    for axis, (extent, size) in enumerate(zip(tiling.extents, tiling.size, strict=True)):
        starts = sorted({window[axis].start for window in tiling.windows()})
        assert starts[0] == 0
        assert starts[-1] == max(0, extent - size)
        # A step of a whole cell at least, whatever the overlap.
        assert all(b - a <= max(1, size * (1 - tiling.overlap)) for a, b in pairwise(starts))


@pytest.mark.parametrize(
    ("extent", "size", "overlap", "windows"),
    [
        (10, 4, 0.0, [(0, 4), (3, 7), (6, 10)]),
        (8, 4, 0.0, [(0, 4), (4, 8)]),
        (8, 4, 0.5, [(0, 4), (2, 6), (4, 8)]),
        (3, 4, 0.5, [(0, 3)]),
        (512, 256, 0.25, [(0, 256), (128, 384), (256, 512)]),
    ],
)
def test_where_tiles_lie(extent: int, size: int, overlap: float, windows: Any) -> None:
    found = Tiling((extent,), (size,), overlap).windows()
    assert [(window[0].start, window[0].stop) for window in found] == windows


def test_what_lies_about_a_tile_is_seen_and_mirrored_at_the_border() -> None:
    tiling = Tiling((5,), (3,), 0, (6,))
    image = np.arange(5)
    assert [tile.tolist() for tile in tiling.cut(image)] == [[1, 0, 1, 2, 3, 4], [1, 2, 3, 4, 3, 2]]
    assert [tile.tolist() for tile in tiling.cut_once(image, -1)] == [
        [-1, 0, 1, -1, -1, -1],
        [-1, 2, 3, 4, -1, -1],
    ]


def test_weights_fall_off_towards_the_border() -> None:
    """Of 4 cells the ramps are 1 2 2 1: where two tiles meet, shares are as these are."""
    first, second = Tiling((6,), (4,), 0.5).shares()
    np.testing.assert_allclose(first, [1, 1, 2 / 3, 1 / 3])
    np.testing.assert_allclose(second, [1 / 3, 2 / 3, 1, 1])
