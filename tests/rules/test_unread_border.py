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


def test_the_cells_of_a_pad_before_it_do_not_count(found: Callable[[str, str], str]) -> None:
    """The stem of a ResNet as Keras writes it: (224 + 6 − 7)/2 leaves one cell, of the padding."""
    spec = """\
input: 224x224x3
rounding: floor
layers:
  - pad: {padding: 3}
  - batch_norm
  - conv: {filters: 64, kernel: 7, stride: 2}
  - pad: {padding: 1}
  - max_pool: {size: 3, stride: 2}
"""
    assert found("unread-border", spec) == ""


def test_cells_of_the_map_before_a_pad_do(found: Callable[[str, str], str]) -> None:
    """(32 + 3 − 5)/4 leaves 2 cells behind: 1 of the padding and 1 of the map's 32 rows."""
    spec = """\
input: 32x32x3
rounding: floor
layers:
  - pad: {padding: [[2, 1], [0, 1]]}
  - conv: {filters: 8, kernel: 5, stride: 4}
"""
    assert found("unread-border", spec).startswith("5:")
    assert "1 row of the 35x33 map is never read" in found("unread-border", spec)


def test_another_branch_brings_cells_of_its_own(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 7x7x3
rounding: floor
layers:
  - parallel:
      merge: add
      branches:
        - [{pad: {padding: [[0, 1], [0, 1]]}}]
        - [{conv: {filters: 3, kernel: 2, padding: 1}}]
  - max_pool: {size: 3}
"""
    assert "2 rows and 2 columns of the 8x8 map are never read" in found("unread-border", spec)
