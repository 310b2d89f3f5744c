"""Blocks: their arguments, what they see, and what they may not be."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.spec.graph import Node
from cnnkit.spec.reading import read
from tests.spec.marked import fault, kinds

HEAD = "input: 16x16x4\n"


UNIT = "blocks: {unit: {arguments: {width: required, k: 1}, layers: [{conv: {filters: $width, kernel: $k}}]}}\n"  # noqa: E501


def test_a_block_is_used_with_its_arguments() -> None:
    text = f"{HEAD}{UNIT}layers: [{{unit: {{width: 8}}}}, {{unit: {{width: 2, k: 3}}}}]"
    analysis = cnnkit.analyze(cnnkit.load(text))
    assert analysis.output == (14, 14, 2)
    assert analysis.totals.parameters == (4 * 8 + 8) + (9 * 8 * 2 + 2)


def test_a_block_is_bare_where_it_needs_no_argument() -> None:
    text = (
        "blocks: {unit: {arguments: {k: 1}, layers: [relu]}}\nlayers: [unit, {unit: }, {unit: {}}]"
    )
    assert kinds(HEAD + text) == ["relu"] * 3


def test_a_default_argument_sees_variables_and_arguments_before_it() -> None:
    text = """
variables: {base: 3}
blocks:
  unit:
    arguments: {a: $base, b: $(2 * a), c: $(a + b)}
    layers: [{conv: {filters: $c, kernel: 1}}]
layers: [unit, {unit: {a: 1}}, {unit: {b: 1}}]
""".lstrip()
    assert [cnnkit.analyze(cnnkit.load(HEAD + text)).layers[i].output for i in range(3)] == [
        (16, 16, 9),
        (16, 16, 3),
        (16, 16, 4),
    ]


def test_a_block_sees_nothing_of_its_caller() -> None:
    inner = fault(
        HEAD
        + """
blocks:
  outer: {arguments: {width: 3}, layers: [inner]}
  inner: {layers: [{conv: {filters: «$width», kernel: 1}}]}
layers: [outer]
""".lstrip()
    )
    assert inner.message == "there is no variable `width`"
    index = fault(
        f"{HEAD}blocks: {{unit: {{layers: [{{dropout: {{rate: «$index»}}}}]}}}}\n"
        "layers: [{repeat: {times: 2, layers: [unit]}}]"
    )
    assert index.message == "there is no variable `index`"
    assert index.help == (
        "it counts the copies inside a `repeat`; a block is given it as an argument"
    )


def test_an_argument_hides_a_variable_of_its_name() -> None:
    text = f"{HEAD}variables: {{width: 3}}\n{UNIT}layers: [{{unit: {{width: $(width + 1)}}}}]"
    assert cnnkit.analyze(cnnkit.load(text)).output == (16, 16, 4)


def test_the_same_node_is_read_anew_for_other_arguments() -> None:
    text = (
        HEAD
        + """
blocks:
  unit:
    arguments: {flag: 1}
    layers:
      - {when: $(flag == true and flag > 0), name: a, relu: {}}
      - dropout: {rate: $(0.5 if flag else 0)}
layers: [{unit: {flag: 1}}, {unit: {flag: true}}, {unit: {flag: 0}}, {unit: {flag: false}}]
"""
    )
    rates = [getattr(node.layer, "rate", None) for node in trace(text)]
    assert rates == [None, 0.5, None, 0.5, 0, 0]


def trace(text: str) -> tuple[Node, ...]:
    return cnnkit.analyze(cnnkit.load(text)).graph.nodes


def test_blocks_may_use_blocks() -> None:
    text = (
        HEAD
        + """
blocks:
  a: {arguments: {n: 1}, layers: [{conv: {filters: $n, kernel: 1}}, {b: {m: $(n + 1)}}]}
  b: {arguments: {m: 1}, layers: [{conv: {filters: $m, kernel: 1}}]}
layers: [{a: {n: 3}}]
"""
    )
    assert cnnkit.analyze(cnnkit.load(text)).output == (16, 16, 4)


@pytest.mark.parametrize(
    ("blocks", "cycle"),
    [
        ("a: {layers: [«a»]}", "a → a"),
        ("a: {layers: [b]}, b: {layers: [c]}, c: {layers: [«a»]}", "a → b → c → a"),
        ("a: {layers: [{residual: {layers: [{«a»: {}}]}}]}", "a → a"),
        ("a: {layers: [b]}, b: {layers: [«b»]}", "b → b"),
    ],
)
def test_a_block_may_not_use_itself(blocks: str, cycle: str) -> None:
    finding = fault(f"{HEAD}blocks: {{{blocks}}}\nlayers: [a]")
    assert finding.rule == "recursive-block"
    name = cycle.rpartition(" ")[2]
    assert finding.message == f"block `{name}` would expand without end: {cycle}"
    assert finding.help == "a block may use other blocks, not itself"


def test_a_finding_inside_a_block_names_the_lines_that_used_it() -> None:
    text = (
        HEAD
        + """
