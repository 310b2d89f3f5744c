"""Windows that read more padding than map."""

from __future__ import annotations

from collections.abc import Callable


def test_a_kernel_larger_than_its_map(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 2x2x8
layers:
  - conv: {filters: 8, kernel: 5, padding: same}
"""
    assert (
        found("mostly-padding", spec)
        == """\
3:32 layers.0
84.0 % of what this conv reads is padding: its window covers 5x5 cells, the map has 2x2
help: a smaller kernel or dilation, fewer strides and pools before it, or a larger input
"""
    )


def test_a_1x1_map(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 4x4x8
layers:
  - max_pool: {size: 4}
  - conv: {filters: 8, kernel: 3, padding: 1}
"""
    assert (
        found("mostly-padding", spec)
        == """\
4:32 layers.1
88.9 % of what this conv reads is padding: its window covers 3x3 cells, the map has 1x1
help: a smaller kernel or dilation, fewer strides and pools before it, or a larger input
"""
    )


def test_a_dilated_window_far_beyond_the_map(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x8
layers:
  - conv: {filters: 8, kernel: 3, dilation: 18, padding: same}
"""
    assert (
        found("mostly-padding", spec)
        == """\
3:32 layers.0
60.9 % of what this conv reads is padding: its window covers 37x37 cells, the map has 32x32
help: a smaller kernel or dilation, fewer strides and pools before it, or a larger input
"""
    )


def test_astronomic_extents_take_no_time(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 1000000000000x1
layers:
  - conv: {filters: 8, kernel: 3, padding: 1000000000000}
"""
    assert (
        found("mostly-padding", spec)
        == """\
3:32 layers.0
66.7 % of what this conv reads is padding: its window covers 3 cells, the map has 1000000000000
help: a smaller kernel or dilation, fewer strides and pools before it, or a larger input
"""
    )


def test_there_is_nothing_to_find(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 7x7x8
layers:
  - depthwise_conv: {kernel: 7, padding: 3}
  - conv: {filters: 8, kernel: 3, padding: same}
  - conv: {filters: 8, kernel: 7}
  - conv: {filters: 8, kernel: 1}
"""
    assert found("mostly-padding", spec) == ""


def test_fine_where_both_sides_are_too_long_to_count(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 1000000000000x1
layers:
  - conv: {filters: 8, kernel: 1000000000001, padding: same}
"""
    assert found("mostly-padding", spec) == ""
