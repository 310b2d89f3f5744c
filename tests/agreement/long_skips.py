"""Small networks whose repeats save what later layers read, as published ones do."""

from __future__ import annotations

LONG_SKIPS = {
    # Every copy of a block is saved, and two of them are read later.
    "long-skips": """
input: 8x8x3
blocks: {u: {layers: [{conv: {filters: 3, kernel: 1}}, relu]}}
layers:
  - repeat: {times: 3, layers: [u, {save: c$index}]}
  - merge: {with: [c0, c1], by: add}
""",
    # Some copies are read by the next alone: those are a loop, the others stand by themselves.
    "long-skips-of-some": """
input: 8x8x3
blocks: {u: {layers: [{conv: {filters: 3, kernel: 1}}, tanh]}}
layers:
  - repeat: {times: 7, layers: [u, {save: c$index}]}
  - merge: {with: [c1, c5], by: add}
  - repeat: {times: 4, layers: [{conv: {filters: 3, kernel: 1}}, u, {save: d$index}]}
  - merge: {with: [d0, c1], by: mean}
  - repeat: {times: 3, layers: [{save: e$index}, u, sigmoid, {merge: {with: e$index, by: add}}]}
""",
    # Wang et al. 2020: maps of several sizes side by side, each fed by all of them.
    "hrnet": """
input: 8x8x3
blocks:
  conv_norm:
    arguments: {filters: required, stride: 1}
    layers:
      - conv: {filters: $filters, kernel: 3, padding: 1, stride: $stride, rounding: floor}
      - batch_norm
      - relu
  exchange:
    layers:
      - parallel:
          merge: add
          branches:
            - [{load: high}, {repeat: {times: 2, layers: [{conv_norm: {filters: 4}}]}}]
            - [{load: low}, {conv: {filters: 4, kernel: 1}}, {upsample: {factor: 2}}]
layers:
  - conv_norm: {filters: 4}
  - save: high0
  - conv_norm: {filters: 6, stride: 2}
  - save: low0
  - repeat:
      times: 2
      layers:
        - load: low$index
        - conv_norm: {filters: 4}
        - upsample: {factor: 2}
        - merge: {with: high$index, by: add}
        - save: high$(index + 1)
        - load: high$index
        - conv_norm: {filters: 6, stride: 2}
        - merge: {with: low$index, by: add}
        - relu
        - save: low$(index + 1)
  - upsample: {factor: 2, method: linear}
  - merge: {with: [high2, high1]}
  - global_mean_pool
  - dense: {units: 3}
""",
    # Gao et al. 2019: a part of the channels at a time, with what the part before gave.
    "res2net": """
input: 6x6x3
blocks:
  bottle2neck:
    arguments: {width: 2, scales: 4}
    layers:
      - conv: {filters: $(width * scales), kernel: 1}
      - batch_norm
      - relu
      - save: parts
      - channel_slice: {stop: $width}
      - save: y0
      - repeat:
          times: $(scales - 1)
          layers:
            - load: parts
            - channel_slice: {start: $(width * (index + 1)), stop: $(width * (index + 2))}
            - {when: $(index > 0), merge: {with: y$index, by: add}}
            - conv: {filters: $width, kernel: 3, padding: 1}
            - batch_norm
            - relu
            - save: y$(index + 1)
      - merge: {with: [y0, y1, y2]}
      - conv: {filters: 8, kernel: 1}
layers:
  - conv: {filters: 8, kernel: 3, padding: 1}
  - repeat: {times: 2, layers: [{residual: {layers: [bottle2neck], activation: relu}}]}
  - global_mean_pool
  - dense: {units: 3}
""",
    # Lee et al. 2019: one-shot aggregation, all convolutions of a row joined at its end.
    "vovnet": """
input: 8x8x3
blocks:
  conv_norm:
    arguments: {filters: required, kernel: 3}
    layers: [{conv: {filters: $filters, kernel: $kernel, padding: same}}, batch_norm, relu]
  one_shot:
    arguments: {filters: required, output: required}
    layers:
      - save: o0
      - repeat:
          times: 3
          layers: [{conv_norm: {filters: $filters}}, {save: o$(index + 1)}]
      - merge: {with: [o0, o1, o2]}
      - conv_norm: {filters: $output, kernel: 1}
layers:
  - conv_norm: {filters: 4}
  - one_shot: {filters: 3, output: 6}
  - max_pool: {size: 2}
  - one_shot: {filters: 4, output: 8}
  - global_mean_pool
  - dense: {units: 3}
""",
    # Zhou et al. 2018: every map of the encoder is joined to all that the decoder makes of it.
    "u-net-plus-plus": """
input: 8x8x2
blocks:
  unit:
    arguments: {filters: required}
    layers: [{conv: {filters: $filters, kernel: 3, padding: 1}}, relu]
layers:
  - repeat:
      times: 3
      layers:
        - {when: $(index > 0), max_pool: {size: 2}}
        - unit: {filters: $(2 + 2 * index)}
        - save: x$(index)_0
  - repeat:
      times: 2
      layers:
        - load: x$(index + 1)_0
        - transposed_conv: {filters: $(2 + 2 * index), kernel: 2, stride: 2}
        - merge: {with: "x$(index)_0"}
        - unit: {filters: $(2 + 2 * index)}
        - save: x$(index)_1
  - upsample: {factor: 2}
  - merge: {with: [x0_0, x0_1]}
  - unit: {filters: 2}
  - conv: {filters: 1, kernel: 1}
  - sigmoid
""",
    # Redmon and Farhadi 2018: stages of residual units, and scores at three sizes.
    "yolo-v3": """
input: 16x16x3
blocks:
  conv_norm:
    arguments: {filters: required, kernel: 3, stride: 1}
    layers:
      - conv: {filters: $filters, kernel: $kernel, stride: $stride, padding: $(kernel // 2),
          rounding: floor, bias: false}
      - batch_norm
      - leaky_relu: {slope: 0.1}
  stage:
    arguments: {filters: required, times: required}
    layers:
      - conv_norm: {filters: $filters, stride: 2}
      - repeat:
          times: $times
          layers:
            - residual:
                layers:
                  - conv_norm: {filters: $(filters // 2), kernel: 1}
                  - conv_norm: {filters: $filters}
layers:
  - conv_norm: {filters: 2}
  - repeat:
      times: 3
      layers: [{stage: {filters: $(4 * (index + 1)), times: $(1 + index % 2)}}, {save: c$index}]
  - repeat:
      times: 2
      layers:
        - conv_norm: {filters: 6, kernel: 1}
        - save: p$index
        - head:
            loss_weight: 1
            layers: [{conv_norm: {filters: 8}}, {conv: {filters: 5, kernel: 1}}]
        - load: p$index
        - conv_norm: {filters: 4, kernel: 1}
        - upsample: {factor: 2}
        - merge: {with: c$(1 - index)}
  - conv: {filters: 5, kernel: 1}
""",
}
