from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnkit.layers.problem import Problem
from cnnkit.layers.resample import (
    AdaptiveWindow,
    TransposedWindow,
    UpsampledWindow,
    adapt,
    centred,
    cut,
    transpose,
    whole,
)
from cnnkit.layers.window import Reach, Window

HUGE = 10**18


@given(st.integers(1, 24), st.integers(1, 6), st.integers(1, 6), st.integers(1, 3))
def test_the_convolution_of_a_transposed_output_gives_the_input_back(
    extent: int, size: int, stride: int, dilation: int
) -> None:
    for extra in range(stride):
        up = TransposedWindow(extent, size, stride, dilation, output_padding=extra)
        back = Window(up.output, size, stride, dilation, rounding="floor")
        assert back.output == extent
        assert back.unread == extra


@given(st.integers(1, 30), st.integers(1, 9), st.integers(1, 6), st.integers(1, 3))
def test_transposed_same_multiplies_the_extent(
    extent: int, size: int, stride: int, dilation: int
) -> None:
    found = transpose((extent,), size, stride, "same", dilation)
    assert not isinstance(found, Problem)
    assert found[0].output == extent * stride


@pytest.mark.parametrize(
    ("window", "output", "formula"),
    [
        (TransposedWindow(16, 4, 2, before=1, after=1), 32, "(16−1)·2−2+4"),
        (TransposedWindow(6, 3, 2, before=1, after=1), 11, "(6−1)·2−2+3"),
        (TransposedWindow(6, 3, 2, before=1, after=1, output_padding=1), 12, "(6−1)·2−2+3+1"),
        (TransposedWindow(HUGE, 2, 2), 2 * HUGE, "(1000000000000000000−1)·2+2"),
    ],
)
def test_transposed_outputs_of_pytorch(window: TransposedWindow, output: int, formula: str) -> None:
    assert (window.output, window.formula()) == (output, formula)


def test_what_a_transposed_convolution_refuses() -> None:
    assert transpose((7,), 3, padding="causal") == Problem(
        "shape-mismatch",
        "`padding: causal` is not for a transposed convolution",
        "use `same`, `valid` or a number of cells",
        ("padding",),
    )
    assert transpose((7,), 3, 2, "same", output_padding=1) == Problem(
        "shape-mismatch",
        "`output_padding` and `padding: same` exclude each other: `same` sets the output to "
        "extent × stride",
        "leave `output_padding` out, or give the padding as a number",
        ("output_padding",),
    )
    for wrong in (transpose((7,), 3, output_padding=(1, 1)), transpose((7,), (3, 3))):
        assert isinstance(wrong, Problem)
        assert wrong.message.endswith("has 2 entries, the input has 1 axis: length")


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 8))
def test_transposed_reach_is_the_mean_of_one_period(size: int, stride: int, padding: int) -> None:
    assume(size >= stride)
    middle = 10 * stride  # far from the borders
    read = [
        [i for i in range(99) if 0 <= o + padding - i * stride < size]
        for o in range(middle, middle + stride)
    ]
    reach = TransposedWindow(99, size, stride, before=padding).reach
    assert max(map(len, read)) == reach.size
    centres = [
        (middle + o) * reach.stride - reach.before + Fraction(reach.size - 1, 2)
        for o in range(stride)
    ]
    assert sum(centres) == sum(Fraction(cells[0] + cells[-1], 2) for cells in read)


@given(st.integers(1, 40), st.integers(1, 40))
def test_adaptive_windows(extent: int, output: int) -> None:
    spans = [(i * extent // output, -(-(i + 1) * extent // output)) for i in range(output)]
    window = AdaptiveWindow(extent, output)
    assert window.cells == sum(end - start for start, end in spans)
    assert window.largest == max(end - start for start, end in spans)
    reach = window.reach
    centres = [i * reach.stride - reach.before + Fraction(reach.size - 1, 2) for i in range(output)]
    assert sum(centres) == sum(Fraction(start + end - 1, 2) for start, end in spans)
    if extent % output == 0:
        assert reach == Reach(extent // output, extent // output, 0)


def test_a_huge_adaptive_pool_takes_no_loop() -> None:
    assert AdaptiveWindow(HUGE, HUGE - 1).cells == 2 * HUGE - 2
    assert AdaptiveWindow(HUGE + 1, 7).largest == HUGE // 7 + 2


def test_adaptive_outputs_an_axis_each() -> None:
    found = adapt([9, 8], [3, 2])
    assert found == (AdaptiveWindow(9, 3), AdaptiveWindow(8, 2))
    wrong = adapt([9, 8], [3])
    assert isinstance(wrong, Problem)
    assert wrong.message == "`output` has 1 entry, the input has 2 axes: height and width"


@given(st.integers(1, 9), st.booleans(), st.integers(0, 20))
def test_upsampling_has_half_pixel_centres(factor: int, linear: bool, cell: int) -> None:
    size, stride, before = UpsampledWindow(9, 9 * factor, 2 if linear else 1).reach
    centre = cell * stride - before + Fraction(size - 1, 2)
    assert centre == (cell + Fraction(1, 2)) / factor - Fraction(1, 2)


@pytest.mark.parametrize("factor", [1, 2, 3, 5])
def test_a_transposed_convolution_without_overlap_lies_like_an_upsampling(factor: int) -> None:
    up = UpsampledWindow(9, 9 * factor)
    transposed = TransposedWindow(9, factor, factor)
    assert (up.output, up.reach) == (transposed.output, transposed.reach)


def test_what_is_cut_off_shifts_the_centre() -> None:
    found = cut([9], [(2, 1)])
    assert found == (TransposedWindow(9, 1, before=2, after=1),)
    assert not isinstance(found, Problem)
    assert (found[0].output, found[0].reach) == (6, Reach(1, 1, -2))


def test_centred_leaves_the_odd_cell_after() -> None:
    assert (centred(9, 4), centred(8, 8)) == ((2, 3), (0, 0))


def test_a_cell_that_reads_everything() -> None:
    assert whole((7, 9)) == (Reach(7, 1, 0), Reach(9, 1, 0))
