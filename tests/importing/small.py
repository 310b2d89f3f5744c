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


SWIN = """\
input: 16x16x3
blocks:
  unit:
    arguments: {filters: 16}
    layers:
      - residual:
          layers:
            - layer_norm
            - conv: {filters: $filters, kernel: 1, activation: gelu}
            - conv: {filters: $(filters // 2), kernel: 1}
layers:
  - {name: patches, conv: {filters: 8, kernel: 2, stride: 2}}
  - name: blocks_0
    residual:
      layers:
        - layer_norm
        - attention: {heads: 2, window: 4, relative_bias: true}
  - {name: blocks, unit: {}}
  - name: blocks_1
    residual:
      layers:
        - layer_norm
        - attention: {heads: 2, window: 4, shift: 2, relative_bias: true}
  - {name: blocks_1_norm2, unit: {}}
  - space_to_depth: {block: 2}
  - {name: norm, layer_norm: {}}
  - {name: reduction, conv: {filters: 12, kernel: 1, bias: false}}
  - name: last
    residual:
      layers:
        - layer_norm
        - attention: {heads: 2, relative_bias: true}
  - {name: last_norm2, unit: {filters: 24}}
  - global_mean_pool
  - {name: head, dense: {units: 5}}
"""
"""What is read of ``tests.importing.swin.Swin``."""
# Of C channels a block has two norms, the four projections and the table of an attention with two
# heads, and an MLP of twice as many.
_BLOCK = {c: 4 * c + 4 * c * c + 4 * c + 49 * 2 + 4 * c * c + 3 * c for c in (8, 12)}
SWIN_PARAMETERS = 12 * 8 + 8 + 2 * _BLOCK[8] + 64 + 32 * 12 + _BLOCK[12] + 12 * 5 + 5
