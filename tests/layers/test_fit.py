import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnnkit.layers import layer_class
from cnnkit.layers.base import Layer
from cnnkit.layers.fit import neighbours
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, show


def build(kind: str, **fields: Any) -> Any:
    return layer_class(kind).model_validate(fields)


def conv(**fields: Any) -> Any:
    return build("conv", filters=1, **fields)


def problem(layer: Layer, shape: Shape) -> Problem:
    (found,) = layer.effect(shape).problems
    return found


@pytest.mark.parametrize(
    ("fields", "shape", "message", "advice"),
    [
        (
            {"kernel": 3, "stride": 3},
            (7, 7, 1),
            "stride 3 does not fit: (7 − 3)/3 + 1 = 2.33 is not an integer",
            (
                "stride 2 gives 3, stride 4 gives 2, stride 1 gives 5; kernel 4 gives 2, kernel "
                "7 gives 1; `padding: 1` gives 3, `padding: same` gives 3; a map of 6x6 before "
                "it gives 2, a map of 9x9 before it gives 3; or `rounding: floor` gives 2 and "
                "leaves 1 row and 1 column unread"
            ),
        ),
        (
            {"kernel": 11, "stride": 4, "padding": 2},
            (224, 224, 3),
            "stride 4 does not fit: (224 + 4 − 11)/4 + 1 = 55.25 is not an integer",
            (
                "stride 1 gives 218, stride 7 gives 32, stride 31 gives 8; kernel 12 gives 55, "
                "kernel 8 gives 56; "
                "`padding: same` gives 56; a map of 223x223 before it gives 55, a map of "
                "227x227 before it gives 56; or `rounding: floor` gives 55"
            ),
        ),
        (
            {"kernel": 3, "stride": 3},
            (9, 10, 1),
            "stride 3 does not fit the width: (10 − 3)/3 + 1 = 3.33 is not an integer",
            (
                "stride 1 gives 7x8; `padding: same` gives 3x4; a map of 9x9 before it "
                "gives 3, a map of 9x12 before it gives 3x4; or `rounding: floor` gives 3 and "
                "leaves 1 column unread"
            ),
        ),
        (
            {"kernel": 3, "stride": [3, 2]},
            (7, 8, 1),
            (
                "the stride does not fit: height (7 − 3)/3 + 1 = 2.33 and width "
                "(8 − 3)/2 + 1 = 3.50 are not integers"
            ),
            (
                "stride [1, 1] gives 5x6; kernel 4 gives 2x3; `padding: same` gives 3x4; a map "
                "of 6x7 before it gives 2x3, a map of 9x9 before it gives 3x4; or `rounding: "
                "floor` gives 2x3 and leaves 1 row and 1 column unread"
            ),
        ),
        (
            {"kernel": 2, "stride": 4},
            (100, 1),
            "stride 4 does not fit: (100 − 2)/4 + 1 = 25.50 is not an integer",
            (
                "stride 2 gives 50, stride 1 gives 99, stride 7 gives 15; kernel 4 gives 25, "
                "kernel 8 gives 24; `padding: 1` gives 26, `padding: same` gives 25; a map of 98 "
                "before it gives 25, a map of 102 before it gives 26; or `rounding: floor` gives "
                "25 and leaves 2 cells unread"
            ),
        ),
    ],
)
def test_the_text_of_an_invalid_stride(
    fields: dict[str, Any], shape: Shape, message: str, advice: str
) -> None:
    found = problem(conv(**fields), shape)
    assert (found.rule, found.message, found.help) == ("invalid-stride", message, advice)


def test_an_invalid_stride_points_at_the_stride_of_its_axis() -> None:
    assert problem(conv(kernel=3, stride=[1, 3]), (7, 7, 1)).field == ("stride", 1)


