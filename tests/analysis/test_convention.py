"""The counts of other tools, held to what those tools printed for two networks.

The first network's figures are published with the issue of the six conventions; the second's
were printed by fvcore 0.1.5.post20221221, thop 0.1.1.post2209072238, ptflops 0.7.5 (aten),
torchinfo 1.8.0 and torch 2.13.0's FlopCounterMode, halved, for the same network in PyTorch.
"""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.analysis.convention import CONVENTIONS, count_as
from cnnkit.layers import FAMILIES, KINDS

PARTS = {"dot_product_attention"}
"""What no spec writes, and conventions know."""

RESIDUAL = """
input: 224x224x3
rounding: floor
layers:
  - conv: {filters: 64, kernel: 7, stride: 2, padding: 3, bias: false}
  - batch_norm
  - relu
  - max_pool: {size: 3, stride: 2, padding: 1}
  - residual: {layers: [{conv: {filters: 64, kernel: 3, padding: 1}}]}
  - global_mean_pool
  - dense: {units: 10}
"""
MIXED = """
input: 32x32x3
layers:
  - conv: {filters: 16, kernel: 3, padding: 1, activation: prelu}
  - group_norm: {groups: 4}
  - depthwise_conv: {kernel: 3, padding: 1, bias: false}
  - batch_norm: {scale: false, shift: false}
  - mean_pool: {size: 2}
  - squeeze_excite: {units: 4}
  - transposed_conv: {filters: 8, kernel: 4, stride: 2, padding: 1}
  - instance_norm
  - upsample: {factor: 2}
  - mean_pool: {size: 2}
  - upsample: {factor: 2, method: linear}
  - conv: {filters: 12, kernel: [1, 3], stride: [2, 1], padding: [0, 1], rounding: floor}
  - batch_norm
  - relu6
  - max_pool: {size: 2}
  - global_mean_pool
  - dense: {units: 10}
  - layer_norm
  - softmax
"""
ATTENTION = """
input: 6x6x8
layers:
  - attention: {heads: 2}
  - relu
  - attention: {heads: 2, window: 3, shift: 1, relative_bias: true}
  - relu
  - flatten: {keep_channels: true}
"""
RECURRENT = """
input: 5x3
layers:
  - lstm: {units: 4, sequences: true}
  - gru: {units: 2, direction: both}
"""
PRINTED = {
    "torchvision": (233_620_096, 1_704_184, 44_352, 360),
    "fvcore": (235_426_432, 2_066_730, 18_432, 0),
    "thop": (237_032_128, 3_873_113, 18_432, 1_500),
    "ptflops": (233_820_810, 1_753_366, 46_656, 480),
    "torchinfo": (233_820_938, 3_326_338, 21_136, 1_120),
}


@pytest.mark.parametrize("name", PRINTED)
def test_count_is_what_the_tool_printed(name: str) -> None:
    counts = tuple(
        count_as(cnnkit.analyze(cnnkit.load(text)).graph, name).count
        for text in (RESIDUAL, MIXED, ATTENTION, RECURRENT)
    )
    assert counts == PRINTED[name]


def test_every_convention_has_printed_figures() -> None:
    assert PRINTED.keys() == CONVENTIONS.keys()


UNCOUNTED = {
    "max_pool": "thop alone has a rule for it, which counts nothing",
    "global_max_pool": "no tool has a rule for it",
    "adaptive_max_pool": "no tool has a rule for it",
    "lp_pool": "no tool has a rule for it",
    "blur_pool": "an operation on tensors, which the tools pass over",
    "reduce": "an operation on tensors, which the tools pass over",
    "conv_lstm": "no layer of torch, where what is written for it is counted",
    "embedding": "nothing is multiplied",
    "rms_norm": "none of these versions has a rule for it",
    "local_response_norm": "no tool has a rule for it",
    "global_response_norm": "no tool has a rule for it",
    "rescale": "two operations on tensors, which the tools pass over",
    **{
        kind: "element by element, no tool counts it"
        for kind in FAMILIES["activation"]
        if kind not in ("prelu", "softmax")
    },
    **dict.fromkeys(FAMILIES["regularization"], "nothing at inference"),
    **{kind: "moves elements" for kind in FAMILIES["shaping"] if kind not in ("upsample", "scale")},
    **dict.fromkeys(FAMILIES["composition"], "the layers inside are counted"),
    "attention": "its projections and products are counted",
}
"""The kinds that add nothing to any tool's figure, and why."""


def test_every_kind_is_counted_or_there_is_a_reason() -> None:
    connected = {*FAMILIES["convolution"], *FAMILIES["dense"]}
    special = {kind for convention in CONVENTIONS.values() for kind in convention.kinds}
    assert connected | special | UNCOUNTED.keys() == {*KINDS, *PARTS}
    assert not (connected | special) & UNCOUNTED.keys()


def test_analysis_names_the_convention() -> None:
    analysis = cnnkit.analyze(cnnkit.load(RESIDUAL), convention="ptflops")
    assert analysis.to_dict()["convention"] == {
        "name": "ptflops",
        "count": 233_820_810,
        "includes": "the multiply-accumulates of convolutions and dense layers, and one addition "
        "for each output of a layer with a bias",
    }


def test_no_convention_is_null_in_the_json() -> None:
    assert cnnkit.analyze(cnnkit.load(RESIDUAL)).to_dict()["convention"] is None


def test_side_outputs_are_left_out() -> None:
    text = RESIDUAL.replace(
        "  - global_mean_pool\n",
        "  - head: {layers: [{conv: {filters: 9, kernel: 1}}]}\n  - global_mean_pool\n",
    )
    analysis = cnnkit.analyze(cnnkit.load(text), convention="torchvision")
    assert analysis.convention is not None
    assert analysis.convention.count == analysis.totals.macs_without_heads == 233_620_096
    assert analysis.totals.macs == 233_620_096 + 56 * 56 * 64 * 9
