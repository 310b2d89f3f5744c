"""Channels that do not fill the blocks of the hardware."""

from __future__ import annotations

from collections.abc import Callable


def test_convs_and_dense_layers_but_for_the_last(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 30, kernel: 3, activation: relu}
  - depthwise_conv: {kernel: 3}
  - separable_conv: {filters: 4, kernel: 3}
  - squeeze_excite
  - flatten
  - dense: {units: 100, activation: relu}
  - dense: {units: 10}
  - softmax
"""
    assert (
        found("channels-not-multiple-of-8", spec)
        == """\
3:21 layers.0
30 channels are no multiple of 8
help: 24 or 32 would fill the blocks that hardware works on

5:31 layers.2
4 channels are no multiple of 8
help: 8 would fill the blocks that hardware works on

8:20 layers.5
100 channels are no multiple of 8
help: 96 or 104 would fill the blocks that hardware works on
"""
    )


def test_there_is_nothing_to_find(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3}
  - head: {layers: [flatten, {dense: {units: 3}}]}
  - global_mean_pool
  - dense: {units: 7, activation: sigmoid}
"""
    assert found("channels-not-multiple-of-8", spec) == ""


def test_attention_is_told_once_and_a_last_recurrent_layer_not(
    found: Callable[[str, str], str],
) -> None:
    spec = """\
input: 8x8x16
layers:
  - attention: {heads: 3, units: 6}
  - flatten: {keep_channels: true}
  - lstm: {units: 6, direction: both, sequences: true}
  - lstm: {units: 10}
"""
    assert (
        found("channels-not-multiple-of-8", spec)
        == """\
3:5 layers.0
6 channels are no multiple of 8
help: 8 would fill the blocks that hardware works on

5:19 layers.2
12 channels are no multiple of 8
help: a multiple of 8 would fill the blocks that hardware works on
"""
    )