blocks:
  outer: {layers: [inner]}
  inner: {layers: [«rellu»]}
layers:
  - outer
  - outer
"""
    )
    finding = fault(text)
    assert [(use.line, use.column, use.end_column) for use in finding.used_at] == [
        (4, 20, 25),
        (7, 5, 10),
    ]
    assert finding.path == "layers.0.outer.layers.0.inner.layers.0"


@pytest.mark.parametrize(
    ("use", "rule", "message", "advice"),
    [
        ("«unit»", "missing-field", "block `unit` needs `width`", "add `width: …`"),
        ("{«unit»: {k: 3}}", "missing-field", "block `unit` needs `width`", "add `width: …`"),
        (
            "{unit: «7»}",
            "wrong-type",
            "block `unit` has 7 where its arguments belong",
            "write `unit: {width: …, k: …}`",
        ),
        (
            "{unit: «[7]»}",
            "wrong-type",
            "block `unit` has a list where its arguments belong",
            "write `unit: {width: …, k: …}`",
        ),
        (
            "{unit: {width: 1, «wdth»: 7}}",
            "unknown-key",
            "block `unit` has no argument `wdth`",
            "did you mean `width`?",
        ),
        (
            "{unit: {width: 1, «zzz»: 7}}",
            "unknown-key",
            "block `unit` has no argument `zzz`",
            "its arguments are width, k",
        ),
        (
            "{unit: {width: 1, «when»: true}}",
            "unknown-key",
            "block `unit` has no argument `when`",
            "`when` stands beside the block: `- {when: …, unit: {…}}`",
        ),
    ],
)
def test_faults_of_arguments(use: str, rule: str, message: str, advice: str) -> None:
    finding = fault(f"{HEAD}{UNIT}layers: [{use}]")
    assert (finding.rule, finding.message, finding.help) == (rule, message, advice)
    assert finding.used_at == ()


def test_a_block_without_arguments() -> None:
    text = f"{HEAD}blocks: {{unit: {{layers: [relu]}}}}\n"
    assert fault(f"{text}layers: [{{unit: {{«k»: 3}}}}]").help == "it has no arguments"
    assert fault(f"{text}layers: [{{unit: «3»}}]").help == "write `- unit`"


def test_an_argument_may_be_a_list_or_an_activation() -> None:
    text = (
        HEAD
        + """
blocks:
  unit:
    arguments: {widths: required, act: relu}
    layers: [{conv: {filters: "$(widths[-1])", kernel: 1, activation: $act}}]
layers: [{unit: {widths: [1, 2, 3]}}, {unit: {widths: [5], act: gelu}}]
"""
    )
    assert kinds(text) == ["conv", "relu", "conv", "gelu"]


@pytest.mark.parametrize(
    ("name", "message", "advice"),
    [
        (
            "conv",
            "a block cannot be named `conv`: that is a kind of layer",
            "give it another name",
        ),
        (
            "a.b",
            "a block cannot be named `a.b`",
            "use a letter, then letters, digits, _ and -",
        ),
        (
            "when",
            "a block cannot be named `when`",
            "`when` stands beside a layer's kind: give it another name",
        ),
        (
            "name",
            "a block cannot be named `name`",
            "`name` stands beside a layer's kind: give it another name",
        ),
    ],
)
def test_names_that_no_block_can_have(name: str, message: str, advice: str) -> None:
    finding = fault(f"{HEAD}blocks: {{«{name}»: {{layers: [relu]}}}}\nlayers: [relu]")
    assert (finding.rule, finding.message, finding.help) == ("wrong-value", message, advice)


@pytest.mark.parametrize("block", ["{}", "null", "[relu]", "relu", "{arguments: {}}"])
def test_a_block_needs_layers(block: str) -> None:
    finding = fault(f"{HEAD}blocks: {{«unit»: {block}}}\nlayers: [relu]")
    assert (finding.rule, finding.message) == ("missing-field", "block `unit` needs `layers`")
    assert finding.help == "write `layers:` and its layers, each after a dash"


def test_an_argument_cannot_be_named_index() -> None:
    block = "{arguments: {«index»: 1}, layers: [relu]}"
    finding = fault(f"{HEAD}blocks: {{unit: {block}}}\nlayers: [unit]")
    assert finding.message == "an argument cannot be named `index`"


def test_a_block_of_the_name_of_a_later_kind_is_the_specs_own() -> None:
    text = (
        "blocks: {glu: {arguments: {width: 2}, layers: [{conv: {filters: $width, kernel: 1}}]}}\n"
        "layers: [glu, {glu: {width: 5}}]"
    )
    assert cnnkit.analyze(cnnkit.load(HEAD + text)).output == (16, 16, 5)
    reading = read(HEAD + text, ["layers.1.width=7"])
    assert reading.spec is not None
    assert cnnkit.analyze(reading.spec).output == (16, 16, 7)
    inner = fault(
        HEAD + text.replace("layers: [glu,", "defaults: {«glu»: {width: 3}}\nlayers: [glu,")
    )
    assert inner.help == "a block has its defaults in its `arguments`"
