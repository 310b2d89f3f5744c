"""Cells behind the last window."""

from __future__ import annotations

from collections.abc import Callable


def test_a_pool_that_floors(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 27x29x3
layers:
  - max_pool: {size: 2, stride: 2, rounding: floor}
"""
    assert (
        found("unread-border", spec)
        == """\
3:33 layers.0
1 row and 1 column of the 27x29 map are never read: (27 − 2)/2 + 1 = 13.50, which `rounding:
floor` makes 13
help: a map of 26x28 before it loses nothing, `padding: same` reads all; `cnnkit solve SPEC --vary
input` lists the inputs for which every layer is exact
"""
    )


def test_one_axis_in_a_block_of_a_spec_that_floors(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 28x31x3
rounding: floor
blocks:
  half:
    layers:
      - mean_pool: {size: 4, stride: 4}
layers:
  - half
"""
    assert (
        found("unread-border", spec)
        == """\
6:38 layers.0.half.layers.0 used at 8:5
3 columns of the 28x31 map are never read: (31 − 4)/4 + 1 = 7.75, which `rounding: floor` makes 7
help: a map of 28x28 before it loses nothing, `padding: same` reads all; `cnnkit solve SPEC --vary
input` lists the inputs for which every layer is exact
"""
    )


def test_a_signal(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 100x1
rounding: floor
layers:
  - conv: {filters: 4, kernel: 5, stride: 3}
"""
    assert (
        found("unread-border", spec)
        == """\
4:43 layers.0
2 cells of the 100 map are never read: (100 − 5)/3 + 1 = 32.67, which `rounding: floor` makes 32
help: a map of 98 before it loses nothing, `padding: same` reads all; `cnnkit solve SPEC --vary
input` lists the inputs for which every layer is exact
"""
    )


def test_there_is_nothing_to_find(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 56x56x8
rounding: floor
layers:
  - parallel:
      merge: add
      branches:
        - [{conv: {filters: 8, kernel: 3, stride: 2, padding: 1}}]
        - [{conv: {filters: 8, kernel: 1, stride: 2}}]
        - [{max_pool: {size: 3, stride: 2, rounding: ceil}}]
        - [{conv: {filters: 8, kernel: 3, stride: 2, padding: same}}]
"""
    assert found("unread-border", spec) == ""
