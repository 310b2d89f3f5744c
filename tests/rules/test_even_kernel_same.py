"""Windows without a middle."""

from __future__ import annotations

from collections.abc import Callable


def test_a_conv_and_a_pool(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: [3, 4], padding: same}
  - max_pool: {size: 2, stride: 1, padding: same}
"""
    assert (
        found("even-kernel-same", spec)
        == """\
3:36 layers.0
kernel 4 with `padding: same` pads 1 column before and 2 after: the map shifts by half a column
help: kernel [3, 3] or [3, 5] pads both sides alike

4:22 layers.1
size 2 with `padding: same` pads 0 rows before and 1 after: the map shifts by half a row
help: size 3 pads both sides alike
"""
    )


def test_a_signal_dilated(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 100x1
layers:
  - conv: {filters: 8, kernel: 16, padding: same}
  - conv: {filters: 8, kernel: 2, dilation: 3, padding: same}
"""
    assert (
        found("even-kernel-same", spec)
        == """\
3:32 layers.0
kernel 16 with `padding: same` pads 7 cells before and 8 after: the map shifts by half a cell
help: kernel 15 or 17 pads both sides alike

4:32 layers.1
kernel 2 with `padding: same` pads 1 cell before and 2 after: the map shifts by half a cell
help: kernel 3 pads both sides alike
"""
    )


def test_there_is_nothing_to_find(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 4, stride: 2, padding: same}
  - conv: {filters: 8, kernel: 4, padding: [[1, 2], [1, 2]]}
  - conv: {filters: 8, kernel: 2, dilation: 2, padding: same}
  - conv: {filters: 8, kernel: 3, stride: 2, padding: same}
  - transposed_conv: {filters: 8, kernel: 4, stride: 2, padding: same}
"""
    assert found("even-kernel-same", spec) == ""
