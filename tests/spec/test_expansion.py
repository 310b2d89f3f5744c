"""Layers, their names and paths, and what `when` leaves out."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.layers.base import Layer
from tests.spec.marked import fault, findings, kinds, paths, reading, rules

HEAD = "input: 16x16x4\n"


def layers(text: str) -> tuple[Layer, ...]:
    return cnnkit.load(HEAD + text).layers


def first(text: str) -> Layer:
    return layers(text)[0]


def test_a_layer_is_a_bare_kind_or_a_kind_with_fields() -> None:
    bare, null, empty, given = layers("layers: [relu, {relu: }, {relu: {}}, {elu: {alpha: 2}}]")
    assert bare == null == empty
    assert given.model_dump() == {"name": None, "alpha": 2.0}


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("«5»", "5 is no layer"),
        ("«true»", "true is no layer"),
        ("«null»", "nothing is no layer"),
        ("«[relu]»", "a list is no layer"),
        ("«{}»", "a layer has one kind, this one has no kind"),
        ("«{name: a, when: true}»", "a layer has one kind, this one has no kind"),
        ("{relu: {}, «tanh»: {}}", "a layer has one kind, this one has `relu` and `tanh`"),
        ("«$(1 + 1)»", "2 is no kind of layer"),
    ],
)
def test_what_is_no_layer(layer: str, message: str) -> None:
    finding = fault(f"{HEAD}layers: [{layer}]")
    assert (finding.rule, finding.message) == ("wrong-type", message)
    assert finding.help == (
        "write a kind, `- flatten`, or a kind with its fields, `- conv: {filters: 8, kernel: 3}`; "
        "beside it only `name` and `when`"
    )
    assert finding.path == "layers.0"


def test_a_bare_kind_may_come_from_a_variable() -> None:
    assert kinds(f"{HEAD}variables: {{act: gelu}}\nlayers: [$act]") == ["gelu"]


def test_all_faults_of_a_file_are_found_in_one_run() -> None:
    found = findings(
        HEAD
        + """
layers:
  - conv: {filters: 0, kernel: $k, stride: 1.5, colour: red, activation: rellu}
  - repeat: {times: $k, layers: [{conv: {filters: 1}}]}
  - residual: {layers: [rellu], shortcut: [tahn], activation: 3}
  - {name: 5, when: 1, relu: {}}
  - parallel: {branches: [[{conv: {}}], [rellu]], merge: sum}
""".lstrip()
    )
    assert [(each.location and each.location.line, each.message) for each in found] == [
        (3, "`filters` cannot be 0"),
        (3, "there is no variable `k`"),
        (3, "`stride` cannot be 1.5"),
        (3, "`conv` has no field `colour`"),
        (3, "there is no kind `rellu`"),
        (4, "there is no variable `k`"),
        (4, "`conv` needs `kernel`: extent of the filter, one number or one an axis"),
        (5, "there is no kind `rellu`"),
        (5, "there is no kind `tahn`"),
        (5, "`activation` is 3, which is no activation"),
        (6, "`when` is 1, not true or false"),
        (7, "`conv` needs `kernel`: extent of the filter, one number or one an axis"),
        (7, "`conv` needs `filters`: the number of output channels"),
        (7, "there is no kind `rellu`"),
        (7, '`merge` cannot be "sum"'),
    ]


def test_paths_are_places_in_the_source() -> None:
    assert paths(
        HEAD
        + """
blocks:
  bottleneck: {layers: [relu, {name: last, tanh: {}}]}
layers:
  - {name: stem, conv: {filters: 4, kernel: 1}}
  - parallel: {branches: [[relu], [tanh, {name: end, elu: {}}]]}
  - parallel: {branches: {left: [relu]}}
  - bottleneck
  - {name: own, bottleneck: {}}
  - {name: stage2, repeat: {times: 2, layers: [{bottleneck: {}}]}}
  - repeat: {times: 2, layers: [relu, {name: two, tanh: {}}]}
  - repeat: {times: 1, layers: [{name: only, relu: {}}]}
""".lstrip()
    ) == [
        "layers.stem",
        "layers.1",
        "layers.1.branches.0.0",
        "layers.1.branches.1.0",
        "layers.1.branches.1.end",
        "layers.2",
        "layers.2.branches.left.0",
        "layers.3.bottleneck",
        "layers.3.bottleneck.layers.0",
        "layers.3.bottleneck.layers.last",
        "layers.own.bottleneck",
        "layers.own.bottleneck.layers.0",
        "layers.own.bottleneck.layers.last",
        "layers.stage2",
        "layers.stage2.bottleneck[0]",
        "layers.stage2.bottleneck[0].layers.0",
        "layers.stage2.bottleneck[0].layers.last",
        "layers.stage2.bottleneck[1]",
        "layers.stage2.bottleneck[1].layers.0",
        "layers.stage2.bottleneck[1].layers.last",
        "layers.6",
        "layers.6.layers.0[0]",
        "layers.6.layers.two[0]",
        "layers.6.layers.0[1]",
        "layers.6.layers.two[1]",
        "layers.7",
        "layers.7.only[0]",
    ]


def test_a_layer_that_is_left_out_does_not_shift_the_paths_after_it() -> None:
    assert paths(
        HEAD
        + """
