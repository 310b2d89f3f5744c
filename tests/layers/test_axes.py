"""A part of an axis, and axes made one value: shapes, work and messages."""

from __future__ import annotations

from typing import Any

import pytest

import cnnkit
from cnnkit.layers import layer_class
from cnnkit.layers.base import Effect, Operations
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape


def effect(kind: str, shape: Shape, **fields: Any) -> Effect:
    return layer_class(kind).model_validate(fields).effect(shape)


@pytest.mark.parametrize(
    ("fields", "shape", "output"),
    [
        ({"start": 4}, (8, 6, 16), (8, 6, 12)),
        ({"axis": "channels", "stop": 4}, (16,), (4,)),
        ({"axis": 0, "start": 2, "stop": 6}, (8, 6, 16), (4, 6, 16)),
        ({"axis": 1, "stop": 1}, (8, 6, 16), (8, 1, 16)),
        ({"axis": 2, "start": 3}, (8, 6, 4, 16), (8, 6, 1, 16)),
    ],
)
def test_a_slice_keeps_a_part_of_an_axis(
    fields: dict[str, Any], shape: Shape, output: Shape
) -> None:
    found = effect("slice", shape, **fields)
    assert (found.output, found.weights, found.operations) == (output, (), Operations())


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"axis": 1, "stop": 7},
            Problem(
                "shape-mismatch",
                "`stop` (=7) is beyond the width of 6 of the input",
                "`stop` is at most 6; an axis counts from 0",
                ("stop",),
            ),
        ),
        (
            {"axis": 0, "start": 8},
            Problem(
                "shape-mismatch",
                "`start` (=8) is beyond the height of 8 of the input",
                "`start` is at most 7; an axis counts from 0",
                ("start",),
            ),
        ),
        (
            {"start": 16, "stop": 17},
            Problem(
                "shape-mismatch",
                "`stop` (=17) is beyond the 16 channels of the input",
                "the 16 channels are 0 to 15: give `start` and `stop` among them",
                ("stop",),
            ),
        ),
        (
            {"axis": 2, "stop": 1},
            Problem(
                "shape-mismatch",
                "there is no axis 2: the input 8x6x16 has 2 spatial axes",
                "spatial axes count from 0, and `channels` is the last axis",
                ("axis",),
            ),
        ),
    ],
)
def test_a_slice_beyond_its_axis(fields: dict[str, Any], problem: Problem) -> None:
    assert effect("slice", (8, 6, 16), **fields).problems == (problem,)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"axis": 0}, "slice needs `start`, the first index, or `stop`, or both"),
        ({"start": 3, "stop": 3}, r"`start` \(=3\) must be below `stop` \(=3\)"),
    ],
)
def test_a_slice_of_nothing(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layer_class("slice").model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "output", "work"),
    [
        ({"over": "channels"}, (8, 6, 1), Operations(add=48 * 15, divide=48)),
        ({"over": "channels", "by": "max"}, (8, 6, 1), Operations(compare=48 * 15)),
        ({"over": 0, "by": "sum"}, (1, 6, 16), Operations(add=96 * 7)),
        ({"over": 0, "by": "sum", "keep": False}, (6, 16), Operations(add=96 * 7)),
        (
            {"over": [1, "channels", 1], "by": "norm"},
            (8, 1, 1),
            Operations(add=8 * 95, multiply=768, exponential=8),
        ),
        ({"over": "channels", "by": "max", "keep": False}, (8, 6), Operations(compare=48 * 15)),
        ({"over": [0, 1], "keep": False}, (16,), Operations(add=16 * 47, divide=16)),
    ],
)
def test_a_reduction(fields: dict[str, Any], output: Shape, work: Operations) -> None:
    found = effect("reduce", (8, 6, 16), **fields)
    assert (found.output, found.operations, found.weights) == (output, work, ())


def test_a_reduction_leaves_something() -> None:
    assert effect("reduce", (8, 6), over=[0, "channels"]).output == (1, 1)
    assert effect("reduce", (8, 6), over=[0, "channels"], keep=False).problems == (
        Problem(
            "shape-mismatch",
            "nothing is left of 8x6 without its 2 axes",
            "`keep: true` leaves each with an extent of 1",
            ("keep",),
        ),
    )


def test_a_reduction_of_an_axis_that_is_not_there() -> None:
    (found,) = effect("reduce", (8, 6), over=[0, 1]).problems
    assert found.message == "there is no axis 1: the input 8x6 has 1 spatial axis"
    assert found.field == ("over", 1)


def test_what_a_reduction_and_a_slice_have_seen() -> None:
    conv = {"conv": {"filters": 4, "kernel": 3}}

    def seen(*layers: Any) -> list[tuple[Any, bool]]:
        fields = cnnkit.analyze(cnnkit.load({"input": "9x9x2", "layers": layers})).tree.fields
        assert fields is not None
        return [(field.size, field.pooled) for field in fields]

    assert seen(conv, {"reduce": {"over": "channels"}}) == [(3, False), (3, False)]
    assert seen(conv, {"reduce": {"over": 0}}) == [(9, True), (3, False)]
    assert seen(conv, {"reduce": {"over": 0, "keep": False}}) == [(9, True), (9, True)]
    assert seen(conv, {"slice": {"axis": 0, "start": 2}}, conv) == [(5, False), (5, False)]


@pytest.mark.parametrize(
    ("shape", "output"),
    [
        ((14, 14, 768), (196, 768)),
        ((2, 3, 4, 5), (24, 5)),
        ((9, 4), (9, 4)),
        ((7,), (7,)),
    ],
)
def test_a_flatten_that_keeps_its_channels(shape: Shape, output: Shape) -> None:
    flatten = layer_class("flatten").model_validate({"keep_channels": True})
    assert flatten.effect(shape).output == output
    assert (flatten.no_op(shape) is not None) == (shape == output)
