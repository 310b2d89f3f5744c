import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnkit.layers.problem import Problem
from cnnkit.layers.window import (
    Window,
    padding_problem,
    same_sides,
    slide,
    wrong_length,
)

HUGE = 10**18

WINDOWS = st.builds(
    Window,
    extent=st.integers(1, 24),
    size=st.integers(1, 6),
    stride=st.integers(1, 6),
    dilation=st.integers(1, 3),
    before=st.integers(0, 6),
    after=st.integers(0, 6),
    rounding=st.sampled_from(["exact", "floor", "ceil"]),
)


def starts(window: Window) -> list[int]:
    """Where the windows start, found by laying them over the padded cells one by one.

    With `ceil`, windows may also run off the end, as long as the one before left cells over
    and, in PyTorch's words, they start within the left padding or the input.
    """
    cells = range(-window.before, window.extent + window.after)
    span = window.dilation * (window.size - 1)
    found = [at for at in cells[:: window.stride] if at + span in cells]
    if window.rounding == "ceil" and found:
        if found[-1] + span < cells[-1]:
            found.append(found[-1] + window.stride)
        if found[-1] >= window.extent:
            found.pop()
    return found


@given(WINDOWS)
def test_the_output_counts_the_window_positions(window: Window) -> None:
    assert window.output == len(starts(window))


@given(WINDOWS)
def test_exact_means_that_the_last_window_ends_on_the_last_cell(window: Window) -> None:
    at = starts(Window(window.extent, window.size, window.stride, window.dilation, window.before,
                       window.after))  # fmt: skip
    ends = bool(at) and at[-1] + window.dilated == window.extent + window.after
    assert window.exact == ends


@given(WINDOWS)
def test_unread_counts_the_input_cells_under_no_window(window: Window) -> None:
    assume(window.slack >= 0 and window.stride <= window.dilated)
    covered = {at + cell for at in starts(window) for cell in range(window.dilated)}
    assert window.unread == len(set(range(window.extent)) - covered)


@given(WINDOWS)
def test_overhang_counts_the_cells_beyond_the_padding(window: Window) -> None:
    assume(window.slack >= 0)
    last = starts(window)[-1] + window.dilated
    assert window.overhang == max(0, last - window.extent - window.after)
    assert not window.overhang or window.rounding == "ceil"


@given(WINDOWS)
def test_a_floor_over_the_padding_that_is_reached_gives_the_positions(window: Window) -> None:
    assume(window.slack >= 0)
    padded = window.extent + window.before + window.reached + window.overhang
    assert (padded - window.dilated) // window.stride + 1 == window.output
    assert 0 <= window.reached <= window.after


def test_ceil_does_not_reach_the_padding_of_a_window_that_it_drops() -> None:
    window = Window(extent=5, size=1, stride=3, before=1, after=1, rounding="ceil")
    assert (window.output, window.reached) == (2, 0)  # at −1 and 2; 5 lies in the padding


@given(WINDOWS)
def test_a_blind_window_reads_only_padding(window: Window) -> None:
    spans = [range(at, at + window.dilated) for at in starts(window)]
    input_cells = set(range(window.extent))
    assert (window.slack >= 0 and window.blind) == any(
        input_cells.isdisjoint(span) for span in spans
    )


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 6), st.integers(1, 3))
def test_same_padding(extent: int, size: int, stride: int, dilation: int) -> None:
    (window,) = windows(slide((extent,), size, stride, "same", dilation))
    output = -(-extent // stride)
    assert window.output == output
    assert window.before + window.after == max(
        (output - 1) * stride + dilation * (size - 1) + 1 - extent, 0
    )
    assert window.after - window.before in (0, 1)


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 3))
def test_causal_padding_is_all_before(extent: int, size: int, dilation: int) -> None:
    (window,) = windows(slide((extent,), size, 1, "causal", dilation))
    assert (window.output, window.after) == (extent, 0)


def windows(found: tuple[Window, ...] | Problem) -> tuple[Window, ...]:
    assert not isinstance(found, Problem)
    return found


