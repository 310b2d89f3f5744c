"""Features that see a part of the input."""

from __future__ import annotations

from collections.abc import Callable


def test_before_a_global_pool(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x48x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - max_pool: {size: 2}
  - conv: {filters: 32, kernel: 3, padding: same, activation: relu}
  - scale
  - global_mean_pool: {keep_axes: true}
  - flatten
  - dense: {units: 10}
"""
    assert (
        found("small-receptive-field", spec)
        == """\
7:5 layers.4
the features that reach the global_mean_pool see 8x8 of the 32x48 input
help: 10 more convolutions of kernel 3 before it would see all; so would strides or pools further
ahead, or dilation
"""
    )


def test_before_a_flatten_and_one_dense_layer(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 100x1
layers:
  - conv: {filters: 16, kernel: 99, activation: relu}
  - flatten
  - dense: {units: 10}
"""
    assert (
        found("small-receptive-field", spec)
        == """\
4:5 layers.1
the features that reach the flatten see 99 of the 100 input
help: 1 more convolution of kernel 3 before it would see all; so would strides or pools further
ahead, or dilation
"""
    )


def test_fine_the_whole_input_is_seen(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 32, activation: relu}
  - flatten
  - dense: {units: 10}
"""
    assert found("small-receptive-field", spec) == ""


def test_fine_where_dense_layers_join_what_the_windows_see(
    found: Callable[[str, str], str],
) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3, activation: relu}
  - flatten
  - dense: {units: 100, activation: relu}
  - dense: {units: 10}
"""
    assert found("small-receptive-field", spec) == ""


def test_fine_without_windows(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 28x28x1
layers:
  - flatten
  - dense: {units: 10}
"""
    assert found("small-receptive-field", spec) == ""


def test_fine_where_the_output_is_a_map(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 28x28x1
layers:
  - conv: {filters: 16, kernel: 3, activation: relu}
"""
    assert found("small-receptive-field", spec) == ""


def test_fine_behind_a_gate_that_has_seen_all(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 33x33x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - squeeze_excite
  - conv: {filters: 32, kernel: 3, padding: same, activation: relu}
  - global_mean_pool
  - dense: {units: 10}
"""
    assert found("small-receptive-field", spec) == ""
