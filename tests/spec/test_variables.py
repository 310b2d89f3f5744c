"""Variables, expressions in fields, and the defaults of kinds."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.layers.base import Layer
from tests.spec.marked import fault, findings, only

HEAD = "input: 16x16x4\n"


def layers(text: str) -> tuple[Layer, ...]:
    return cnnkit.load(HEAD + text).layers


def first(text: str) -> Layer:
    return layers(text)[0]


def test_a_variable_may_use_those_before_it() -> None:
    conv = first(
        "variables: {k: 2, twice: $(2 * k), both: [$k, $twice]}\n"
        "layers: [{conv: {filters: '$(both[1])', kernel: $both}}]"
    )
    assert conv.model_dump(include={"filters", "kernel"}) == {"filters": 4, "kernel": (2, 4)}


def test_a_variable_does_not_see_those_after_it() -> None:
    finding = fault(f"{HEAD}variables: {{a: «$b», b: 1}}\nlayers: [relu]")
    assert finding.message == "there is no variable `b`"
    assert finding.help == "no variable is defined here"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("index", "`$index` is the number of a repeat's copy"),
        ("my-width", "use a letter, then letters, digits and _"),
        ("ä", "use a letter, then letters, digits and _"),
        ("2x", "use a letter, then letters, digits and _"),
        ("lambda", "that word has a meaning in expressions: use another"),
        ("if", "that word has a meaning in expressions: use another"),
        ('"null"', "that word has a meaning in expressions: use another"),
    ],
)
def test_names_that_no_variable_can_have(name: str, advice: str) -> None:
    finding = fault(f"{HEAD}variables: {{«{name}»: 1}}\nlayers: [relu]")
    assert finding.rule == "wrong-value"
    assert finding.message == f"a variable cannot be named `{name.strip(chr(34))}`"
    assert finding.help == advice


def test_a_variable_is_no_mapping() -> None:
    finding = fault(f"{HEAD}variables: {{a: «{{b: 1}}»}}\nlayers: [relu]")
    assert (finding.rule, finding.message) == ("wrong-type", "variable `a` is a mapping")
    assert finding.help == "a variable is a number, a string, true or false, or a list of those"
    inner = fault(f"{HEAD}variables: {{a: [1, [«{{b: 1}}»]]}}\nlayers: [relu]")
    assert inner.message == "variable `a` holds a mapping"


def test_a_whole_float_of_an_expression_is_an_integer() -> None:
    assert first("layers: [{conv: {filters: $(4 * 0.5), kernel: $(6 / 2)}}]") == first(
        "layers: [{conv: {filters: 2, kernel: 3}}]"
    )
    literal = fault(f"{HEAD}layers: [{{conv: {{filters: 2, kernel: «3.0»}}}}]")
    assert literal.message == "`kernel` cannot be 3.0"
    half = fault(f"{HEAD}layers: [{{conv: {{filters: 2, kernel: «$(7 / 2)»}}}}]")
    assert half.message == "`kernel` cannot be 3.5"


def test_a_name_inside_a_string_is_put_in() -> None:
    text = "variables: {k: 2}\nlayers: [{save: a$k}, {load: a2}, {load: '$$no'}]"
    assert only(findings(HEAD + text)).message == "no tensor is saved as `$no` here"


def test_an_expression_is_pointed_at_in_its_string() -> None:
    for quote in ("", "'", '"'):
        text = f"{HEAD}layers: [{{save: {quote}abc $nothing{quote}}}]"
        location = only(findings(text)).location
        assert location is not None
        assert location.text[location.column - 1 :].startswith("$nothing")


def test_a_fault_in_a_folded_string_points_at_the_string() -> None:
    text = f"{HEAD}layers:\n  - save: «>\n      abc\n      $nothing\n»"
    location = only(findings(text.replace("«", "").replace("»", ""))).location
    assert location is not None
    assert (location.line, location.column) == (3, 11)


def test_defaults_stand_for_what_a_layer_leaves_out() -> None:
    conv, own = layers(
        "variables: {p: same}\ndefaults: {conv: {bias: false, padding: $p, activation: relu}}\n"
        "layers: [{conv: {filters: 2, kernel: 3}},"
        " {conv: {filters: 2, kernel: 3, bias: true, activation: null}}]"
    )
    assert conv.model_dump(include={"bias", "padding"}) == {"bias": False, "padding": "same"}
    assert getattr(conv, "activation").kind == "relu"  # noqa: B009 - of no declared type here
    assert own.model_dump(include={"bias", "activation"}) == {"bias": True, "activation": None}


def test_defaults_of_an_activation_and_of_a_composite() -> None:
    text = (
        "defaults: {leaky_relu: {slope: 0.3}, residual: {activation: leaky_relu}}\n"
        "layers: [{residual: {layers: [leaky_relu]}}]"
    )
    spec = cnnkit.load(HEAD + text)
    slopes = [getattr(node.layer, "slope", None) for node in cnnkit.analyze(spec).graph.nodes]
    assert slopes == [0.3, None, 0.3]


def test_defaults_see_the_variables_of_the_spec_and_no_arguments() -> None:
    finding = fault(
        HEAD
        + """
blocks: {unit: {arguments: {width: 3}, layers: [{conv: {kernel: 1}}]}}
defaults: {conv: {filters: «$width»}}
layers: [unit]
""".lstrip()
    )
    assert finding.message == "there is no variable `width`"
    spec = cnnkit.load(
        HEAD
        + """
variables: {width: 5}
blocks: {unit: {arguments: {width: 3}, layers: [{conv: {kernel: 1}}]}}
defaults: {conv: {filters: $width}}
layers: [{unit: {width: 7}}, {unit: {width: 9}}]
""".lstrip()
    )
    assert cnnkit.analyze(spec).output == (16, 16, 5)


def test_a_wrong_default_is_one_finding_where_it_stands() -> None:
    finding = fault(
        f"{HEAD}defaults: {{conv: {{stride: «1.5»}}}}\n"
        "layers: [{conv: {filters: 1, kernel: 1}}, {conv: {filters: 2, kernel: 1}},"
        " {conv: {filters: 3, kernel: 1, stride: 1}}]"
    )
    assert finding.message == "`stride` cannot be 1.5"
    inner = fault(f"{HEAD}defaults: {{max_pool: {{size: [2, «x»]}}}}\nlayers: [max_pool]")
    assert inner.message == '`size[1]` cannot be "x"'


def test_defaults_of_what_is_no_kind() -> None:
    assert fault(f"{HEAD}defaults: {{«Conv2D»: {{}}}}\nlayers: [relu]").help == "here it is `conv`"
    block = fault(
        f"{HEAD}blocks: {{unit: {{layers: [relu]}}}}\ndefaults: {{«unit»: {{}}}}\nlayers: [unit]"
    )
    assert block.message == "there is no kind `unit`"
    assert block.help == "a block has its defaults in its `arguments`"
    fields = fault(f"{HEAD}defaults: {{conv: {{«kernal»: 3}}}}\nlayers: [relu]")
    assert fields.message == "`conv` has no field `kernal`"
    assert fields.help == "did you mean `kernel`?"
    scalar = fault(f"{HEAD}defaults: {{conv: «false»}}\nlayers: [relu]")
    assert scalar.message == "`defaults` of `conv` are false, not a mapping of its fields"
    assert scalar.help == "write `conv: {field: value}`"
