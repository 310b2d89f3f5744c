"""The spec of a small residual network, which tests have as a module of each framework."""

from __future__ import annotations

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


def spec_of(reader: str) -> str:
    """What an import by a function writes, ``from_torch`` or ``from_flax``."""
    return SPEC.format(reader=reader)
