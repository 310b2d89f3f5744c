"""Outputs that are the same tensor."""

from __future__ import annotations

import cnnkit
from cnnkit import rules


def found(text: str) -> list[tuple[str, str | None]]:
    analysis = cnnkit.analyze(cnnkit.load(text))
    return [(each.message, each.path) for each in rules.applied(analysis, ["duplicate-output"])]


def test_two_names_without_a_layer_between() -> None:
    text = "input: 4\nlayers: [relu, {output: a}, {save: s}, {output: b}]"
    assert found(text) == [("the outputs `a` and `b` are the same tensor", "layers.3")]


def test_a_tensor_that_is_loaded_again() -> None:
    text = "input: 4\nlayers: [relu, {save: s}, {output: a}, tanh, {load: s}, {output: b}]"
    assert found(text) == [("the outputs `a` and `b` are the same tensor", "layers.5")]


def test_a_layer_between_makes_another() -> None:
    assert found("input: 4\nlayers: [relu, {output: a}, tanh, {output: b}]") == []


def test_a_view_is_another_tensor() -> None:
    assert found("input: 4x4x1\nlayers: [relu, {output: a}, flatten, {output: b}]") == []
