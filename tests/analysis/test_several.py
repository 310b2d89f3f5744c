"""Networks of several inputs and outputs, and layers that share weights, by hand."""

from __future__ import annotations

import cnnkit
from cnnkit.analysis import analyze
from cnnkit.analysis.compare import compare
from cnnkit.analysis.explain import explain
from cnnkit.analysis.result import Analysis
from cnnkit.analysis.solve.inputs import exact_inputs
from cnnkit.report.analysis.summary import figures, shapes
from cnnkit.spec.reading import read


def analysis_of(text: str) -> Analysis:
    return analyze(cnnkit.load(text))


FUSION = """
inputs: {image: 16x16x3, depth: 8x8x1, meta: 5}
layers:
  - conv: {filters: 4, kernel: 3, padding: 1, stride: 2, rounding: floor}
  - save: image-features
  - load: depth
  - conv: {filters: 4, kernel: 3, padding: 1}
  - conv: {filters: 4, kernel: 3, padding: 1}
  - merge: {with: image-features}
  - output: map
  - global_mean_pool
  - merge: {with: meta}
  - output: joint
"""
TWIN = """
input: 8x8x2
layers:
  - {name: twin, conv: {filters: 2, kernel: 3, padding: 1}}
  - shared: twin
"""


def test_each_input_has_its_receptive_field() -> None:
    analysis = analysis_of(FUSION)
    joined = next(layer for layer in analysis.layers if layer.kind == "merge").to_dict()
    # One window of 3 at stride 2 in the image; two windows of 3 at stride 1 in the depth.
    assert joined["receptive_fields"] == {"image": [3, 3], "depth": [5, 5]}
    assert joined["receptive_field"] == [3, 3]
    meta = analysis.tree.children[-2]
    assert set(meta.fields_of) == {"image", "depth", "meta"}
    assert meta.fields_of["meta"] == ()
    assert not analysis.findings  # what lies where in two inputs is not known: nothing is said
    rows = [(f.label, f.value, f.note) for f in figures(analysis) if f.label == "receptive field"]
    assert rows == [
        ("receptive field", "3x3", "of `map`; `image` is 16x16"),
        ("receptive field", "5x5", "of `map`; `depth` is 8x8"),
    ]


def test_the_json_and_the_heading_have_all_inputs_and_outputs() -> None:
    analysis = analysis_of(FUSION)
    document = analysis.to_dict()
    assert document["inputs"] == {"image": [16, 16, 3], "depth": [8, 8, 1], "meta": [5]}
    assert document["outputs"] == {"map": [8, 8, 8], "joint": [13]}
    assert shapes(analysis) == ("image 16x16x3, depth 8x8x1, meta 5 → map 8x8x8, joint 13")
    plain = analysis_of("input: 4\nlayers: [relu]").to_dict()
    assert (plain["inputs"], plain["outputs"]) == ({"input": [4]}, {"output": [4]})
    assert plain["layers"][0]["receptive_fields"] is None


def test_shared_weights_count_once_and_work_each_time() -> None:
    analysis = analysis_of(TWIN)
    totals = analysis.totals
    assert totals.parameters == 2 * 2 * 9 + 2
    assert totals.macs == 2 * (8 * 8 * 2 * 2 * 9)
    assert totals.neurons == 2 * (8 * 8 * 2)
    first, second = analysis.layers
    assert (first.parameters, second.parameters) == (38, 0)
    assert (first.shares, second.shares) == (None, "layers.twin")
    lines = {line.label: line.text for line in explain(analysis)[1].lines}
    assert lines["weights"] == "those of layers.twin, which count there"
    assert "parameters" not in lines
    assert lines["MACs"] == "8×8×2×3×3×2 = 2,304"


def test_all_inputs_are_held_while_the_network_runs() -> None:
    analysis = analysis_of(
        "inputs: {a: 4, b: 6}\nlayers: [{merge: {with: b}}, {dense: {units: 2}}]"
    )
    # 22 weights; 4 and 6 of the inputs, 10 joined and 2 that go out are there at once.
    assert analysis.totals.inference_memory == 4 * (22 + 4 + 6 + 10 + 2)


def test_named_outputs_are_kept_until_the_end() -> None:
    text = "input: 8\nlayers: [{dense: {units: 8}}, {output: a}, {dense: {units: 1}}, {output: b}]"
    # 72 + 9 weights; the 8 that come in, the 8 of `a` and the one of `b`.
    assert analysis_of(text).totals.inference_memory == 4 * (81 + 8 + 8 + 1)


def test_inputs_of_the_same_extents_are_varied_together() -> None:
    spec = cnnkit.load(
        "inputs: {a: 9x9x1, b: 9x9x2}\n"
        "layers: [{merge: {with: b}}, {conv: {filters: 1, kernel: 2, stride: 2}}]"
    )
    found = exact_inputs(spec, (8, 12))
    assert not found.exact
    (axis,) = found.axes
    assert [*axis.answers] == [8, 10, 12]
    assert axis.answers[10].graph.inputs == {"a": (10, 10, 1), "b": (10, 10, 2)}


def test_a_difference_of_inputs_and_outputs_is_said() -> None:
    old = analysis_of("input: 4\nlayers: [relu]")
    new = analysis_of("inputs: {a: 4, b: 4}\nlayers: [{merge: {with: b}}, relu]")
    settings = {each.field: (each.old, each.new) for each in compare(old, new).settings}
    assert settings == {"input": ("4", "a 4, b 4"), "output": ("4", "8")}


def test_a_chain_of_shared_layers_is_bounded() -> None:
    names = [f"  - {{name: n{i}, shared: n{i - 1}}}\n" for i in range(1, 100)]
    text = "input: 4\nlayers:\n  - {name: n0, dense: {units: 4}}\n" + "".join(names)
    assert analysis_of(text).totals.parameters == 20
    doubling = [
        f"  - {{name: n{i}, residual: {{layers: [{{shared: n{i - 1}}}, {{shared: n{i - 1}}}]}}}}\n"
        for i in range(1, 40)
    ]
    spec = read("input: 4\nlayers:\n  - {name: n0, dense: {units: 4}}\n" + "".join(doubling)).spec
    assert spec is not None
    assert {finding.rule for finding in analyze(spec).findings} == {"too-large"}
