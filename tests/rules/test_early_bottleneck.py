"""A narrow place in the first half."""

from __future__ import annotations

from collections.abc import Callable


def test_one_map_between_wide_layers(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
  - name: narrow
    conv: {filters: 2, kernel: 3, padding: same, activation: relu}
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
  - global_mean_pool
  - dense: {units: 10}
"""
    assert (
        found("early-bottleneck", spec)
        == """\
5:5 layers.narrow
everything passes through 32x32x2 = 2,048 elements here, between 65,536 before and 65,536 after
help: more filters or a smaller stride here; let the size shrink gently towards the output
"""
    )


def test_fine_where_a_shortcut_goes_past_the_narrow_place(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
  - residual:
      layers:
        - conv: {filters: 2, kernel: 3, padding: same, activation: relu}
        - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
  - squeeze_excite: {units: 1}
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
  - global_mean_pool
  - dense: {units: 10}
"""
    assert found("early-bottleneck", spec) == ""


def test_fine_an_autoencoder(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 784
layers:
  - dense: {units: 16, activation: relu}
  - dense: {units: 784}
"""
    assert found("early-bottleneck", spec) == ""


def test_fine_where_the_output_is_a_map(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 1, kernel: 8, stride: 8, activation: relu}
  - transposed_conv: {filters: 64, kernel: 8, stride: 8, activation: relu}
  - conv: {filters: 64, kernel: 3, padding: same, activation: relu}
"""
    assert found("early-bottleneck", spec) == ""
