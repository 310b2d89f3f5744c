"""`repeat`: the copies, and the bounds of what multiplies."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.analysis import analyze
from cnnkit.spec.reading import read
from tests.spec.marked import fault, findings, kinds, only, place, rules

HEAD = "input: 16x16x4\n"


def test_a_repeat_copies_its_layers() -> None:
    text = f"{HEAD}layers: [{{repeat: {{times: 3, layers: [relu, tanh]}}}}]"
    assert kinds(text) == ["relu", "tanh"] * 3


def test_a_repeat_of_0_adds_nothing_and_is_not_read() -> None:
    text = (
        "variables: {n: 0}\nlayers: [{repeat: {times: $n, layers: [{conv: {filters: $no}}]}}, relu]"
    )
    assert kinds(HEAD + text) == ["relu"]


def test_index_counts_from_0_and_is_that_of_the_innermost_repeat() -> None:
    text = (
        "layers: [{repeat: {times: 2, layers: ["
        "{conv: {filters: $(10 * index + 1), kernel: 1}}, "
        "{repeat: {times: 2, layers: [{conv: {filters: $(index + 5), kernel: 1}}]}}]}}]"
    )
    outputs = [
        row.output[-1] for row in cnnkit.analyze(cnnkit.load(HEAD + text)).layers if row.output
    ]
    assert outputs == [1, 5, 6, 11, 5, 6]


def test_index_is_not_known_outside_a_repeat() -> None:
    finding = fault(f"{HEAD}layers: [{{dropout: {{rate: «$index»}}}}]")
    assert finding.message == "there is no variable `index`"


def test_a_repeat_inside_a_block_and_with_when() -> None:
    text = (
        HEAD
        + """
blocks:
  stage:
    arguments: {depth: required, width: required}
    layers:
      - repeat:
          times: $depth
          layers:
            - conv: {filters: $width, kernel: 1, stride: 1}
            - {when: $(index == depth - 1), global_mean_pool: {}}
layers: [{stage: {depth: 2, width: 3}}]
"""
    )
    assert kinds(text) == ["conv", "conv", "global_mean_pool"]


@pytest.mark.parametrize(
    ("times", "rule", "message"),
    [
        ("«-1»", "wrong-value", "`times` cannot be -1"),
        ("«true»", "wrong-type", "`times` cannot be true"),
        ("«2.0»", "wrong-type", "`times` cannot be 2.0"),
        ("«two»", "wrong-type", '`times` cannot be "two"'),
        ("«null»", "wrong-type", "`times` cannot be null"),
        ("«$(1 / 2)»", "wrong-type", "`times` cannot be 0.5"),
    ],
)
def test_times_is_a_whole_number(times: str, rule: str, message: str) -> None:
    finding = fault(f"{HEAD}layers: [{{repeat: {{times: {times}, layers: [relu]}}}}]")
    assert (finding.rule, finding.message, finding.help) == (
        rule,
        message,
        "it takes a whole number",
    )


def test_a_repeat_with_too_many_copies_that_differ() -> None:
    body = "[{name: a$index, relu: {}}]"
    finding = fault(f"{HEAD}layers: [{{repeat: {{times: «1000000000», layers: {body}}}}}]")
    assert finding.rule == "too-large"
    assert finding.message == "`times` is 1000000000: at most 100,000 copies are expanded"


def test_copies_is_no_field_of_a_user() -> None:
    finding = fault(f"{HEAD}layers: [{{repeat: {{times: 1, «copies»: [], layers: [relu]}}}}]")
    assert finding.message == "`repeat` has no field `copies`"
    assert finding.help == "its fields are times, layers"


TWICE = "[{{repeat: {{times: 999, layers: [{{repeat: {{times: 999, layers: [{}]}}}}]}}}}]"
DOUBLING = "".join(f"  b{i}: {{layers: [b{i + 1}, b{i + 1}]}}\n" for i in range(40))
CHAIN = "".join(
    f"  b{i}: {{layers: [{{residual: {{layers: [b{i + 1}]}}}}]}}\n" for i in range(1000)
)


@pytest.mark.parametrize(
    "layers",
    [
        "[{repeat: {times: 1000000000, layers: [relu]}}]",
        "[{repeat: {times: 1000000000000000000000000000000, layers: []}}]",
        "[{repeat: {times: 99999, layers: [{repeat: {times: 99999, layers: []}}]}}]",
        TWICE.format("{when: $(index < 0), relu: {}}"),
        TWICE.format("{name: a$index, relu: {}}"),
        f"[b0]\nblocks:\n{DOUBLING}  b40: {{layers: [relu]}}",
        f"[b0]\nblocks:\n{CHAIN}  b1000: {{layers: [relu]}}",
    ],
    ids=["copies", "more copies", "nothing", "left out", "names", "doubling", "a chain of blocks"],
)
def test_a_spec_that_multiplies_is_refused(layers: str) -> None:
    # Without the budgets none of these would come back.
    assert rules(f"input: 8\nlayers: {layers}\n") == ["too-large"]


def test_deep_nesting_is_a_finding() -> None:
    blocks = "".join(
        f"  b{i}: {{layers: {'[{residual: {layers: ' * 20}[b{i + 1}]{'}}]' * 20}}}\n"
        for i in range(9)
    )
    found = findings(f"input: 8\nblocks:\n{blocks}  b9: {{layers: [relu]}}\nlayers: [b0]")
    assert only(found).message == "layers are nested more than 60 deep"
    assert len(only(found).used_at) <= 8


def test_marks_are_placed_right() -> None:
    assert str(place("a\nb «c» d")) == "spec.yaml:2:3"


def passes(layers: str) -> list[str]:
    reading = read(f"input: 20x20x3\nlayers: [{layers}]\n")
    assert reading.spec is not None
    return [finding.message for finding in analyze(reading.spec).findings]


def test_a_finding_says_in_which_pass() -> None:
    # 20 → 14 → 8 → 2: the fourth kernel of 7 does not fit.
    assert passes("{repeat: {times: 4, layers: [{conv: {filters: 8, kernel: 7}}, relu]}}") == [
        "kernel 7 does not fit into the input of 2 (pass 4 of 4)"
    ]
    # 20 → 10 → 5, which no stride of 2 divides; its floor 2 → 1, where no window of 2 fits.
    inner = "{repeat: {times: 3, layers: [{max_pool: {size: 2}}]}}"
    assert passes(f"{{repeat: {{times: 2, layers: [{inner}]}}}}") == [
        (
            "stride 2 does not fit: (5 − 2)/2 + 1 = 2.50 is not an integer "
            "(pass 1 of 2, in it pass 3 of 3)"
        ),
        "size 2 does not fit into the input of 1 (pass 2 of 2, in it pass 2 of 3)",
    ]


def test_a_value_that_is_wrong_in_some_passes() -> None:
    layer = "{conv: {filters: 8, kernel: $(1 - index)}}"
    assert passes(f"{{repeat: {{times: 2, layers: [{layer}]}}}}") == [
        "`kernel` cannot be 0 (pass 2 of 2)"
    ]


def test_a_repeat_of_one_pass_needs_no_word() -> None:
    assert passes("{repeat: {times: 1, layers: [{conv: {filters: 8, kernel: 70}}]}}") == [
        "kernel 70 does not fit into the input of 20"
    ]
