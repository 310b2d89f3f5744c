"""Branches of a `parallel` that may be left out: `{when: …, layers: […]}` beside plain lists."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.spec.reading import read_from_text

# A RepVGG unit: the identity is there where the shape stays.
UNIT = """\
input: 8x8x4
variables: {same: true, wide: true}
layers:
  - parallel:
      merge: add
      branches:
        - {when: $same, layers: [batch_norm]}
        - [{conv: {filters: 4, kernel: 1, bias: false}}]
        - when: $wide
          layers:
            - conv: {filters: 4, kernel: 3, padding: 1, bias: false}
"""
NAMED = (
    UNIT.replace("        - {when: $same,", "        identity: {when: $same,")
    .replace("        - [{conv", "        narrow: [{conv")
    .replace(
        "        - when: $wide\n          layers",
        "        wide:\n          when: $wide\n          layers",
    )
)


def load(text: str, *overrides: str) -> cnnkit.Spec:
    reading = read_from_text(text, "spec.yaml", overrides=overrides)
    assert not reading.findings
    assert reading.spec is not None
    return reading.spec


def parameters(text: str, *overrides: str) -> int:
    return cnnkit.analyze(load(text, *overrides)).totals.parameters


def paths(text: str, *overrides: str) -> list[str]:
    return [layer.path for layer in cnnkit.analyze(load(text, *overrides)).layers]


@pytest.mark.parametrize("text", [UNIT, NAMED], ids=["listed", "named"])
def test_a_branch_is_there_where_its_condition_is_true(text: str) -> None:
    assert parameters(text) == 8 + 16 + 144
    assert parameters(text, "variables.same=false") == 16 + 144
    assert parameters(text, "variables.same=false", "variables.wide=false") == 16


def test_paths_keep_the_places_in_the_source() -> None:
    assert paths(UNIT, "variables.same=false") == [
        "layers.0.branches.1.0",
        "layers.0.branches.2.0",
        "layers.0.add",
    ]
    assert paths(NAMED, "variables.same=false") == [
        "layers.0.branches.narrow.0",
        "layers.0.branches.wide.0",
        "layers.0.add",
    ]


def test_one_branch_needs_no_join_and_none_is_the_identity() -> None:
    alone = cnnkit.analyze(load(UNIT, "variables.same=false", "variables.wide=false"))
    assert [operation.layer.kind for operation in alone.graph.nodes] == ["conv"]
    text = UNIT.replace("- [{conv", "- when: false\n          layers: [{conv")
    none = cnnkit.analyze(load(text, "variables.same=false", "variables.wide=false"))
    assert none.graph.nodes == ()
    assert (none.output, none.totals.parameters) == ((8, 8, 4), 0)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (UNIT, "layers.0.branches.2.0.kernel"),
        (UNIT, "layers.0.parallel.branches.2.layers.0.conv.kernel"),
        (NAMED, "layers.0.branches.wide.0.kernel"),
    ],
)
def test_a_path_leads_into_a_branch_that_may_be_left_out(text: str, path: str) -> None:
    changed = (f"{path}=5", f"{path.replace('kernel', 'padding')}=2")
    assert parameters(text, *changed) == 8 + 16 + 400
    when = path.partition(".0.kernel")[0].partition(".layers.0.conv")[0] + ".when=false"
    assert parameters(text, when) == 8 + 16


def test_a_written_spec_counts_the_branches_that_are_left_out() -> None:
    spec = load(UNIT, "variables.same=false")
    again = cnnkit.load(spec.to_dict())
    assert [layer.path for layer in cnnkit.analyze(again).layers] == paths(
        UNIT, "variables.same=false"
    )


def test_a_condition_of_a_repeat_sees_its_index() -> None:
    text = """\
input: 8x8x4
layers:
  - repeat:
      times: 3
      layers:
        - parallel:
            merge: add
            branches: [[], {when: $(index > 0), layers: [{conv: {filters: 4, kernel: 1}}]}]
"""
    assert parameters(text) == 2 * 20


@pytest.mark.parametrize(
    ("branch", "message", "column"),
    [
        ("{when: 3, layers: []}", "`when` is 3, not true or false", 34),
        ("{when: true}", "branch `0` is a mapping, not a list of layers", 27),
        ("{when: true, layers: 3}", "branch `0` is 3, not a list of layers", 48),
        ("{name: a, when: true, layers: []}", "branch `0` is a mapping, not a list of layers", 27),
    ],
)
def test_what_is_no_branch(branch: str, message: str, column: int) -> None:
    text = f"input: 8x8x4\nlayers:\n  - parallel: {{branches: [{branch}]}}\n"
    (finding,) = read_from_text(text, "spec.yaml").findings
    assert finding.message == message
    assert finding.location is not None
    assert (finding.location.line, finding.location.column) == (3, column)
    if "mapping" in message:
        assert finding.help == (
            "write a list, or `{when: …, layers: […]}` for a branch to be left out"
        )
