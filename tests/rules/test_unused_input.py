"""Inputs that change nothing."""

from __future__ import annotations

import cnnkit
from cnnkit import rules


def found(text: str) -> list[tuple[str, int]]:
    analysis = cnnkit.analyze(cnnkit.load(text))
    return [
        (each.message, each.location.line if each.location else 0)
        for each in rules.applied(analysis, ["unused-input"])
    ]


def said(name: str) -> str:
    return f"nothing that the network gives depends on the input `{name}`"


def test_one_that_no_layer_reads() -> None:
    assert found("inputs:\n  a: 4\n  b: 4\nlayers: [relu]") == [(said("b"), 3)]


def test_the_first_where_another_is_loaded_at_once() -> None:
    assert found("inputs:\n  a: 4\n  b: 4\nlayers: [{load: b}, relu]") == [(said("a"), 2)]


def test_one_that_only_a_dead_branch_reads() -> None:
    text = "inputs:\n  a: 4\n  b: 4\nlayers: [relu, {output: y}, {merge: {with: b}}, relu]"
    assert found(text) == [(said("b"), 3)]


def test_one_that_a_side_output_reads_is_used() -> None:
    text = "inputs: {a: 4, b: 4}\nlayers: [{head: {layers: [{merge: {with: b}}]}}, relu]"
    assert found(text) == []


def test_one_input_alone_is_none() -> None:
    assert found("inputs: {a: 4}\nlayers: [relu]") == []
