"""Where lines and ticks of charts stand: by hand."""

from __future__ import annotations

import math

import pytest

from cnnkit.pages.chart import Axis, Chart, Guide, Series
from cnnkit.pages.parallel import ParallelChart, ParallelLine, Upright


@pytest.mark.parametrize(
    ("axis", "names"),
    [
        (Axis(0, 1), ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (Axis(0.23, 0.94, "percent"), ["40 %", "60 %", "80 %"]),
        (Axis(1, 3, whole=True), ["1", "2", "3"]),
        (Axis(1, 1000, log=True), ["1", "10", "100", "1000"]),
        (Axis(2, 16, log=True), ["2", "4", "8", "16"]),
        (Axis(0, 60_000), ["0", "20,000", "40,000", "60,000"]),
        (Axis(-1, 1), ["-1", "-0.5", "0", "0.5", "1"]),
    ],
)
def test_ticks_stand_at_round_values(axis: Axis, names: list[str]) -> None:
    assert [tick.name for tick in axis.ticks] == names
    assert all(-1e-9 <= tick.place <= 1 + 1e-9 for tick in axis.ticks)


def test_a_line_is_drawn_from_the_upper_left_and_broken_where_there_is_no_number() -> None:
    line = Series("loss", [1, 2, 3, 4, 5], [1.0, 0.5, math.nan, 0.25, 0.0])
    chart = Chart("loss", "epoch", [line], square=False, from_zero=True)
    assert (chart.x_axis.low, chart.x_axis.high) == (1, 5)
    assert (chart.y_axis.low, chart.y_axis.high) == (0, 1.04)
    # 1.0 of 1.04 is 1000·(1 − 1/1.04) = 38.46 from above; 0.5 is 519.23, 0.25 is 759.62.
    assert chart.path(line) == "M0 38.4615L250 519.231M750 759.615L1000 1000"


def test_steps_dots_and_single_points() -> None:
    step = Series("best", [0, 1, 2], [0.0, 0.5, 1.0], shape="step")
    dots = Series("trials", [0, 2], [0.0, 1.0], shape="dots")
    unit = Chart("", "", [step], unit="percent", square=True)
    assert unit.path(step) == "M0 1000L1000 1000V500L2000 500V0"
    assert unit.path(dots) == "M0 1000h0M2000 0h0"
    assert unit.path(Series("one", [1], [0.5])) == "M1000 500h0"


def test_a_guide_and_equal_values_widen_an_axis() -> None:
    flat = Series("loss", [1, 2], [2.0, 2.0])
    assert Chart("", "", [flat]).y_axis == Axis(1.8, 2.2)
    with_floor = Chart("", "", [flat], guides=[Guide(1.0, "floor", across=True)])
    assert with_floor.y_axis == Axis(0.96, 2.04)


def test_what_breaks_off_and_what_has_a_word() -> None:
    pruned = Series("", [0, 1, 2], [0.0, 0.5, None], ended=True, notes=["a", "b", "c"])
    chart = Chart("accuracy", "epoch", [pruned], square=True)
    assert chart.ends == [(1, 0.5)]
    assert chart.notes == [(0, 0, "a"), (1, 0.5, "b")]


def test_a_chart_says_what_is_seen() -> None:
    lines = [Series("training", [1, 2], [2.0, 1.0]), Series("validation", [1, 2], [None, None])]
    assert Chart("loss", "epoch", lines).about == "loss over epoch: training from 2 to 1"


def test_lines_of_one_name_are_one_entry_of_the_legend() -> None:
    lines = [
        Series(name, [1, 2], [1.0, 2.0], told=f"{name}, {split}", dashed=split == "training")
        for name in ("one", "two")
        for split in ("validation", "training")
    ]
    chart = Chart("loss", "epoch", lines)
    assert chart.legend == [lines[0], lines[2]]
    assert "one, training from 1 to 2; two, validation" in chart.about


def test_the_script_reads_no_number_that_json_has_not() -> None:
    chart = Chart("loss", "epoch", [Series("", [1, 2], [math.inf, 1.0])])
    assert chart.data["series"] == [{"name": "", "told": "", "x": [1, 2], "y": [None, 1.0]}]


def test_parallel_coordinates() -> None:
    axes = [
        Upright("width", [2, 8, None]),
        Upright("rate", [0.001, 0.1]),
        Upright("act", ["relu", "tanh"]),
        Upright("seed", [3, 3]),
    ]
    assert [axis.place(value) for axis, value in zip(axes, (5, 0.01, "tanh", 3), strict=True)] == [
        0.5,
        pytest.approx(0.5),
        1,
        0.5,
    ]
    assert [tick.name for tick in axes[0].ticks] == ["2", "3.5", "5", "6.5", "8"]
    assert [tick.name for tick in axes[1].ticks][::2] == ["0.001", "0.01", "0.1"]
    assert [tick.name for tick in axes[2].ticks] == ["relu", "tanh"]
    line = ParallelLine("trial 0", {"width": 2, "act": "relu", "seed": 3}, 1.0)
    chart = ParallelChart(axes, [line])
    assert chart.lines == [(line, "M0 1000L666.667 1000L1000 500")]
