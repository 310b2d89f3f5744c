"""Layers that change nothing, and their removal."""

from __future__ import annotations

from collections.abc import Callable


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
