"""Layers as arguments of a block, branches by number, lists repeated."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.spec.language.expression import ExpressionError, evaluate
from tests.spec.marked import fault, findings, kinds

HEAD = "input: 8x8x4\n"
WRAP = """\
blocks:
  wrap:
    arguments: {body: required, norm: batch_norm, act: relu}
    layers:
      - residual: {layers: $body}
      - $norm
      - conv: {filters: 4, kernel: 1, activation: $act}
"""


def paths(text: str) -> list[str]:
    analysis = cnnkit.analyze(cnnkit.load(text))
    assert analysis.findings == ()
    return [layer.path for layer in analysis.layers]


def test_a_list_of_layers_stands_where_layers_do() -> None:
    text = HEAD + WRAP + "layers: [{wrap: {body: [{conv: {filters: 4, kernel: 1}}, elu]}}]\n"
    assert kinds(text) == ["conv", "elu", "add", "batch_norm", "conv", "relu"]
    assert paths(text)[:2] == ["layers.0.wrap.layers.0.layers.0", "layers.0.wrap.layers.0.layers.1"]


def test_one_layer_with_fields_is_a_layer_and_an_activation() -> None:
    text = (
        HEAD
        + WRAP
        + (
            "layers: [{wrap: {body: [relu], norm: {group_norm: {groups: 2}}, "
            "act: {leaky_relu: {slope: 0.3}}}}]\n"
        )
    )
    assert kinds(text) == ["relu", "add", "group_norm", "conv", "leaky_relu"]
    assert "layers.0.wrap.layers.1.norm.layers.0" in paths(text)


def test_kinds_by_name_are_layers_too() -> None:
    text = HEAD + WRAP + "layers: [{wrap: {body: [relu, elu]}}, {wrap: {body: gelu}}]\n"
    assert kinds(text)[:3] == ["relu", "elu", "add"]
    assert kinds(text)[6:8] == ["gelu", "add"]


def test_they_see_the_names_of_where_they_are_written() -> None:
    text = """\
input: 8x8x4
variables: {width: 4}
blocks:
  outer:
    arguments: {k: 3}
    layers: [{inner: {k: 1, body: [{conv: {filters: $width, kernel: $k, padding: same}}]}}]
  inner:
    arguments: {k: required, body: required}
    layers: [$body, {conv: {filters: 4, kernel: $k}}]
layers: [outer]
"""
    first, second = (each.layer for each in cnnkit.analyze(cnnkit.load(text)).layers)
    assert (vars(first)["kernel"], vars(second)["kernel"]) == (3, 1)


def test_they_go_on_through_blocks_and_may_hold_the_block_itself() -> None:
    text = """\
input: 8x8x4
blocks:
  outer: {arguments: {body: required}, layers: [{inner: {body: $body}}]}
  inner: {arguments: {body: []}, layers: [relu, $body]}
layers: [{outer: {body: [elu, {inner: {body: [gelu]}}]}}]
"""
    assert kinds(text) == ["relu", "elu", "relu", "gelu"]


def test_they_are_no_value() -> None:
    finding = fault(
        """\
input: 8x8x4
blocks:
  unit: {arguments: {width: required}, layers: [{conv: {filters: «$width», kernel: 1}}]}
layers: [{unit: {width: {a: 1}}}]
"""
    )
    assert finding.message == "the argument `width` holds layers, which are no value"
    assert finding.help == "they stand where layers do: `- $width`, or `layers: $width`"


def test_a_fault_in_them_is_told_where_they_are_written() -> None:
    finding = fault(HEAD + WRAP + "layers: [{wrap: {body: [{«relo»: {}}]}}]\n")
    assert (finding.rule, finding.help) == ("unknown-kind", "did you mean `relu`?")


def test_branches_by_number() -> None:
    text = """\
input: 8x8x4
variables: {cardinality: 3}
layers:
  - parallel:
      merge: add
      branches: {times: $cardinality, layers: [{conv: {filters: 4, kernel: 1}}]}
  - parallel:
      branches:
        - []
        - {times: 2, layers: [{conv: {filters: $(index + 1), kernel: 1}}]}
  - parallel:
      branches:
        skip: []
        wide: {times: 2, when: true, layers: [{conv: {filters: 1, kernel: 1}}]}
        none: {times: 0, layers: [relu]}
"""
    analysis = cnnkit.analyze(cnnkit.load(text))
    assert [layer.path for layer in analysis.layers] == [
        "layers.0.branches.0.0",
        "layers.0.branches.1.0",
        "layers.0.branches.2.0",
        "layers.0.add",
        "layers.1.branches.1[0].0",
        "layers.1.branches.1[1].0",
        "layers.1.concat",
        "layers.2.branches.wide[0].0",
        "layers.2.branches.wide[1].0",
        "layers.2.concat",
    ]
    assert analysis.output == (8, 8, 9)
    again = cnnkit.analyze(cnnkit.load(analysis.spec.to_dict()))
    assert again.output == (8, 8, 9)
    assert again.totals.parameters == analysis.totals.parameters


def test_branches_named_times_and_layers_are_still_branches() -> None:
    text = HEAD + "layers: [{parallel: {branches: {times: [relu], layers: [elu]}}}]\n"
    assert kinds(text) == ["relu", "elu", "concat"]


@pytest.mark.parametrize("times", ["-1", "1.5", "20000", "true"])
def test_times_of_branches_that_is_no_number_of_them(times: str) -> None:
    text = f"{HEAD}layers: [{{parallel: {{branches: [{{times: «{times}», layers: [relu]}}]}}}}]\n"
    finding = fault(text)
    assert finding.message == f"`times` of branches is {times}"
    assert finding.help == "a whole number from 0 to 10,000: how many of the branch there are"


def test_a_list_some_times_over() -> None:
    assert evaluate("$([1, 2] * n + [9])", {"n": 2}) == [1, 2, 1, 2, 9]
    assert evaluate("$([[8, 3]] * 2)", {}) == [[8, 3], [8, 3]]
    assert evaluate("$([1] * -1)", {}) == []
    with pytest.raises(ExpressionError, match="a list of 2 10,000 times over has more than 10,000"):
        evaluate("$([1, 2] * 10000)", {})


def test_faults_inside_copies_of_branches_are_one() -> None:
    text = HEAD + "layers: [{parallel: {branches: {times: 3, layers: [relo]}}}]\n"
    assert [each.rule for each in findings(text)] == ["unknown-kind"]
