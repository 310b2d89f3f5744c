"""The variance that dropout adds in training only."""

from __future__ import annotations

from collections.abc import Callable


def test_through_a_conv_in_a_block(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
blocks:
  unit:
    layers:
      - conv: {filters: 8, kernel: 3, bias: false}
      - batch_norm
      - relu
      - dropout: {rate: 0.2}
layers:
  - unit
  - unit
  - unit
"""
    assert (
        found("dropout-before-batch-norm", spec)
        == """\
8:9 layers.0.unit.layers.3 used at 10:5
this dropout raises the variance that the batch_norm after it learns, by 1/(1 − 0.2) in training
and not in an evaluation
help: put dropout after the last batch_norm, or leave it out
"""
    )


def test_there_is_nothing_to_find(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3}
  - dropout: {rate: 0}
  - batch_norm
  - relu
  - dropout: {rate: 0.2}
  - layer_norm
  - conv: {filters: 8, kernel: 3}
  - batch_norm
  - residual: {layers: [{dropout: {rate: 0.2}}]}
  - batch_norm
  - drop_path: {rate: 0.2}
  - batch_norm
  - spatial_dropout: {rate: 0.2}
"""
    assert found("dropout-before-batch-norm", spec) == ""
