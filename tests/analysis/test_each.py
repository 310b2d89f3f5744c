"""Layers applied to each slice along an axis: counted for all, and seeing one."""

from __future__ import annotations

from typing import Any

import cnnkit
from cnnkit.analysis.solve import exact_inputs

FRAMES = 16
FRAME: list[Any] = [
    {"conv": {"filters": 4, "kernel": 3, "activation": "relu"}},
    "batch_norm",
    {"squeeze_excite": {"units": 2}},
    "flatten",
    {"dense": {"units": 5}},
]


def analysed(layers: list[Any], shape: str = "16x8x6x3") -> cnnkit.Analysis:
    analysis = cnnkit.analyze(cnnkit.load({"input": shape, "layers": layers}))
    assert analysis.ok, analysis.findings
    return analysis


def test_work_and_activations_are_those_of_every_slice_and_weights_count_once() -> None:
    one = analysed(FRAME, "8x6x3").totals
    all_ = analysed([{"each": {"layers": FRAME}}])
    found = all_.totals
    assert (found.parameters, found.state) == (one.parameters, one.state)
    assert found.macs == FRAMES * one.macs
    assert found.neurons == FRAMES * one.neurons
    assert found.operations == one.operations.times(FRAMES)
    # The map beside the batch, and back, are other views of 16·8·6·3 and 16·5 elements.
    assert found.activations == FRAMES * (one.activations + 8 * 6 * 3 + 5)
    assert all_.output == (FRAMES, 5)


def test_memory_is_that_of_all_slices_at_once() -> None:
    layers: list[Any] = [{"conv": {"filters": 4, "kernel": 3}}, "sigmoid"]
    one, all_ = analysed(layers, "8x6x3").totals, analysed([{"each": {"layers": layers}}]).totals
    assert all_.activation_memory == FRAMES * one.activation_memory
    assert all_.weight_memory == one.weight_memory


def test_a_slice_sees_itself_alone_along_the_axis() -> None:
    conv = {"conv": {"filters": 2, "kernel": 3}}
    analysis = analysed(
        [{"each": {"layers": [conv]}}, {"conv": {"filters": 2, "kernel": [5, 1, 1]}}]
    )
    sizes = [[each.size for each in layer.fields or ()] for layer in analysis.tree.children]
    assert sizes == [[1, 3, 3], [5, 3, 3]]


def test_what_a_slice_pools_is_pooled_and_the_axis_goes_on_to_be_seen() -> None:
    steps = {"each": {"layers": [{"conv": {"filters": 2, "kernel": 3}}, "global_mean_pool"]}}
    analysis = analysed([steps, {"conv": {"filters": 2, "kernel": 3}}, {"lstm": {"units": 2}}])
    sizes = [[each.size for each in layer.fields or ()] for layer in analysis.tree.children]
    assert sizes == [[1, 8, 6], [3, 8, 6], [16, 8, 6]]


def test_a_group_norm_in_a_slice_sees_the_slice() -> None:
    analysis = analysed([{"each": {"layers": [{"group_norm": {"groups": 1}}]}}])
    assert [each.size for each in analysis.tree.fields or ()] == [1, 8, 6]


def test_what_comes_into_the_layers_is_a_slice() -> None:
    layers = [{"each": {"axis": 1, "layers": [{"reshape": {"shape": "$([extents[0], -1])"}}]}}]
    assert analysed(layers).output == (16, 8, 18)


def test_work_grows_with_the_number_of_slices() -> None:
    layers: list[Any] = [{"each": {"layers": [{"conv": {"filters": 4, "kernel": 3}}]}}]
    macs = [analysed(layers, f"{t}x8x6x3").totals.macs for t in (1, 2, 7)]
    assert macs == [6 * 4 * 4 * 27 * t for t in (1, 2, 7)]


def test_the_inputs_for_which_slices_are_exact_are_found() -> None:
    conv = {"conv": {"filters": 2, "kernel": 3, "stride": 2}}
    layers: list[Any] = [{"each": {"layers": [conv]}}, {"conv": {"filters": 2, "kernel": 3}}]
    spec = cnnkit.load({"input": "5x9x7x3", "layers": layers})
    found = {axis.axis: [*axis.answers] for axis in exact_inputs(spec, (1, 12)).axes}
    assert found["depth"] == [*range(3, 13)]  # the kernel of 3 behind the slices
    assert found["height"] == found["width"] == [7, 9, 11]  # (H − 3)/2 + 1 of at least 3
