"""The sections of a document: each is read, and each says what is wrong with it."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.spec.model.spec import SECTIONS
from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.schedule import ConstantSchedule
from tests.spec.marked import fault, findings, only, reading, rules

HEAD = "input: 8x8x1\n"
TAIL = "\nlayers: [relu]"


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("32x32x3", (32, 32, 3)),
        ("[32, 32, 3]", (32, 32, 3)),
        ("32×32×3", (32, 32, 3)),
        ("32 x 32 x 3", (32, 32, 3)),
        ("150", (150,)),
        ("[150]", (150,)),
        ("100x1", (100, 1)),
        ("256x256x256x1", (256, 256, 256, 1)),
        ("$(2 * side)x$(side)x3", (8, 4, 3)),
        ("[$side, 4, 1]", (4, 4, 1)),
    ],
)
def test_an_input_is_written_as_a_product_or_a_list(text: str, shape: tuple[int, ...]) -> None:
    spec = cnnkit.load(f"input: {text}\nvariables: {{side: 4}}\nlayers: [relu]")
    assert spec.input == shape


@pytest.mark.parametrize(
    ("text", "rule", "message"),
    [
        ("«0x8x1»", "wrong-value", "`input[0]` cannot be 0"),
        ("[8, «0», 1]", "wrong-value", "`input[1]` cannot be 0"),
        ("[8, «x», 1]", "wrong-type", '`input[1]` cannot be "x"'),
        ("[8, «true», 1]", "wrong-type", "`input[1]` cannot be true"),
        ("[8, «8.0», 1]", "wrong-type", "`input[1]` cannot be 8.0"),
        ("«8by8by1»", "wrong-value", '`input` is no shape: "8by8by1"'),
        ("«8x8x»", "wrong-value", '`input` is no shape: "8x8x"'),
        (
            f"«8x{'9' * 41}»",
            "wrong-value",
            f'`input` has an extent of more than 40 digits: "8x{"9" * 41}"',
        ),
        ("«[]»", "wrong-value", "`input` cannot be []"),
        ("«-8»", "wrong-value", "`input[0]` cannot be -8"),
        ("«true»", "wrong-type", "`input` cannot be true"),
        ("«{height: 8}»", "wrong-type", '`input` cannot be {"height": 8}'),
    ],
)
def test_an_input_that_is_no_shape(text: str, rule: str, message: str) -> None:
    finding = fault(f"input: {text}{TAIL}")
    assert (finding.rule, finding.message) == (rule, message)
    assert finding.help == (
        "it takes up to 3 spatial extents, then the channels: 32x32x3 or [32, 32, 3]; "
        "150 is a vector, 100x1 a signal"
    )


def test_an_input_of_too_many_axes() -> None:
    finding = fault(f"input: «[2, 2, 2, 2, 2]»{TAIL}")
    assert finding.message == "`input` cannot be [2, 2, 2, 2, 2]"


@pytest.mark.parametrize("text", ["", " ", "# a comment\n", "---\n", "null\n", "~"], ids=repr)
def test_a_text_without_a_spec(text: str) -> None:
    spec, found = reading(text)
    assert spec is None
    assert only(list(found)).level == "error"


@pytest.mark.parametrize(
    ("text", "what"),
    [("«- a»", "a list"), ("«5»", "5"), ("«words»", '"words"'), ("«true»", "true")],
)
def test_a_spec_is_a_mapping(text: str, what: str) -> None:
    finding = fault(text)
    assert finding.rule == "wrong-type"
    assert finding.message == f"a spec is a mapping with `input:` and `layers:`, this is {what}"
    assert finding.help == "start from `input: 32x32x3` and `layers:`"


def test_input_and_layers_must_be_there() -> None:
    no_input = fault("«layers»: [relu]")
    assert no_input.rule == "missing-field"
    assert no_input.message == "a spec needs `input`: the shape of one example, channels last"
    assert no_input.help == "add `input: 32x32x3`"
    no_layers = fault("«input»: 8")
    assert no_layers.rule == "missing-field"
    assert no_layers.message == "a spec needs `layers`: the layers, first to last"
    assert no_layers.help == (
        "add `layers:` and each layer after a dash: `- conv: {filters: 8, kernel: 3}`"
    )
    assert rules("{}") == ["missing-field", "missing-field"]


def test_an_input_of_null_is_missing() -> None:
    assert fault(f"input: «null»{TAIL}").rule == "missing-field"


def test_no_layers_is_a_warning() -> None:
    finding = fault("input: 8\nlayers: «[]»")
    assert (finding.rule, finding.level) == ("no-layers", "warning")
    assert finding.message == "`layers` is empty: the network gives its input as it is"
    analysis = cnnkit.analyze(cnnkit.load("input: 8\nlayers: []"))
    assert analysis.ok
    assert analysis.output == (8,)
    assert analysis.layers == ()


@pytest.mark.parametrize("value", ["«5»", "«relu»", "«{relu: {}}»"])
def test_layers_are_a_list(value: str) -> None:
    finding = fault(f"{HEAD}layers: {value}")
    assert finding.rule == "wrong-type"
    assert finding.message.endswith("not a list of layers")


def test_null_sections_are_left_out() -> None:
    empty = [section for section in SECTIONS if section not in ("input", "layers", "extends")]
    text = HEAD + "".join(f"{section}:\n" for section in empty) + "layers: [relu]"
    spec = cnnkit.load(text)
    assert spec == cnnkit.load(HEAD + "layers: [relu]")


def test_the_format_version() -> None:
    assert cnnkit.load(f"cnnkit: 1\n{HEAD}layers: [relu]").layers
    for value in ("2", '"1"', "true", "1.0", "[1]"):
        finding = fault(f"cnnkit: «{value}»\n{HEAD}layers: [relu]")
        assert finding.rule == "wrong-value"
        assert finding.message == f"`cnnkit` is {value}: this version reads format 1"
        assert finding.help == (
            "write `cnnkit: 1` or leave it out; a newer format needs a newer cnnkit"
        )


def test_an_unknown_section() -> None:
    finding = fault(f"{HEAD}«layer»: 5{TAIL}")
    assert finding.rule == "unknown-key"
    assert finding.message == "a spec has no section `layer`"
    assert finding.help == "did you mean `layers`?"
    far = fault(f"{HEAD}«zzz»: 5{TAIL}")
    assert far.help == f"its fields are {', '.join(SECTIONS)}"


def test_a_kind_at_the_top() -> None:
    finding = fault(f"{HEAD}«conv»: {{filters: 3}}{TAIL}")
    assert finding.help == "`conv` is a kind of layer: it belongs into the list `layers:`"


def test_a_duplicate_section_is_a_finding() -> None:
    assert rules(f"{HEAD}input: 3x3x1{TAIL}") == ["duplicate-key"]


def test_a_faulty_section_does_not_keep_the_others_from_being_read() -> None:
    found = findings("input: 0\nname: [x]\nrounding: up\nvariables: 3\nlayers: [rellu]\nbudget: 5")
    assert [(each.rule, each.location and each.location.line) for each in found] == [
        ("wrong-value", 1),
        ("wrong-type", 2),
        ("wrong-value", 3),
        ("wrong-type", 4),
        ("unknown-kind", 5),
        ("wrong-type", 6),
    ]


def test_what_can_be_read_of_a_faulty_spec_is_analysed() -> None:
    spec, found = reading("input: 8x8x1\nname: 5\nlayers: [{conv: {filters: 2, kernel: 3}}]")
    assert only(list(found)).rule == "wrong-type"
    assert spec is not None
    assert spec.name is None
    assert cnnkit.analyze(spec).totals.parameters == 20


@pytest.mark.parametrize("section", ["expect", "budget"])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("10k", 10_000),
        ("1.5k", 1_500),
        ("5M", 5_000_000),
        ("2 G", 2 * 10**9),
        ("1T", 10**12),
        ("512KiB", 512 * 1024),
        ("1MiB", 1024**2),
        ("0.5GiB", 512 * 1024**2),
        ("3 kB", 3_000),
        ("7B", 7),
        ("$(3 * k)", 9),
        ("${k}", None),
    ],
)
def test_quantities(section: str, text: str, value: int | None) -> None:
    source = f"{HEAD}variables: {{k: 3}}\nlayers: [relu]\n{section}: {{macs: '{text}'}}"
    if value is None:
        assert rules(source) == ["invalid-expression"]
    else:
        spec = cnnkit.load(source)
        totals = spec.expect or spec.budget
        assert totals is not None
        assert totals.figures() == {"macs": value}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("«10q»", '`macs` is no quantity: "10q"'),
        ("«10K»", '`macs` is no quantity: "10K"'),
        ("«1.0001k»", '`macs` is not a whole number: "1.0001k"'),
        ("«-1»", "`macs` cannot be -1"),
        ("«1.5»", "`macs` cannot be 1.5"),
        ("«true»", "`macs` cannot be true"),
        ("«[1]»", "`macs` cannot be [1]"),
    ],
)
def test_what_is_no_quantity(text: str, message: str) -> None:
    finding = fault(f"{HEAD}layers: [relu]\nbudget: {{macs: {text}}}")
    assert finding.message == message
    assert finding.help == (
        "it takes a whole number, also with a unit: 10k, 5M, 1.5G, 512KiB, 1MiB, 2GiB"
    )


def test_expect_holds_an_output_and_findings() -> None:
    spec = cnnkit.load(f"{HEAD}layers: [relu]\nexpect: {{output: 8x8x1, findings: [a-rule]}}")
    assert spec.expect is not None
    assert spec.expect.output == (8, 8, 1)
    assert spec.expect.findings == ("a-rule",)
    finding = fault(f"{HEAD}layers: [relu]\nexpect: {{output: [8, «x»]}}")
    assert finding.message == '`output[1]` cannot be "x"'
    assert finding.help == (
        "it takes a shape, such as 7x7x512 or [10], or one for each output: {mask: 256x256x2}"
    )
    named = cnnkit.load(f"{HEAD}layers: [relu]\nexpect: {{output: {{mask: 8x8x1}}}}")
    assert named.expect is not None
    assert named.expect.output == {"mask": (8, 8, 1)}


def test_the_output_is_no_budget() -> None:
    finding = fault(f"{HEAD}layers: [relu]\nbudget: {{«output»: [8]}}")
    assert finding.message == "`budget` has no field `output`"


def test_rules() -> None:
    spec = cnnkit.load(f"{HEAD}layers: [relu]\nrules: {{ignore: [a], error: [b], warning: [c]}}")
    assert (spec.rules.ignore, spec.rules.error, spec.rules.warning) == (("a",), ("b",), ("c",))
    finding = fault(f"{HEAD}layers: [relu]\nrules: {{ignore: [a, «3»]}}")
    assert finding.message == "`ignore[1]` cannot be 3"


@pytest.mark.parametrize("section", ["variables", "defaults", "blocks", "train", "search"])
def test_a_section_that_is_no_mapping(section: str) -> None:
    finding = fault(f"{HEAD}layers: [relu]\n{section}: «[1, 2]»")
    assert finding.rule == "wrong-type"
    assert finding.message == f"`{section}` is a list, not a mapping"
    assert finding.help is not None
    assert finding.help.startswith(f"write `{section}: {{")


@pytest.mark.parametrize("section", ["expect", "budget", "rules"])
def test_a_checked_section_that_is_no_mapping(section: str) -> None:
    finding = fault(f"{HEAD}layers: [relu]\n{section}: «5»")
    assert finding.rule in ("wrong-type", "wrong-value")
    assert section in finding.message
    assert "Input should" not in finding.message


def test_train_is_read_with_expressions_put_in() -> None:
    spec = cnnkit.load(
        f"{HEAD}variables: {{rate: 0.1}}\nlayers: [relu]\n"
        "train: {learning_rate: $rate, augment: [{shift: $(2 * 2)}]}\n"
    )
    assert spec.train == Train(learning_rate=0.1, augment=[{"shift": 4}])
    assert spec.train.learning_rate == ConstantSchedule(peak=0.1)


def test_spec_wide_rounding_is_the_default_of_all_kinds() -> None:
    text = "input: 8x8x1\nrounding: {}\nlayers: [{{conv: {{filters: 1, kernel: 3, stride: 2{}}}}}]"
    floor = cnnkit.analyze(cnnkit.load(text.format("floor", "")))
    ceil = cnnkit.analyze(cnnkit.load(text.format("ceil", "")))
    own = cnnkit.analyze(cnnkit.load(text.format("ceil", ", rounding: floor")))
    assert (floor.output, ceil.output, own.output) == ((3, 3, 1), (4, 4, 1), (3, 3, 1))
    exact = fault(
        "input: 8x8x1\nrounding: floor\n"
        "layers: [{conv: {filters: 1, kernel: 3, stride: «2», rounding: exact}}]"
    )
    assert exact.rule == "invalid-stride"


def test_a_scalar_that_cannot_be_read_is_one_mistake() -> None:
    assert rules(f"{HEAD}layers: [{{dense: {{units: {'9' * 50}}}}}]")[:1] == ["too-large"]
    assert len(findings(f"input: 8\nlayers: [{{dense: {{units: {'9' * 50}}}}}]")) == 1
