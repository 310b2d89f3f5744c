"""Kinds that others took the place of, and their rewriting."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import cnnkit
from cnnkit import rules
from cnnkit.layers import ChannelSlice
from cnnkit.layers.kinds import DEPRECATED

SPEC = """\
input: 8x8x8
blocks:
  unit:
    layers:
      - channel_slice: {stop: 4}
  spare:
    layers:
      - {when: false, channel_slice: {stop: 4}}
layers:
  - unit
  - parallel:
      branches:
        left: [{channel_slice: {start: 1}}]
        right: [{channel_slice: {start: 1}}]
  - unit
"""


def test_each_line_is_one_finding_used_or_not(found: Callable[[str, str], str]) -> None:
    advice = "help: write `slice: {axis: channels, …}`, as `cnnkit check --fix` does"
    said = f"`channel_slice` is deprecated\n{advice}\n"
    assert found("deprecated", SPEC) == "\n".join(
        [
            f"5:9 layers.0.unit.layers.0 used at 10:5\n{said}",
            f"13:17 layers.1.branches.left.0\n{said}",
            f"14:18 layers.1.branches.right.0\n{said}",
            f"8:23\n{said}",
        ]
    )


def test_it_fails_no_check() -> None:
    assert rules.LEVELS["deprecated"] == "info"


def test_it_is_rewritten_wherever_it_stands(fixed: Callable[[str, str], str]) -> None:
    assert fixed("deprecated", SPEC) == SPEC.replace("channel_slice: {", "slice: {axis: channels, ")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "  - channel_slice:  # the parts\n      start: 1  # it\n      stop: 3\n",
            "  - slice:  # the parts\n      axis: channels\n      start: 1  # it\n      stop: 3\n",
        ),
        (
            "  - channel_slice: {  # the parts\n      stop: 3}\n",
            "  - slice: {  # the parts\n      axis: channels, stop: 3}\n",
        ),
        (
            '  - {"channel_slice": {"stop": 3}, "name": "part"}\n',
            '  - {"slice": {"axis": "channels", "stop": 3}, "name": "part"}\n',
        ),
        (
            "  - {channel_slice: {stop: 3}} # a\n  - {channel_slice: {start: 1}}\n",
            "  - {slice: {axis: channels, stop: 3}} # a\n  - {slice: {axis: channels, start: 1}}\n",
        ),
    ],
)
def test_the_layout_and_the_comments_stay(
    before: str, after: str, fixed: Callable[[str, str], str]
) -> None:
    head = "input: 8x8x8\nlayers:\n"
    assert fixed("deprecated", head + before) == head + after


@pytest.mark.parametrize(
    "layers",
    [
        "layers: [{channel_slice: &half {stop: 4}}, {channel_slice: *half}]",
        "defaults: {channel_slice: {stop: 4}}\nlayers: [{channel_slice: {start: 1}}]",
    ],
)
def test_what_aliases_and_defaults_give_is_left_and_said(
    layers: str, found: Callable[[str, str], str], fixed: Callable[[str, str], str]
) -> None:
    text = f"input: 8x8x8\n{layers}\n"
    assert "`channel_slice` is deprecated\nhelp: write `slice: {axis: channels, …}`\n" in found(
        "deprecated", text
    )
    assert fixed("deprecated", text) == text


def test_defaults_of_a_deprecated_kind_are_told(found: Callable[[str, str], str]) -> None:
    text = "input: 8x8x8\ndefaults: {channel_slice: {stop: 4}}\nlayers: [relu]\n"
    assert found("deprecated", text) == (
        "2:12\n`channel_slice` is deprecated\n"
        "help: give its fields to the layers, which are then to be `slice`\n"
    )


def test_a_network_built_in_python_is_told_too() -> None:
    spec = cnnkit.Spec(input="8x8x8", layers=[ChannelSlice(stop=4)])
    (finding,) = rules.applied(cnnkit.analyze(spec), ["deprecated"])
    assert (finding.path, finding.location) == ("layers.0", None)
    assert finding.help == "write `slice: {axis: channels, …}`"


@pytest.mark.parametrize("kind", DEPRECATED)
def test_a_deprecated_kind_is_not_offered_and_its_page_says_so(kind: str) -> None:
    from cnnkit.report.kind import kind_page, kind_summary
    from cnnkit.spec.schema.document import schema

    written = schema(rules.LEVELS)
    layer = written["$defs"]["layer"]
    assert kind not in {each["label"] for each in layer["defaultSnippets"]}
    assert layer["properties"][kind]["deprecated"] is True
    assert "Deprecated: write `slice: {axis: channels, …}`" in kind_page(kind)
    assert kind_summary(kind) == "Deprecated: write `slice: {axis: channels, …}`."
