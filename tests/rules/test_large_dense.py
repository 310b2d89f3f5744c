"""A dense layer that outweighs the network."""

from __future__ import annotations

from collections.abc import Callable


def test_a_dense_layer_on_a_volume(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 256x256x256x1
layers:
  - flatten
  - dense: {units: 10}
"""
    assert (
        found("large-dense", spec)
        == """\
4:5 layers.1
this dense layer holds 167,772,170 of the network's 167,772,170 parameters (100.0 %): 10 units
read all of 256x256x256x1 = 16,777,216 cells
help: `global_mean_pool` in place of `flatten` leaves it 20 parameters; `conv: {filters: 10,
kernel: 3, padding: same}` and `global_mean_pool` in place of both take 280
"""
    )


def test_behind_a_flatten_and_a_dropout(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 64x64x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - flatten
  - dropout: {rate: 0.5}
  - name: hidden
    dense: {units: 128, bias: false, activation: relu}
  - dense: {units: 10}
"""
    assert (
        found("large-dense", spec)
        == """\
7:5 layers.hidden
this dense layer holds 8,388,608 of the network's 8,390,346 parameters (over 99.9 %): 128 units
read all of 64x64x16 = 65,536 cells
help: `global_mean_pool` in place of `flatten` leaves it 2,048 parameters; `conv: {filters: 128,
kernel: 3, padding: same}` and `global_mean_pool` in place of both take 18,432
"""
    )


def test_fine_below_a_million_behind_a_pool_or_without_a_map(
    found: Callable[[str, str], str],
) -> None:
    spec = """\
input: 28x28x1
layers:
  - flatten
  - dense: {units: 1000}
"""
    assert found("large-dense", spec) == ""


def test_fine_behind_a_pool(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 7x7x2048
layers:
  - global_mean_pool
  - dense: {units: 1000}
"""
    assert found("large-dense", spec) == ""


def test_fine_without_a_map(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 2048
layers:
  - dense: {units: 1000}
"""
    assert found("large-dense", spec) == ""
