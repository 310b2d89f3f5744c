"""Layers and names that nothing reads."""

from __future__ import annotations

from collections.abc import Callable


def test_layers_whose_output_is_left_behind(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - save: early
  - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - name: last
    conv: {filters: 16, kernel: 3, padding: same, activation: relu}
  - load: early
"""
    assert (
        found("dead-branch", spec)
        == """\
7:5 layers.last
nothing reads what this conv gives: 4 operations with 4,640 parameters lead nowhere
help: `save` it and `merge` it where it belongs, or take the layers out
"""
    )


def test_a_name_that_nothing_reads(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
blocks:
  unit:
    layers:
      - save: skip
      - relu
layers:
  - unit
"""
    assert (
        found("dead-branch", spec)
        == """\
5:9 layers.0.unit.layers.0 used at 8:5
`skip` is saved and never read
help: `merge: {with: skip}` or `load: skip`, or take the line out
"""
    )


def test_there_is_nothing_to_find(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - save: a
  - conv: {filters: 8, kernel: 3}
  - save: small
  - head: {layers: [flatten, {dense: {units: 3}}]}
  - conv: {filters: 3, kernel: 3}
  - save: b
  - load: a
  - crop: {to: small}
  - save: c
  - load: b
  - crop: {cells: 0}
  - conv: {filters: 3, kernel: 3, padding: 2}
  - merge: {with: [c], by: add}
"""
    assert found("dead-branch", spec) == ""


def test_fine_where_a_repeat_saves_one_more_than_is_read(
    found: Callable[[str, str], str],
) -> None:
    spec = """\
input: 32x32x3
layers:
  - save: at0
  - repeat:
      times: 3
      layers:
        - conv: {filters: 3, kernel: 3, padding: same}
        - merge: {with: at$index, by: add}
        - save: at$(index + 1)
"""
    assert found("dead-branch", spec) == ""
