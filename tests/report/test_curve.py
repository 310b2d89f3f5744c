from __future__ import annotations

import math

from cnnkit.presentation.curve import curve


def test_ends_of_the_axes_are_named() -> None:
    lines = curve(lambda x: 3 * x, -1, 1)
    assert [line.split(" ", 1)[0] for line in (lines[0], lines[-2])] == ["", "−3"]
    assert lines[0].startswith(" 3 ")
    assert lines[3].startswith(" 0 ")
    assert lines[-1].split() == ["−1", "0", "1"]


def test_the_identity_goes_from_the_lower_left_to_the_upper_right() -> None:
    lines = curve(lambda x: x)
    # 64 dots across and 28 up: 2.3 beside each other in each row of dots.
    corner = {"lower left": lines[-2][3], "upper right": lines[0][-1]}
    assert corner == {"lower left": "⣀", "upper right": "⠉"}
    assert len(lines[0]) == 3 + 32


def test_a_step_is_joined() -> None:
    rows = [line[2:] for line in curve(lambda x: float(x > 1), 0, 2)[:-1]]
    steps = [{place for place, cell in enumerate(row) if ord(cell) & 0x47} for row in rows[1:-1]]
    assert all(16 in places for places in steps)


def test_what_is_not_finite_is_left_out() -> None:
    empty = curve(lambda x: math.nan)  # the axes alone, as of a function beside the picture
    assert empty[:-1] == curve(lambda x: 0.0 if x > 9 else math.inf)[:-1]
    assert [line.split(" ", 1)[0] for line in (empty[0], empty[-2])] == ["1", "0"]
