"""Cells behind the last window."""

from __future__ import annotations

from collections.abc import Callable


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