@pytest.mark.parametrize(
    ("fields", "shape", "message", "advice"),
    [
        (
            {"kernel": 11},
            (7, 7, 1),
            "kernel 11 does not fit into the input of 7",
            "kernel 7 gives 1; `padding: 2` gives 1; a map of 11x11 before it gives 1",
        ),
        (
            {"kernel": 11},
            (7, 5, 1),
            "kernel 11 does not fit into the input of 7x5",
            "kernel 5 gives 3x1; `padding: 3` gives 3x1; a map of 11x11 before it gives 1",
        ),
        (
            {"kernel": 11},
            (32, 7, 1),
            "kernel 11 does not fit into the width of 7",
            "kernel 7 gives 26x1; `padding: 2` gives 26x1; a map of 32x11 before it gives 22x1",
        ),
        (
            {"kernel": [3, 9], "padding": 1},
            (8, 5, 1),
            "kernel 9 does not fit into the width of 5 + 2 of padding",
            "kernel [3, 7] gives 8x1; `padding: 2` gives 10x1; a map of 8x7 before it gives 8x1",
        ),
        (
            {"kernel": 3, "dilation": 4},
            (7, 1),
            "kernel 3 with dilation 4 covers 9 cells and does not fit into the input of 7",
            "kernel 2 gives 3; `padding: 1` gives 1; a map of 9 before it gives 1",
        ),
        (
            {"kernel": 9, "padding_mode": "reflect"},
            (3, 1),
            "kernel 9 does not fit into the input of 3",
            "kernel 3 gives 1; a map of 9 before it gives 1",
        ),
    ],
)
def test_the_text_of_too_large_a_window(
    fields: dict[str, Any], shape: Shape, message: str, advice: str
) -> None:
    found = problem(conv(**fields), shape)
    assert (found.rule, found.message, found.help) == ("window-too-large", message, advice)


def test_too_large_a_window_leaves_the_output_unknown() -> None:
    for rounding in ("exact", "floor", "ceil"):
        assert conv(kernel=11, rounding=rounding).effect((7, 7, 1)).output is None


def test_a_pool_names_its_size() -> None:
    found = problem(build("max_pool", size=3), (2, 2, 1))
    assert found.message == "size 3 does not fit into the input of 2"
    assert found.field == ("size", 0)


def test_only_the_axes_that_fail_change_where_the_axes_differ() -> None:
    found = problem(conv(kernel=3, stride=[2, 3]), (7, 7, 1))
    assert found.help is not None
    assert found.help.startswith("stride [2, 2] gives 3, stride [2, 4] gives 3x2, stride [2, 1]")


def test_no_padding_is_proposed_that_holds_whole_windows() -> None:
    found = problem(conv(kernel=1, stride=3), (6, 1))
    assert found.help is not None
    assert "`padding: same`" in found.help
    assert "`padding: 2`" not in found.help


def test_the_stride_of_a_pool_follows_the_size_that_is_proposed() -> None:
    found = problem(build("max_pool", size=3), (8, 8, 1))
    assert found.help is not None
    assert "; size 2 gives 4, size 4 gives 2;" in found.help


@pytest.mark.parametrize("rounding", ["floor", "ceil"])
def test_another_rounding_accepts_what_is_left_over(rounding: str) -> None:
    effect = conv(kernel=3, stride=3, rounding=rounding).effect((7, 7, 1))
    assert effect.problems == ()
    assert effect.output == ((2, 2, 1) if rounding == "floor" else (3, 3, 1))


def test_neighbours_are_the_nearest_first() -> None:
    assert list(neighbours(3, 1, 6)) == [2, 4, 1, 5, 6]
    assert len(list(neighbours(10**18, 1, 10**19))) == 128


@pytest.mark.parametrize(
    ("fields", "shape", "advice"),
    [
        # 11 cells would fit with `padding: 4`, and the stride would not: (4 + 8 − 11)/3 is none.
        (
            {"kernel": 11, "stride": 3},
            (4, 1),
            "kernel 4 gives 1; `padding: 5` gives 2; a map of 11 before it gives 1",
        ),
        # A kernel of 7 would fit, and leave (8 − 7)/2.
        (
            {"kernel": [9, 7], "stride": 2},
            (8, 9, 1),
            "kernel [8, 7] gives 1x2; a map of 9x9 before it gives 1x2",
        ),
        # Nothing is said of an output that another fault leaves unknown.
        (
            {"kernel": 7, "groups": 2},
            (5, 5, 3),
            "kernel 5; `padding: 1`; a map of 7x7 before it",
        ),
        # The weights that are given have a kernel of 3.
        (
            {"kernel": 3, "weights": [[[1]], [[1]], [[1]]]},
            (2, 1),
            "`padding: 1` gives 2; a map of 3 before it gives 1",
        ),
    ],
)
def test_what_would_be_refused_itself_is_not_suggested(
    fields: dict[str, Any], shape: Shape, advice: str
) -> None:
    found = layer_class("conv").model_validate({"filters": 1, **fields}).effect(shape).problems
    assert found[0].rule == "window-too-large"
    assert found[0].help == advice


