"""Specs that tests of several frameworks have as modules, or convert to them."""

from __future__ import annotations

from pathlib import Path

ZOO = Path(__file__).parents[2] / "specs" / "zoo"

SPEC = """\
# Imported from Small by `cnnkit.{reader}`.
name: Small
input: 9x9x3
defaults: {{conv: {{kernel: 3, padding: 1}}}}
blocks:
  conv_norm_relu:
    layers:
      - conv: {{filters: 8, bias: false}}
      - batch_norm
      - relu
  unit:
    layers:
      - residual:
          layers:
            - conv_norm_relu
            - conv: {{filters: 8}}
          activation: relu
layers:
  - {{name: stem, conv: {{filters: 8, stride: 2}}}}
  - {{name: layer1, repeat: {{times: 3, layers: [unit]}}}}
  - global_mean_pool
  - dropout: {{rate: 0.2}}
  - {{name: fc, dense: {{units: 5}}}}
"""
PARAMETERS = (3 * 9 + 1) * 8 + 3 * (9 * 8 * 8 + 2 * 8 + 9 * 8 * 8 + 8) + (8 + 1) * 5


CONVERTED = """\
input: 16x16x3
layers:
  - {name: stem, conv: {filters: 8, kernel: 3, padding: 1, bias: false}}
  - batch_norm
  - relu
  - repeat:
      times: 2
      layers:
        - residual:
            layers: [conv: {filters: 8, kernel: 3, padding: 1, activation: relu}]
            activation: relu
  - parallel:
      branches:
        - [conv: {filters: 4, kernel: 1}]
        - [max_pool: {size: 3, stride: 1, padding: 1}, conv: {filters: 4, kernel: 1}]
  - max_pool: {size: 2}
  - flatten
  - dropout: {rate: 0.5}
  - {name: head, dense: {units: 10}}
  - softmax
"""


def spec_of(reader: str) -> str:
    """What an import by a function writes, ``from_torch`` or ``from_flax``."""
    return SPEC.format(reader=reader)
