"""A bias that a batch norm subtracts again."""

from __future__ import annotations

from collections.abc import Callable


def test_a_conv_before_a_batch_norm(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 64, kernel: 3, padding: same, bias: true}
  - batch_norm
  - relu
"""
    assert (
        found("redundant-bias", spec)
        == """\
3:57 layers.0
the bias of this conv does nothing, the batch_norm after it subtracts it with the mean: 64
parameters are useless
help: write `bias: false`
"""
    )


def test_defaults_are_not_offered_where_another_layer_needs_its_bias(
    found: Callable[[str, str], str],
) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 64, kernel: 3, padding: same}
  - batch_norm
  - relu
  - conv: {filters: 10, kernel: 3, padding: same}
"""
    assert found("redundant-bias", spec).endswith("help: write `bias: false`\n")


def test_one_finding_counts_all_copies_of_a_line(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
blocks:
  unit:
    arguments: {filters: required}
    layers:
      - conv: {filters: $filters, kernel: 3, padding: same}
      - batch_norm
      - relu
layers:
  - unit: {filters: 16}
  - repeat: {times: 3, layers: [{unit: {filters: 32}}]}
"""
    assert (
        found("redundant-bias", spec)
        == """\
6:9 layers.0.unit.layers.0 used at 10:5
the bias of this conv does nothing, the batch_norm after it subtracts it with the mean: 112
parameters are useless in 4 copies
help: write `bias: false`, or once for all `defaults: {conv: {bias: false}}`
"""
    )


def test_neighbours_are_those_of_the_graph_not_of_the_text(
    found: Callable[[str, str], str],
) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3, padding: same}
  - save: here
  - batch_norm
"""
    assert (
        found("redundant-bias", spec)
        == """\
3:5 layers.0
the bias of this conv does nothing, the batch_norm after it subtracts it with the mean: 8
parameters are useless
help: write `bias: false`, or once for all `defaults: {conv: {bias: false}}`
"""
    )


def test_a_dense_layer_and_an_instance_norm(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 8x8x4
layers:
  - conv: {filters: 1, kernel: 3}
  - instance_norm
  - flatten
  - dense: {units: 10}
  - batch_norm
"""
    assert (
        found("redundant-bias", spec)
        == """\
6:5 layers.3
the bias of this dense layer does nothing, the batch_norm after it subtracts it with the mean: 10
parameters are useless
help: write `bias: false`, or once for all `defaults: {dense: {bias: false}}`

3:5 layers.0
the bias of this conv does nothing, the instance_norm after it subtracts it with the mean: 1
parameter is useless
help: write `bias: false`, or once for all `defaults: {conv: {bias: false}}`
"""
    )


def test_there_is_nothing_to_find(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3, bias: false}
  - batch_norm
  - conv: {filters: 8, kernel: 3, activation: relu}
  - batch_norm
  - conv: {filters: 8, kernel: 3}
  - group_norm: {groups: 2}
  - locally_connected: {filters: 2, kernel: 3}
  - batch_norm
  - residual: {layers: [{conv: {filters: 2, kernel: 1}}]}
  - batch_norm
"""
    assert found("redundant-bias", spec) == ""


def test_fine_where_something_else_reads_the_conv_too(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3, padding: same}
  - residual:
      layers: [batch_norm, relu, {conv: {filters: 8, kernel: 3, padding: same}}]
"""
    assert found("redundant-bias", spec) == ""
