"""The fields of layers: strict types, activations, branches."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.layers.base import Layer
from tests.spec.marked import fault, kinds, only, reading

HEAD = "input: 16x16x4\n"


def layers(text: str) -> tuple[Layer, ...]:
    return cnnkit.load(HEAD + text).layers


def first(text: str) -> Layer:
    return layers(text)[0]


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("true", "wrong-type"),
        ('"3"', "wrong-type"),
        ("3.0", "wrong-type"),
        ("null", "wrong-type"),
        ("{a: 3}", "wrong-type"),
        ("0", "wrong-value"),
        ("-3", "wrong-value"),
        (".inf", "wrong-type"),
        (".nan", "wrong-type"),
    ],
)
def test_types_are_strict(value: str, rule: str) -> None:
    finding = fault(f"{HEAD}layers: [{{conv: {{filters: «{value}», kernel: 1}}}}]")
    assert finding.rule == rule
    assert finding.message.startswith("`filters` cannot be ")
    assert finding.help == "it takes a whole number above 0"
    assert finding.path == "layers.0"


@pytest.mark.parametrize(
    ("field", "advice"),
    [
        ("kernal", "did you mean `kernel`?"),
        ("kernel_size", "here it is `kernel`"),
        ("strides", "here it is `stride`"),
        ("name", "`name` stands beside the kind: `- {name: …, conv: {…}}`"),
        ("when", "`when` stands beside the kind: `- {when: …, conv: {…}}`"),
    ],
)
def test_unknown_fields(field: str, advice: str) -> None:
    finding = fault(f"{HEAD}layers: [{{conv: {{filters: 1, kernel: 1, «{field}»: 3}}}}]")
    assert finding.rule == "unknown-key"
    assert finding.message == f"`conv` has no field `{field}`"
    assert finding.help == advice


def test_a_misspelt_field_that_is_needed_is_one_mistake() -> None:
    assert fault(f"{HEAD}layers: [{{conv: {{filters: 1, «kernal»: 3}}}}]").rule == "unknown-key"
    assert fault(f"{HEAD}layers: [{{conv: {{«features»: 1, kernel: 3}}}}]").rule == "unknown-key"


def test_an_unknown_field_does_not_keep_the_layer_from_being_analysed() -> None:
    spec, found = reading(f"{HEAD}layers: [{{conv: {{filters: 2, kernel: 1, colour: red}}}}]")
    assert only(list(found)).rule == "unknown-key"
    assert spec is not None
    assert cnnkit.analyze(spec).totals.parameters == 10


@pytest.mark.parametrize(
    ("layer", "message", "advice"),
    [
        ("dense: «10»", "`dense` has 10 where its fields belong", "write `dense: {units: 10}`"),
        (
            "dropout: «0.5»",
            "`dropout` has 0.5 where its fields belong",
            "write `dropout: {rate: 0.5}`",
        ),
        (
            "max_pool: «[2, 2]»",
            "`max_pool` has a list where its fields belong",
            "write `max_pool: {size: [2, 2]}`",
        ),
        ("elu: «2»", "`elu` has 2 where its fields belong", "write `elu: {alpha: 2}`"),
        (
            "relu: «true»",
            "`relu` has true where its fields belong",
            "write `- relu`, and its fields as a mapping behind a colon",
        ),
        (
            "batch_norm: «fast»",
            '`batch_norm` has "fast" where its fields belong',
            "write `- batch_norm`, and its fields as a mapping behind a colon",
        ),
    ],
)
def test_what_stands_where_fields_belong(layer: str, message: str, advice: str) -> None:
    finding = fault(f"input: 8x8x4\nlayers: [{{{layer}}}]")
    assert (finding.rule, finding.message, finding.help) == ("wrong-type", message, advice)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("relu", "relu"),
        ("{relu: {}}", "relu"),
        ("{leaky_relu: {slope: 0.2}}", "leaky_relu"),
        ("{leaky_relu: }", "leaky_relu"),
        ("$act", "gelu"),
        ("null", None),
        ("$off", None),
    ],
)
def test_an_activation_is_a_kind_or_a_kind_with_fields(value: str, kind: str | None) -> None:
    conv = first(
        "variables: {act: gelu, off: null}\n"
        f"layers: [{{conv: {{filters: 1, kernel: 1, activation: {value}}}}}]"
    )
    activation = getattr(conv, "activation")  # noqa: B009 - of no declared type here
    assert (activation.kind if activation else None) == kind


@pytest.mark.parametrize(
    ("value", "rule", "message"),
    [
        ("«conv»", "wrong-value", '`activation` is "conv", which is no activation'),
        ("«{conv: {}}»", "wrong-value", '`activation` is "conv", which is no activation'),
        ("«5»", "wrong-type", "`activation` is 5, which is no activation"),
        ("«true»", "wrong-type", "`activation` is true, which is no activation"),
        ("«[relu]»", "wrong-type", '`activation` is ["relu"], which is no activation'),
        ("«{}»", "wrong-type", "`activation` is {}, which is no activation"),
        ("«Swish»", "unknown-kind", "there is no kind `Swish`"),
        ("{«Swish»: {}}", "unknown-kind", "there is no kind `Swish`"),
        ("{elu: {alpha: «x»}}", "wrong-type", '`alpha` cannot be "x"'),
        ("{elu: {«alfa»: 1}}", "unknown-key", "`elu` has no field `alfa`"),
    ],
)
def test_what_is_no_activation(value: str, rule: str, message: str) -> None:
    finding = fault(f"{HEAD}layers: [{{conv: {{filters: 1, kernel: 1, activation: {value}}}}}]")
    assert (finding.rule, finding.message) == (rule, message)


def test_weights_are_nested_lists_that_are_not_ragged() -> None:
    ragged = fault(f"{HEAD}layers: [{{conv: {{filters: 1, kernel: 1, weights: «[[1, 2], [3]]»}}}}]")
    assert ragged.message == "`weights` is ragged: its lists differ in length: [[1, 2], [3]]"
    words = fault(f"{HEAD}layers: [{{conv: {{filters: 1, kernel: 1, weights: «[a]»}}}}]")
    assert words.message == '`weights` is not made of numbers: ["a"]'


def test_branches() -> None:
    finding = fault(f"{HEAD}layers: [{{parallel: {{branches: {{«a.b»: [relu]}}}}}}]")
    assert finding.message == "a branch cannot be named `a.b`"
    number = fault(f"{HEAD}layers: [{{parallel: {{branches: «3»}}}}]")
    assert number.rule == "wrong-type"
    missing = fault(f"{HEAD}layers: [{{«parallel»: {{merge: add}}}}]")
    assert missing.message.startswith("`parallel` needs `branches`")


def test_a_shortcut_is_the_identity_or_a_list() -> None:
    text = "layers: [{{residual: {{layers: [relu], shortcut: {}}}}}]"
    assert kinds(HEAD + text.format("identity")) == kinds(HEAD + text.format("[]"))
    finding = fault(HEAD + text.format("«conv»"))
    assert finding.message == '`shortcut` is "conv", not a list of layers'
