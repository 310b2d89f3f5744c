"""Layers that change nothing, and their removal."""

from __future__ import annotations

from collections.abc import Callable


def test_all_kinds_that_can_be(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 8x8x4
layers:
  - linear
  - dropout: {rate: 0}
  - spatial_dropout: {rate: 0.0}
  - drop_path: {rate: 0}
  - gaussian_noise: {deviation: 0}
  - pad: {padding: 0}
  - crop: {cells: 0}
  - upsample: {factor: 1}
  - max_pool: {size: 1}
  - adaptive_mean_pool: {output: 8}
  - channel_shuffle: {groups: 4}
  - channel_slice: {stop: 4}
  - reshape: {shape: [8, 8, -1]}
  - rescale
  - repeat: {times: 0, layers: [relu]}
  - parallel: {branches: []}
  - flatten
  - flatten
"""
    assert (
        found("no-op-layer", spec)
        == """\
3:5 layers.0
this linear layer changes nothing: it is the identity
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

4:5 layers.1
this dropout changes nothing: its rate is 0
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

5:5 layers.2
this spatial_dropout changes nothing: its rate is 0
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

6:5 layers.3
this drop_path changes nothing: its rate is 0
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

7:5 layers.4
this gaussian_noise changes nothing: its deviation is 0
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

8:5 layers.5
this pad changes nothing: it keeps the shape
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

9:5 layers.6
this crop changes nothing: it keeps the shape
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

10:5 layers.7
this upsample changes nothing: it keeps the shape
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

11:5 layers.8
this max_pool changes nothing: its window and stride are 1
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

12:5 layers.9
this adaptive_mean_pool changes nothing: it keeps the shape
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

13:5 layers.10
this channel_shuffle changes nothing: of one group, or of one channel a group, the order stays
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

14:5 layers.11
this channel_slice changes nothing: it keeps the shape
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

15:5 layers.12
this reshape changes nothing: it keeps the shape
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

16:5 layers.13
this rescale changes nothing: the mean is 0 and the deviation 1
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

17:5 layers.14
this repeat changes nothing: it repeats its layers 0 times
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

18:5 layers.15
this parallel changes nothing: it has no branches
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant

20:5 layers.17
this flatten changes nothing: the input is a vector already
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant
"""
    )


def test_in_all_uses_of_a_block(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 8x8x4
blocks:
  unit:
    layers:
      - relu
      - linear
layers:
  - unit
  - unit
"""
    assert (
        found("no-op-layer", spec)
        == """\
6:9 layers.0.unit.layers.1 used at 8:5
this linear layer changes nothing: it is the identity
help: take it out, as `cnnkit check --fix` does, or give it the value that was meant
"""
    )


def test_fine_where_an_expression_is_a_switch(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 8x8x4
variables: {rate: 0, kind: linear}
layers:
  - dropout: {rate: $rate}
  - $kind
  - repeat: {times: $(1 - 1), layers: [relu]}
"""
    assert found("no-op-layer", spec) == ""


def test_fine_where_another_use_of_the_line_does_something(
    found: Callable[[str, str], str],
) -> None:
    spec = """\
input: 8x8x4
blocks:
  end:
    layers:
      - flatten
      - dense: {units: 4}
layers:
  - end
  - end
"""
    assert found("no-op-layer", spec) == ""


def test_there_is_nothing_to_find(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 8x8x4
layers:
  - conv: {filters: 4, kernel: 1, activation: linear}
  - max_pool: {size: 1, stride: 2, rounding: floor}
  - save: a
  - crop: {to: a}
  - scale
  - channel_shuffle: {groups: 2}
"""
    assert found("no-op-layer", spec) == ""


def test_fix_deletes_the_line_and_keeps_comments(fixed: Callable[[str, str], str]) -> None:
    spec = """\
input: 8x8x4
layers:
  # the first
  - linear
  - conv: {filters: 4, kernel: 3}      # stays

  # nothing is dropped
  - dropout:
      rate: 0                          # goes

  # the end
  - relu
  - {name: none, linear: {}}
"""
    assert (
        fixed("no-op-layer", spec)
        == """\
input: 8x8x4
layers:
  # the first
  - conv: {filters: 4, kernel: 3}      # stays

  # the end
  - relu
"""
    )


def test_fix_leaves_a_list_that_it_would_empty_and_what_has_no_line_of_its_own(
    fixed: Callable[[str, str], str],
) -> None:
    spec = """\
input: 8x8x4
layers:
  - parallel:
      merge: add
      branches:
        - - linear
        - [linear]
        - [relu, linear]
  - residual:
      layers:
        - linear
"""
    assert fixed("no-op-layer", spec) == spec


def test_fix_leaves_an_anchor(fixed: Callable[[str, str], str]) -> None:
    spec = """\
input: 8x8x4
layers:
  - dropout: &none {rate: 0}
  - relu
  - dropout: *none
"""
    assert (
        fixed("no-op-layer", spec)
        == """\
input: 8x8x4
layers:
  - dropout: &none {rate: 0}
  - relu
"""
    )


def test_fix_leaves_a_spec_whose_search_counts_layers(fixed: Callable[[str, str], str]) -> None:
    spec = """\
input: 8x8x4
layers:
  - linear
  - conv: {filters: 4, kernel: 3}
search: {layers.1.filters: [4, 8]}
"""
    assert fixed("no-op-layer", spec) == spec