SIDE = st.integers(0, 3) | st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def cases(draw: st.DrawFn, extent: int = 20, size: int = 7) -> tuple[Layer, Shape]:
    rank = draw(st.integers(1, 3))
    shape = (*draw(st.lists(st.integers(1, extent), min_size=rank, max_size=rank)), 1)
    paddings = [st.just("valid"), st.integers(0, 3), st.lists(SIDE, min_size=rank, max_size=rank)]
    if rank == 1:
        paddings.append(st.just("causal"))

    def extents(high: int) -> st.SearchStrategy[Any]:
        number = st.integers(1, high)
        return number | st.lists(number, min_size=rank, max_size=rank)

    kind = draw(st.sampled_from(["conv", "max_pool", "mean_pool"]))
    fields: dict[str, Any] = {"padding": draw(st.one_of(paddings))}
    if kind == "conv":
        fields |= {"filters": 1, "kernel": draw(extents(size)), "stride": draw(extents(6))}
        fields |= {"dilation": draw(extents(3))}
        fields["padding_mode"] = draw(st.sampled_from(["zeros", "reflect", "circular"]))
    else:
        fields |= {"size": draw(extents(size)), "stride": draw(st.none() | extents(6))}
    return layer_class(kind).model_validate(fields), shape


def values(text: str) -> Any:
    """`3`, `[3, 2]` and `same` as a user's value."""
    if text.startswith("["):
        return tuple(map(int, text[1:-1].split(", ")))
    return int(text) if text.isdigit() else text


def given_output(layer: Layer, shape: Shape) -> str:
    effect = layer.effect(shape)
    assert effect.problems == ()
    assert effect.output is not None
    extents = effect.output[:-1]
    return str(extents[0]) if len(set(extents)) == 1 else show(extents)


def suggested(advice: str) -> list[tuple[str, str, str]]:
    """The fields and values that an advice names, and the outputs that it promises."""
    found = re.findall(r"(stride|kernel|size) (\[[^]]+\]|\d+) gives ([\dx]+)", advice)
    found += re.findall(r"`(padding|rounding|padding_mode): (\w+)` gives ([\dx]+)", advice)
    found += [("map", *each) for each in MAP.findall(advice)]
    assert len(found) == advice.count(" gives ")
    return found


MAP = re.compile(r"a map of ([\dx]+) before it gives ([\dx]+)")
REFUSED = ("invalid-stride", "window-too-large", "padding-too-large")


@given(cases() | cases(extent=4, size=12))
@settings(max_examples=500)
def test_every_suggestion_fits(case: tuple[Layer, Shape]) -> None:
    layer, shape = case
    problems = layer.effect(shape).problems
    assume(problems and problems[0].rule in REFUSED)
    assume(len(problems) == 1)
    for field, value, output in suggested(problems[0].help or ""):
        if field == "map":
            assert given_output(layer, (*map(int, value.split("x")), 1)) == output
        else:
            changed = layer.model_copy(update={field: values(value)})
            assert given_output(changed, shape) == output, (field, value)


@given(cases())
@settings(max_examples=100)
def test_the_floor_is_always_offered(case: tuple[Layer, Shape]) -> None:
    layer, shape = case
    problems = layer.effect(shape).problems
    assume([found.rule for found in problems] == ["invalid-stride"])
    assert "or `rounding: floor` gives " in (problems[0].help or "")


@given(cases(extent=4, size=12))
@settings(max_examples=250)
def test_the_suggestions_for_too_large_a_window_are_the_nearest(case: tuple[Layer, Shape]) -> None:
    layer, shape = case
    problems = layer.effect(shape).problems
    assume([found.rule for found in problems] == ["window-too-large"])

    def fits(**changes: object) -> bool:
        return not layer.model_copy(update=changes).effect(shape).problems

    found = {field: values(value) for field, value, _ in suggested(problems[0].help or "")}
    size = layer.size_field
    now = getattr(layer, size)
    if isinstance(now, int):
        nearest = next((n for n in range(now - 1, size == "size", -1) if fits(**{size: n})), None)
        assert found.get(size) == nearest
    windows = layer.windows(shape)  # type: ignore[attr-defined]
    sides = range(min(window.dilated for window in windows))
    assert found.get("padding") == next((side for side in sides if fits(padding=side)), None)
