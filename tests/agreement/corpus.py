"""Small networks that use every kind and every form of its geometry, for comparing values."""

from __future__ import annotations

from tests.agreement.long_skips import LONG_SKIPS

CORPUS = {
    **LONG_SKIPS,
    "conv": """
input: 12x11x4
layers:
  - conv: {filters: 6, kernel: 3, padding: same, stride: 2}
  - conv: {filters: 4, kernel: [3, 2], padding: [[1, 0], [0, 2]], groups: 2, bias: false}
  - conv: {filters: 4, kernel: 3, padding: 2, dilation: [2, 1]}
  - conv: {filters: 5, kernel: 3, padding: 1, stride: 2, rounding: ceil, activation: tanh}
""",
    "conv-floor": """
input: 10x9x3
rounding: floor
layers:
  - conv: {filters: 4, kernel: 3, padding: 1, stride: 2}
  - conv: {filters: 5, kernel: 2, stride: 2, dilation: 2}
""",
    "conv-modes": """
input: 8x9x2
layers:
  - conv: {filters: 3, kernel: 3, padding: 1, padding_mode: reflect}
  - conv: {filters: 3, kernel: 3, padding: [[1, 2], [0, 1]], padding_mode: edge}
  - conv: {filters: 2, kernel: 3, padding: same, stride: 2, padding_mode: circular}
  - conv: {filters: 2, kernel: 3, padding: [[1, 0], [0, 1]], padding_mode: reflect, stride: 2,
      rounding: ceil}
""",
    "conv-1d": """
input: 20x3
layers:
  - conv: {filters: 4, kernel: 3, padding: causal, dilation: 2}
  - conv: {filters: 3, kernel: 4, padding: same, stride: 3}
  - depthwise_conv: {kernel: 2, multiplier: 2}
  - transposed_conv: {filters: 2, kernel: 3, stride: 2}
  - max_pool: {size: 3, stride: 2}
  - mean_pool: {size: 2, stride: 1, padding: same}
  - upsample: {factor: 3, method: linear}
""",
    "conv-3d": """
input: 5x6x4x2
layers:
  - conv: {filters: 3, kernel: [2, 3, 2], padding: same}
  - depthwise_conv: {kernel: 2, multiplier: 2}
  - batch_norm
  - transposed_conv: {filters: 2, kernel: 2, stride: 2}
  - max_pool: {size: 2, stride: [2, 1, 1]}
  - upsample: {factor: [1, 2, 1], method: linear}
  - mean_pool: {size: 2, rounding: floor}
  - flatten
""",
    "depthwise": """
input: 9x8x3
layers:
  - depthwise_conv: {kernel: 3, multiplier: 2, stride: 2, padding: 1, rounding: floor}
  - depthwise_conv: {kernel: [1, 2], stride: [1, 2], bias: false}
  - separable_conv: {filters: 5, kernel: 3, padding: same, multiplier: 2, activation: relu}
""",
    "transposed": """
input: 4x5x4
layers:
  - transposed_conv: {filters: 4, kernel: 4, stride: 2, padding: same}
  - transposed_conv: {filters: 3, kernel: 2, stride: 3, padding: same, bias: false}
  - mean_pool: {size: 2}
  - transposed_conv: {filters: 2, kernel: 3, stride: 2, padding: [[1, 0], [0, 1]]}
  - mean_pool: {size: 2, rounding: floor}
  - transposed_conv: {filters: 3, kernel: 3, stride: 2, padding: 1, output_padding: 1}
  - mean_pool: {size: 2}
  - transposed_conv: {filters: 2, kernel: [2, 3], dilation: 2}
""",
    "transposed-groups": """
input: 4x5x4
layers:
  - transposed_conv: {filters: 6, kernel: 3, stride: 2, padding: 1, output_padding: 1, groups: 2}
  - transposed_conv: {filters: 2, kernel: [3, 2], stride: 3, dilation: 2}
""",
    "locally-connected": """
input: 7x6x4
layers:
  - locally_connected: {filters: 4, kernel: 3, groups: 2, padding: [[1, 0], [0, 1]], stride: 2,
      rounding: ceil}
  - locally_connected: {filters: 3, kernel: [2, 1], padding: 1, padding_mode: edge, bias: false}
  - reshape: {shape: [-1, 3]}
  - locally_connected: {filters: 2, kernel: 3, dilation: 2, activation: silu}
""",
    "dense": """
input: 12
layers:
  - dense: {units: 6, activation: {maxout: {pieces: 3}}}
  - dense: {units: 8, bias: false}
  - {maxout: {pieces: 2}}
  - dense: {units: 5}
  - softmax
""",
    "pooling": """
input: 13x12x2
layers:
  - max_pool: {size: 3, stride: 2, padding: 1, rounding: ceil}
  - max_pool: {size: 2, stride: 1, padding: same}
  - max_pool: {size: 2, stride: 1, dilation: 2, padding: 1}
  - mean_pool: {size: 2, stride: 1, padding: same}
  - mean_pool: {size: 3, stride: 2, padding: 1, rounding: ceil, count_padding: true}
  - mean_pool: {size: 2, stride: 1, padding: [[1, 0], [0, 1]]}
  - max_pool: {size: 3, stride: 1, padding: [[2, 0], [0, 1]]}
""",
    "pooling-of-signals": """
input: 9x3
layers:
  - parallel:  # `same` with more cells after than before, in the windows at both ends
      branches:
        - [{mean_pool: {size: 4, stride: 1, padding: same}}, flatten]
        - [{mean_pool: {size: 4, stride: 2, padding: same, count_padding: true}}, flatten]
        - [{mean_pool: {size: 5, stride: 1, padding: same}}, flatten]
        - [{max_pool: {size: 4, stride: 1, padding: same}}, flatten]
""",
    "pooling-of-volumes": """
input: 3x3x3x1
layers:
  - parallel:  # windows larger than the map
      branches:
        - [{mean_pool: {size: [4, 3, 4], stride: 2, padding: 1, rounding: ceil}}, flatten]
        - [{mean_pool: {size: 4, stride: 1, padding: 1, count_padding: true}}, flatten]
        - [{mean_pool: {size: 5, stride: 1, padding: same}}, flatten]
        - [{max_pool: {size: 4, stride: 1, padding: 1}}, flatten]
""",
    "ceil-drops-a-window": """
input: 5x6x2
layers:
  - parallel:  # the last window would start in the padding
      branches:
        - [{conv: {filters: 2, kernel: 1, stride: 3, padding: 1, rounding: ceil}}, flatten]
        - [{conv: {filters: 2, kernel: [1, 3], stride: [3, 2], padding: 1, rounding: ceil,
            padding_mode: circular}}, flatten]
        - [{depthwise_conv: {kernel: 2, stride: 4, padding: [[0, 2], [0, 1]], rounding: ceil}},
            flatten]
        - [{locally_connected: {filters: 2, kernel: 1, stride: 3, padding: 1, rounding: ceil}},
            flatten]
        - [{max_pool: {size: 3, stride: 4, padding: 1, rounding: ceil}}, flatten]
        - [{mean_pool: {size: 2, stride: 3, padding: [[0, 1], [1, 1]], rounding: ceil}}, flatten]
        - [{mean_pool: {size: 2, stride: 3, padding: 1, rounding: ceil, count_padding: true}},
            flatten]
""",
    "pooling-whole": """
input: 7x6x3
layers:
  - save: map
  - adaptive_max_pool: {output: [3, 4]}
  - global_mean_pool
  - save: one
  - load: map
  - adaptive_mean_pool: {output: [2, 5]}
  - global_max_pool: {keep_axes: true}
  - flatten
  - save: two
  - load: map
  - global_max_pool
  - save: three
  - load: map
  - global_mean_pool
  - merge: {with: [one, two, three]}
""",
    "pooling-adaptive": """
input: 14x21x2
layers:
  - save: map
  - adaptive_mean_pool: {output: 7}
  - flatten
  - save: sevenths
  - load: map
  - adaptive_max_pool: {output: [5, 23]}
  - adaptive_mean_pool: {output: [4, 10]}
  - flatten
  - merge: {with: sevenths}
""",
    "activations": """
input: 4x3x4
layers:
  - parallel:
      branches:
        - [relu]
        - [relu6]
        - [leaky_relu, {leaky_relu: {slope: 0.3}}]
        - [elu, {elu: {alpha: 0.5}}]
        - [selu]
        - [prelu, {prelu: {per: layer}}, {prelu: {per: cell, init: 0.1}}]
        - [gelu, {gelu: {approximate: true}}]
        - [silu]
        - [mish]
        - [sigmoid]
        - [hard_sigmoid]
        - [hard_silu]
        - [tanh]
        - [softplus]
        - [celu, {celu: {alpha: 0.5}}]
        - [softsign]
        - [hard_tanh, {hard_tanh: {minimum: -0.5, maximum: 0.25}}]
        - [quick_gelu]
        - [softshrink, {softshrink: {threshold: 0.2}}]
        - [hard_shrink, {hard_shrink: {threshold: 0.7}}]
        - [threshold, {threshold: {threshold: -0.2, value: 0.5}}]
        - [power, {power: {exponent: 3}}]
        - [log_sigmoid]
        - [tanhshrink]
        - [softmax]
        - [log_softmax]
        - [{maxout: {pieces: 2}}]
        - [glu]
        - [{glu: {gate: silu}}]
        - [{glu: {gate: gelu}}, {glu: {gate: linear}}]
        - [{glu: {gate: relu}}]
        - [{glu: {gate: tanh}}]
        - [linear]
""",
    "activations-of-a-vector": """
input: 8
layers:
  - prelu: {per: layer}
  - prelu: {per: cell}
  - parallel: {branches: [[prelu], [softmax], [log_softmax], [{maxout: {pieces: 4}}], [glu]]}
""",
    "normalizations": """
input: 4x3x6
layers:
  - parallel:  # a branch each: what is standardized twice has a gradient of almost 0
      branches:
        - [batch_norm]
        - [{batch_norm: {momentum: 0.8, epsilon: 1e-3, shift: false}}]
        - [{batch_norm: {scale: false, shift: false}}]
        - [layer_norm]
        - [{layer_norm: {epsilon: 1e-3, scale: false}}]
        - [{layer_norm: {over: all}}]
        - [{layer_norm: {over: all, shift: false}}]
        - [global_response_norm]
        - [{global_response_norm: {epsilon: 0.1}}]
        - [{group_norm: {groups: 3}}]
        - [{group_norm: {groups: 2, shift: false}}]
        - [instance_norm]
        - [{instance_norm: {scale: false, shift: false}}]
        - [rms_norm]
        - [{rms_norm: {scale: false, epsilon: 1e-3}}]
        - [local_response_norm]
        - [{local_response_norm: {size: 4, alpha: 0.5, beta: 0.6, k: 2}}]
        - [{rescale: {mean: 0.5, deviation: 2}}]
        - [{rescale: {mean: [1, 2, 3, 4, 5, 6], deviation: [1, 2, 1, 2, 1, 2]}}]
""",
    "normalizations-of-a-vector": """
input: 8
layers:
  - parallel:
      branches:
        - [batch_norm]
        - [layer_norm]
        - [{layer_norm: {over: all}}]
        - [{group_norm: {groups: 2}}]
        - [rms_norm]
        - [{local_response_norm: {size: 3, alpha: 0.5}}]
        - [{rescale: {mean: 0.5}}]
""",
    "regularizations": """
input: 5x4x3
layers:
  - {dropout: {rate: 0.5}}
  - {spatial_dropout: {rate: 0.5}}
  - gaussian_noise
  - residual: {layers: [{conv: {filters: 3, kernel: 1}}, {drop_path: {rate: 0.5}}]}
""",
    "shaping": """
input: 6x5x4
layers:
  - {pad: {padding: [[1, 2], [0, 1]], padding_mode: reflect}}
  - {crop: {cells: [[1, 0], [0, 1]]}}
  - save: small
  - {upsample: {factor: 2}}
  - {upsample: {factor: [1, 3], method: linear}}
  - save: large
  - load: small
  - {upsample: {to: large, method: linear}}
  - {channel_shuffle: {groups: 2}}
  - {pad: {padding: 1, channels: [0, 4]}}
  - {crop: {to: small}}
  - {depth_to_space: {block: [1, 2]}}
  - {space_to_depth: {block: [2, 1]}}
  - {channel_slice: {start: 1, stop: 7}}
  - scale
  - {scale: {init: 0.5, learnt: false}}
  - {scale: {init: 0.5, per: layer}}
  - {reshape: {shape: [6, -1, 4]}}
  - flatten
  - {dense: {units: 3}}
""",
    "upsampling-by-a-fraction": """
input: 4x6x2
layers:
  - {upsample: {factor: 1.5}}
  - {upsample: {size: [7, 10], method: linear}}
  - {upsample: {factor: [2, 1.5], method: linear}}
  - {upsample: {size: 31}}
""",
    "upsampling-to": """
input: 3x4x2
layers:
  - save: small
  - {pad: {padding: [1, [0, 3]]}}
  - save: large
  - load: small
  - {upsample: {to: large}}
  - {merge: {with: large, by: add}}
""",
    "little": """
input: 3x2x2
layers:
  - residual: {layers: []}
  - residual: {layers: [], shortcut: [], activation: linear}
  - parallel: {branches: []}
  - parallel: {branches: [[], [linear]], merge: multiply}
  - repeat: {times: 2, layers: [{residual: {layers: []}}, {save: s$index}]}
  - merge: {with: s0, by: maximum}
  - merge: {with: [s0, s1, s1]}
  - head: {layers: [], loss_weight: 0.5}
""",
    "joins": """
input: 4x5x3
layers:
  - save: map
  - conv: {filters: 3, kernel: 1}
  - merge: {with: map, by: subtract}
  - merge: {with: [map, map], by: minimum}
  - save: low
  - softplus
  - save: above-0
  - global_mean_pool
  - save: factors
  - load: low
  - merge: {with: [above-0, factors], by: divide}
  - merge: {with: [low, map], axis: 0}
  - parallel: {axis: 1, branches: [[], [{max_pool: {size: [1, 2], stride: 1}}], [tanh]]}
  - conv: {filters: 2, kernel: 3}
  - parallel: {merge: minimum, branches: [[tanh], [sigmoid]]}
  - parallel: {merge: subtract, branches: [[tanh], [sigmoid], [relu]]}
""",
    "shared": """
input: 4x5x3
blocks: {unit: {layers: [{conv: {filters: 3, kernel: 3, padding: same, activation: tanh}}]}}
layers:
  - {name: twin, unit: {}}
  - {shared: twin}
  - {save: map}
  - {max_pool: {size: 2, stride: 1}}
  - {shared: twin}
  - global_mean_pool
  - {save: means}
  - {load: map}
  - global_max_pool
  - {name: score, dense: {units: 2}}
  - {load: means}
  - {shared: score}
""",
    "joins-of-vectors": """
input: 6
layers:
  - save: one
  - dense: {units: 6}
  - merge: {with: one, by: subtract}
  - save: two
  - softplus
  - save: three
  - load: two
  - merge: {with: three, by: divide}
  - merge: {with: [one, two], by: minimum}
""",
    "axes": """
input: 6x5x4
layers:
  - slice: {axis: 0, start: 1, stop: 5}
  - slice: {axis: 1, stop: 4}
  - slice: {axis: channels, start: 1}
  - save: map
  - parallel:
      branches:
        - [{reduce: {over: channels, by: mean}}, flatten]
        - [{reduce: {over: channels, by: max}}, flatten]
        - [{reduce: {over: 0, by: sum}}, {conv: {filters: 2, kernel: 1}}, flatten]
        - [{reduce: {over: [0, channels], by: norm}}, flatten]
        - [{reduce: {over: 1, by: mean, keep: false}}, {conv: {filters: 2, kernel: 2}}, flatten]
        - [{reduce: {over: channels, by: norm, keep: false}}, {conv: {filters: 2, kernel: 2}},
            flatten]
        - [{reduce: {over: [channels, 0], by: max, keep: false}}]
        - [{reduce: {over: [0, 1], by: sum, keep: false}}]
        - [{flatten: {keep_channels: true}}, {conv: {filters: 2, kernel: 3}}, flatten]
        - [{reduce: {over: [0, 1, channels], by: norm}}, flatten]
        - [{transpose: {axes: [1, 0]}}, {softmax: {over: 1}}, {log_softmax: {over: 0}}, flatten]
        - [{transpose: {axes: [channels, 0, 1]}}, {conv: {filters: 2, kernel: [3, 2]}}, flatten]
""",
    "axes-of-a-volume": """
input: 3x4x2x5
layers:
  - slice: {axis: 1, start: 1}
  - global_response_norm
  - parallel:
      branches:
        - [{reduce: {over: channels, by: sum, keep: false}}, {conv: {filters: 2, kernel: [3, 2]}},
            flatten]
        - [{reduce: {over: [1, channels], by: max, keep: false}}, {conv: {filters: 2, kernel: 2}},
            flatten]
        - [{reduce: {over: [0, 2], by: norm, keep: false}}, {conv: {filters: 2, kernel: 2}},
            flatten]
        - [{layer_norm: {over: all}}, {slice: {axis: 2, stop: 1}}, flatten]
""",
    "axes-of-a-vector": """
input: 6
layers:
  - slice: {start: 2}
  - save: vector
  - reduce: {over: channels, by: norm}
  - save: norm
  - load: vector
  - merge: {with: norm, by: divide}
""",
    "attention": """
input: 4x6x4
layers:
  - save: map
  - parallel:
      branches:
        - [{attention: {heads: 2, relative_bias: true}}]
        - [{attention: {heads: 1, units: 6, window: 2, bias: false}}]
        - [{attention: {heads: 2, window: [2, 3], shift: [1, 2], relative_bias: true}}]
  - conv: {filters: 4, kernel: [2, 3], stride: [2, 3]}
  - position_embedding
  - flatten: {keep_channels: true}
  - class_token
  - position_embedding: {deviation: 0.1}
  - attention: {heads: 2, context: map, dropout: 0.5}
  - slice: {axis: 0, start: 1}
  - attention: {heads: 2, units: 8, window: 2, shift: 1}
""",
    "attention-of-a-volume": """
input: 2x4x3x4
layers:
  - attention: {heads: 2, window: [2, 2, 3], shift: [0, 1, 2], relative_bias: true, dropout: 0.1}
""",
    "places": """
input: 5x7x3
layers:
  - coordinates
  - conv: {filters: 4, kernel: [1, 2]}
  - relu
  - save: large
  - max_pool: {size: [2, 3], rounding: floor}
  - split: {into: {left: 1, right: 3}}
  - load: right
  - coordinates
  - conv: {filters: 3, kernel: 1}
  - merge: {with: left}
  - split: {into: [top, bottom], axis: 0}
  - merge: {with: bottom, axis: 0}
  - max_unpool: {to: large, size: [2, 3]}
""",
    "embedding": """
input: 5
layers:
  - parallel:
      branches:
        - [{embedding: {entries: 3, units: 4}}, flatten]
        - [{reshape: {shape: [5, 1]}}, {embedding: {entries: 2, units: 3}}, flatten]
        - [{dense: {units: 2}}]
""",
    "each": """
input: 3x5x4x4
layers:
  - each:
      layers:
        - conv: {filters: 6, kernel: [3, 2], activation: relu}
        - batch_norm
        - save: map
        - squeeze_excite: {ratio: 0.5}
        - merge: {with: map, by: add}
        - each: {layers: [{conv: {filters: 4, kernel: 2}}, {dropout: {rate: 0.5}}]}
  - each: {axis: 1, layers: [silu, {mean_pool: {size: 2, stride: 1}}]}
  - each: {layers: [flatten, {name: scores, dense: {units: 5}}]}
  - each: {layers: [{dense: {units: 4}}, tanh]}
  - lstm: {units: 3}
""",
    "recurrence": """
input: 4x3
layers:
  - parallel:
      branches:
        - [{lstm: {units: 2, direction: both, sequences: true}}, {gru: {units: 3}}]
        - [{gru: {units: 2, direction: backward, sequences: true, bias: false}},
            {lstm: {units: 2, direction: backward, bias: false}}]
""",
    "recurrence-of-maps": """
input: 3x5x4x2
layers:
  - parallel:
      branches:
        - [{conv_lstm: {filters: 3, kernel: [3, 2], padding: same, direction: both,
            sequences: true}}, {conv_lstm: {filters: 2, kernel: 2, direction: backward}}, flatten]
        - [{conv_lstm: {filters: 2, kernel: [2, 1], direction: backward, sequences: true,
            bias: false}}, flatten]
""",
    "filtering-pools": """
input: 6x7x2
layers:
  - parallel:
      branches:
        - [{lp_pool: {size: 2, rounding: floor}}, flatten]
        - [{lp_pool: {size: [3, 2], stride: 2, padding: 1, p: 3, rounding: ceil}}, flatten]
        - [{blur_pool: {padding: 1, rounding: floor}}, flatten]
        - [{blur_pool: {size: [4, 1], stride: [3, 2], padding: [[1, 2], 0], padding_mode: zeros,
            rounding: ceil}}, flatten]
""",
    "nothing": """
input: 3
layers: [{save: b}]
""",
    "composition": """
input: 6x6x4
blocks:
  unit:
    arguments: {filters: required, stride: 1}
    layers:
      - conv: {filters: $filters, kernel: 3, padding: 1, stride: $stride, rounding: floor}
      - batch_norm
      - relu
layers:
  - {name: stem, unit: {filters: 8}}
  - residual:
      layers: [{unit: {filters: 12, stride: 2}}]
      shortcut: [{conv: {filters: 12, kernel: 1, stride: 2, rounding: floor}}]
      activation: relu
  - repeat: {times: 3, layers: [{unit: {filters: 12}}]}
  - repeat: {times: 2, layers: [{conv: {filters: $(12 + 2 * index), kernel: 1}}, silu]}
  - save: trunk
  - squeeze_excite: {ratio: 0.5}
  - parallel:
      merge: maximum
      branches:
        left: [{conv: {filters: 4, kernel: 1}}]
        right: [{unit: {filters: 4}}]
  - parallel: {merge: mean, branches: [[tanh], [sigmoid], []]}
  - head:
      loss_weight: 0.4
      layers: [global_mean_pool, {dense: {units: 3}}]
  - merge: {with: trunk}
  - global_mean_pool
  - save: factors
  - load: trunk
  - conv: {filters: 18, kernel: 1}
  - merge: {with: factors, by: multiply}
  - flatten
  - dense: {units: 3}
""",
    "weight-norms": """
input: 6x5x4
layers:
  - conv: {filters: 6, kernel: [3, 2], weight_norm: standardize}
  - conv: {filters: 4, kernel: 1, groups: 2, bias: false, weight_norm: weight_norm}
  - depthwise_conv: {kernel: 2, multiplier: 2, weight_norm: weight_norm}
  - transposed_conv: {filters: 3, kernel: 2, weight_norm: weight_norm, activation: tanh}
  - separable_conv: {filters: 4, kernel: 2, weight_norm: scaled_standardize}
  - locally_connected: {filters: 2, kernel: [1, 2], groups: 2, weight_norm: standardize}
  - flatten
  - dense: {units: 5, weight_norm: scaled_standardize, activation: {maxout: {pieces: 2}}}
  - dense: {units: 3, weight_norm: weight_norm}
""",
    "spectral-norms": """
input: 6x5x4
layers:
  - conv: {filters: 6, kernel: [3, 2], weight_norm: spectral_norm}
  - conv: {filters: 4, kernel: 1, groups: 2, bias: false, weight_norm: spectral_norm}
  - depthwise_conv: {kernel: 2, multiplier: 2, weight_norm: spectral_norm}
  - transposed_conv: {filters: 3, kernel: 2, weight_norm: spectral_norm, activation: tanh}
  - separable_conv: {filters: 4, kernel: 2, weight_norm: spectral_norm}
  - flatten
  - dense: {units: 3, weight_norm: spectral_norm}
""",
    "weight-norms-beyond-keras": """
input: 6x5x4
layers:
  - transposed_conv: {filters: 6, kernel: 3, stride: 2, groups: 2, weight_norm: weight_norm}
  - transposed_conv: {filters: 2, kernel: 1, groups: 2, weight_norm: scaled_standardize}
  - locally_connected: {filters: 2, kernel: [2, 1], stride: 3, rounding: floor,
      weight_norm: weight_norm}
""",
}