@pytest.mark.parametrize(
    ("window", "output"),
    [
        # The lecture's.
        (Window(7, 3, 1), 5),
        (Window(7, 3, 2), 3),
        (Window(32, 5, 3), 10),
        # PyTorch's documented and well-known ones.
        (Window(224, 11, 4, before=2, after=2, rounding="floor"), 55),
        (Window(112, 3, 2, before=1, after=1, rounding="floor"), 56),
        (Window(112, 3, 2, rounding="ceil"), 56),
        (Window(109, 3, 2, rounding="ceil"), 54),
        (Window(110, 3, 2, rounding="ceil"), 55),
        (Window(4, 2, 3, before=1, after=1, rounding="ceil"), 2),
        (Window(50, 3, 1, dilation=2, before=2, after=2), 50),
        (Window(3, 4), 0),
    ],
)
def test_published_outputs(window: Window, output: int) -> None:
    assert window.output == output


def test_a_huge_extent_is_exact() -> None:
    window = Window(HUGE, 7, 3, before=3, after=3, rounding="floor")
    assert window.output == (HUGE - 1) // 3 + 1
    assert Window(HUGE, 3, HUGE - 3).output == 2
    assert window.quotient() == "333333333333333334"


@pytest.mark.parametrize(
    ("window", "compact", "spaced"),
    [
        (Window(32, 7), "(32−7)/1+1", "(32 − 7)/1 + 1"),
        (Window(7, 3, 3, before=1, after=2), "(7+3−3)/3+1", "(7 + 3 − 3)/3 + 1"),
        (Window(9, 3, 2, dilation=2), "(9−5)/2+1", "(9 − 5)/2 + 1"),
    ],
)
def test_formula(window: Window, compact: str, spaced: str) -> None:
    assert (window.formula(), window.formula(" ")) == (compact, spaced)


@pytest.mark.parametrize(
    ("window", "text"),
    [
        (Window(7, 3, 3), "2.33"),
        (Window(7, 3, 2), "3"),
        (Window(1000, 3, 996), "2 + 1/996"),
        (Window(998, 3, 996), "1 + 995/996"),
        (Window(2 * HUGE, 1, HUGE), "2 + 999999999999999999/1000000000000000000"),
    ],
)
def test_a_quotient_never_looks_whole_where_it_is_not(window: Window, text: str) -> None:
    assert window.quotient() == text


def test_a_list_needs_an_entry_for_each_axis() -> None:
    assert slide((7, 7), (3, 3, 3)) == Problem(
        "shape-mismatch",
        "`kernel` has 3 entries, the input has 2 axes: height and width",
        "give one number for all axes, or one for each axis",
        ("kernel",),
    )
    assert wrong_length("stride", (1, 2), 1).message == (
        "`stride` has 2 entries, the input has 1 axis: length"
    )
    assert wrong_length("padding", (1,), 3).message == (
        "`padding` has 1 entry, the input has 3 axes: depth, height and width"
    )


@pytest.mark.parametrize("field", ["stride", "padding", "dilation"])
def test_each_list_is_checked(field: str) -> None:
    found = slide((7, 7), 3, **{field: (1,)})
    assert isinstance(found, Problem)
    assert found.field == (field,)


def test_causal_is_for_one_axis() -> None:
    assert slide((7, 7), 3, 1, "causal") == Problem(
        "shape-mismatch",
        "`padding: causal` is for one axis of time, the input has 2 axes",
        "use `same`, or a list of [before, after] pairs",
        ("padding",),
    )


def test_sides_an_axis_each() -> None:
    height, width = windows(slide((7, 9), 3, 1, ((0, 2), 1)))
    assert (height.before, height.after, width.before, width.after) == (0, 2, 1, 1)


@pytest.mark.parametrize(
    ("mode", "cells", "fits"),
    [("reflect", 4, True), ("reflect", 5, False), ("circular", 5, True), ("circular", 6, False),
     ("edge", 99, True), ("zeros", 99, True)],
)  # fmt: skip
def test_a_padding_mode_needs_the_cells_that_it_repeats(mode: str, cells: int, fits: bool) -> None:
    assert (padding_problem([Window(5, 3, before=cells)], mode) == ()) == fits


def test_the_text_of_too_large_a_padding() -> None:
    assert padding_problem([Window(9, 3), Window(3, 3, before=1, after=3)], "reflect") == (
        Problem(
            "padding-too-large",
            "`padding_mode: reflect` has 3 cells to fill 3 cells of padding on one side, "
            "it needs 4",
            field=("padding", 1),
        ),
    )


def test_same_sides_of_the_odd_cell() -> None:
    assert same_sides(8, 3, 2) == (0, 1)
