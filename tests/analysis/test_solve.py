"""What fits: held to the definition by brute force, and to values by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnkit
from cnnkit.analysis.solve import WindowQuestion, exact_inputs, fits
from cnnkit.errors import UsageError
from cnnkit.layers.window import Window

ZOO = Path(__file__).parents[2] / "specs" / "zoo"


def window(extent: int, kernel: int, dilation: int = 1, **known: object) -> WindowQuestion:
    return WindowQuestion((extent,), (kernel,), (dilation,), **known)  # type: ignore[arg-type]


def listed(
    question: WindowQuestion, limit: int | None = None
) -> list[tuple[int, int, tuple[int, ...]]]:
    return [(fit.stride, fit.padding, fit.output) for fit in fits(question, limit).fits]


def test_seven_and_three_by_hand() -> None:
    # 7 + P − 3 for P = 0 … 4 is 4, 5, 6, 7, 8, and S divides it.
    assert listed(window(7, 3)) == [
        (1, 0, (5,)),
        (1, 1, (6,)),
        (1, 2, (7,)),
        (1, 3, (8,)),
        (1, 4, (9,)),
        (2, 0, (3,)),
        (2, 2, (4,)),
        (2, 4, (5,)),
        (3, 2, (3,)),
        (4, 0, (2,)),
        (4, 4, (3,)),
        (5, 1, (2,)),
        (6, 2, (2,)),
        (7, 3, (2,)),
    ]


def test_a_fixed_stride_and_a_wanted_output() -> None:
    assert listed(window(7, 3, stride=2)) == [(2, 0, (3,)), (2, 2, (4,)), (2, 4, (5,))]
    assert listed(window(7, 3, output=(3,))) == [(2, 0, (3,)), (3, 2, (3,)), (4, 4, (3,))]
    assert not fits(window(7, 1, stride=4)).found


def test_a_window_with_nowhere_to_go_takes_any_stride() -> None:
    assert listed(window(3, 3, output=(1,))) == [(1, 0, (1,)), (2, 0, (1,)), (3, 0, (1,))]


def test_the_odd_cell_is_after() -> None:
    fit = next(fit for fit in fits(window(7, 3)).fits if fit.padding == 3)
    assert (fit.before, fit.after) == (1, 2)


def test_what_is_left_out_is_counted() -> None:
    solution = fits(window(7, 3), limit=4)
    assert (len(solution.fits), solution.count, solution.more) == (4, 14, 10)
    huge = fits(window(3000, 3000), limit=10)
    assert huge.more > 3000, "P 0 alone leaves every stride"


def test_one_stride_serves_all_axes() -> None:
    question = WindowQuestion((7, 9), (3, 3), (1, 1), output=(3, 4))
    assert listed(question) == [(2, 0, (3, 4))]


def test_lists_of_another_length_and_extents_beyond_reason() -> None:
    with pytest.raises(UsageError, match="--kernel 3x3x3 has not one entry for each axis"):
        fits(WindowQuestion((7, 9), (3, 3, 3), (1, 1)))
    with pytest.raises(UsageError, match="too large to list all that fits"):
        fits(WindowQuestion((10**9,), (99,), (1,)))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 14), st.integers(1, 5)), min_size=1, max_size=2),
    st.integers(1, 3),
)
def test_all_that_fits_and_nothing_else(axes: list[tuple[int, int]], dilation: int) -> None:
    extents, kernel = zip(*axes, strict=True)
    question = WindowQuestion(extents, kernel, (dilation,) * len(axes))
    dilated = min(dilation * (size - 1) + 1 for size in kernel)
    expected = set()
    for stride in range(1, max(extents) + 1):
        for padding in range(2 * (dilated - 1) + 1):
            windows = [
                Window(extent, size, stride, dilation, padding // 2, padding - padding // 2)
                for extent, size in axes
            ]
            if all(each.exact for each in windows):
                expected.add((stride, padding, tuple(each.output for each in windows)))
    found = listed(question)
    assert set(found) == expected
    assert found == sorted(found)


LENET = cnnkit.load(ZOO / "lenet-5.yaml")


def extents(spec: cnnkit.Spec, *bounds: int, axis: int = 0) -> list[int]:
    between = (bounds[0], bounds[1]) if bounds else None
    return list(exact_inputs(spec, between, None).axes[axis].answers)


def test_lenet_takes_every_fourth_extent() -> None:
    # Two pools of 2 that must come out even, then a conv of 5 on what is left: D = 4n ≥ 32.
    assert extents(LENET, 1, 60) == [32, 36, 40, 44, 48, 52, 56, 60]
    solution = exact_inputs(LENET)
    assert (solution.axes[0].low, solution.axes[0].high) == (16, 48)
    assert solution.exact
    assert solution.axes[0].step == 4
    assert solution.axes[0].answers[36].totals.parameters == 61_706 + 84 * 120 * 3


def test_what_a_rounding_hides_is_not_exact() -> None:
    # A stem of kernel 7, stride 2, padding 3 takes odd extents only; so does each stage.
    spec = cnnkit.load(ZOO / "resnet-18.yaml")
    assert extents(spec, 200, 300) == [225, 257, 289]
    assert not exact_inputs(spec, (200, 300)).exact


def test_same_is_exact_by_its_definition() -> None:
    spec = cnnkit.load(
        "input: 9x9x1\nlayers: [{conv: {filters: 1, kernel: 3, stride: 2, padding: same}}]\n"
    )
    assert extents(spec, 5, 9) == [5, 6, 7, 8, 9]


def test_axes_that_differ_are_varied_by_themselves() -> None:
    spec = cnnkit.load("input: 9x13x1\nlayers: [{conv: {filters: 1, kernel: 3, stride: [2, 5]}}]\n")
    height, width = exact_inputs(spec, None, None).axes
    assert (height.axis, width.axis) == ("height", "width")
    assert [h for h in height.answers if h < 12] == [3, 5, 7, 9, 11]
    assert [w for w in width.answers if w < 20] == [3, 8, 13, 18]
    assert {answer.input[1] for answer in height.answers.values()} == {13}


def test_a_present_input_that_breaks_everything_is_no_obstacle() -> None:
    text = "input: 4x6x1\nlayers: [{conv: {filters: 1, kernel: 7}}, {squeeze_excite: {ratio: 1}}]\n"
    spec = cnnkit.spec.reading.read(text).spec
    assert spec is not None
    height, width = exact_inputs(spec, (5, 9), None).axes
    assert list(height.answers) == list(width.answers) == [7, 8, 9]


def test_no_extent_at_all_and_the_nearest_one() -> None:
    nothing = exact_inputs(LENET, (33, 35))
    assert not nothing.found
    assert nothing.axes[0].nearest == 32
    spec = cnnkit.spec.reading.read("input: 8x8x1\nlayers: [{dense: {units: 2}}]\n").spec
    assert spec is not None
    solution = exact_inputs(spec)
    assert not solution.found
    assert solution.axes[0].nearest is None


def test_the_nearest_are_shown_and_the_others_counted() -> None:
    axis = exact_inputs(LENET, (1, 60), 3).axes[0]
    assert (list(axis.answers), axis.more) == ([32, 36, 40], 5)


def test_inputs_that_cannot_vary() -> None:
    spec = cnnkit.load("input: 10\nlayers: [{dense: {units: 2}}]\n")
    with pytest.raises(UsageError, match="the input is a vector of 10: it has no extent to vary"):
        exact_inputs(spec)
    with pytest.raises(UsageError, match="are 200,000 extents; at most 100,000 are tried"):
        exact_inputs(LENET, (1, 200_000))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 1)), max_size=3),
    st.integers(4, 20),
)
def test_inputs_are_those_that_the_analysis_accepts(
    convs: list[tuple[int, int, int]], extent: int
) -> None:
    lines = "".join(
        f"  - conv: {{filters: 1, kernel: {kernel}, stride: {stride}, padding: {padding}}}\n"
        for kernel, stride, padding in convs
    )
    spec = cnnkit.spec.reading.read(f"input: {extent}x{extent}x1\nlayers:\n{lines}  - relu\n").spec
    assert spec is not None
    accepted = [
        size
        for size in range(1, 31)
        if cnnkit.analyze(spec.model_copy(update={"input": (size, size, 1)})).ok
    ]
    assert extents(spec, 1, 30) == accepted


def test_several_inputs_whose_layers_ask_for_what_comes_in() -> None:
    # A kernel of extent − 13 fits from 14 on; its parameters are extent·((extent − 13)²·2 + 1).
    spec = cnnkit.load("""
inputs: {image: 16x16x1, depth: 16x16x1}
layers:
  - merge: {with: depth}
  - conv: {filters: "$(extents[0])", kernel: "$(extents[0] - 13)"}
""")
    (axis,) = exact_inputs(spec, (12, 16)).axes
    assert {n: answer.totals.parameters for n, answer in axis.answers.items()} == {
        14: 14 * 3,
        15: 15 * 9,
        16: 16 * 19,
    }