layers:
  - {when: false, relu: {}}
  - relu
  - residual: {layers: [{when: false, relu: {}}, tanh]}
  - repeat: {times: 2, layers: [{when: $(index > 0), elu: {}}, relu]}
""".lstrip()
    ) == [
        "layers.1",
        "layers.2",
        "layers.2.layers.1",
        "layers.3",
        "layers.3.layers.1[0]",
        "layers.3.layers.0[1]",
        "layers.3.layers.1[1]",
    ]


def test_an_alias_has_a_path_of_its_own_at_each_place() -> None:
    text = f"{HEAD}layers: [&a {{residual: {{layers: [&b relu, *b, *b]}}}}, *a]"
    repeated = f"{HEAD}layers: [{{repeat: {{times: 2, layers: [&a relu, *a]}}}}]"
    for spec in (text, repeated):
        found = paths(spec)
        assert len(set(found)) == len(found)


def test_layers_taken_from_specs_make_a_new_one_with_unique_paths() -> None:
    one = cnnkit.load(f"{HEAD}layers: [relu, tanh, elu]")
    both = cnnkit.Spec(input="8", layers=[*one.layers, *one.layers])
    found = [node.path for node in cnnkit.analyze(both).graph.nodes]
    assert found == [f"layers.{index}" for index in range(6)]
    part = one.model_copy(update={"layers": one.layers[1:]})
    assert [row.path for row in cnnkit.analyze(part).layers] == ["layers.1", "layers.2"]


@pytest.mark.parametrize("name", ["a.b", '""', "1st", "5", "-a", "a b", "[a]", "true", "ä"])
def test_what_is_no_name(name: str) -> None:
    finding = fault(f"{HEAD}layers: [{{name: «{name}», relu: {{}}}}]")
    assert finding.rule == "wrong-value"
    assert finding.message.startswith("`name` cannot be ")
    assert finding.help == "a name is part of a path: a letter, then letters, digits, _ and -"


def test_a_layer_with_a_wrong_name_is_still_read() -> None:
    spec, _ = reading(f"{HEAD}layers: [{{name: 5, conv: {{filters: 2, kernel: 1}}}}]")
    assert spec is not None
    assert cnnkit.analyze(spec).totals.parameters == 10


def test_names_may_hold_variables() -> None:
    text = f"{HEAD}layers: [{{repeat: {{times: 2, layers: [{{name: unit$index, relu: {{}}}}]}}}}]"
    assert paths(text) == ["layers.0", "layers.0.unit0[0]", "layers.0.unit1[1]"]


def test_two_layers_of_one_list_of_the_same_name() -> None:
    finding = fault(f"{HEAD}layers:\n  - {{name: a, relu: {{}}}}\n  - {{name: «a», tanh: {{}}}}")
    assert finding.rule == "duplicate-name"
    assert finding.message == "two layers of one list are named `a`, first on line 3"
    assert finding.help == "a name is part of the layer's path: give each its own"
    other_list = "{residual: {layers: [{name: a, tanh: {}}]}}"
    assert rules(f"{HEAD}layers: [{{name: a, relu: {{}}}}, {other_list}]") == []
    left_out = "[{name: a, when: false, relu: {}}, {name: a, relu: {}}]"
    assert rules(f"{HEAD}layers: {left_out}") == []


def test_a_finding_knows_the_path_of_its_layer() -> None:
    found = findings(
        HEAD
        + """
blocks: {unit: {layers: [relu, {conv: {filters: 3}}]}}
layers:
  - {name: stem, rellu: {}}
  - parallel: {branches: {left: [{residual: {layers: [relu, rellu]}}]}}
  - unit
  - {name: own, repeat: {times: 2, layers: [{unit: {a: 1}}]}}
""".lstrip()
    )
    assert [each.path for each in found] == [
        "layers.2.unit.layers.1",
        "layers.stem",
        "layers.1.branches.left.0.layers.1",
        "layers.own.layers.0",
    ]


def test_when_leaves_a_layer_out() -> None:
    text = (
        "variables: {on: true, n: 2}\nlayers: [{when: $on, relu: {}}, {when: $(n > 2), tanh: {}}]"
    )
    assert [layer.kind for layer in layers(text)] == ["relu"]


@pytest.mark.parametrize("value", ["1", '"true"', "yes", "null", "[true]", "$n", "{a: 1}"])
def test_when_is_true_or_false(value: str) -> None:
    finding = fault(f"{HEAD}variables: {{n: 1}}\nlayers: [{{when: «{value}», relu: {{}}}}]")
    assert finding.rule == "wrong-type"
    assert finding.message.startswith("`when` is ")
    assert finding.help == "write a comparison, such as `when: $(stride > 1)`"


def test_what_is_left_out_is_not_read() -> None:
    assert rules(f"{HEAD}layers: [{{when: false, conv: {{filters: $no}}}}, relu]") == []


def test_a_branch_emptied_by_when_is_the_identity() -> None:
    text = "layers: [{parallel: {branches: [[{when: false, relu: {}}], [tanh]], merge: add}}]"
    assert kinds(HEAD + text) == ["tanh", "add"]
    shortcut = "{residual: {layers: [relu], shortcut: [{when: false, tanh: {}}]}}"
    assert kinds(f"{HEAD}layers: [{shortcut}]") == ["relu", "add"]
