"""What is learnt of the positions of a map or sequence: where they are, and one more of them."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.advice import map_problem, tried
from cnnkit.layers.base import Effect, Operations, Weight, broken
from cnnkit.layers.field import NonNegativeNumber
from cnnkit.layers.learner import ALIASES, Learner
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.window import slide


class PositionEmbedding(Learner):
    """Adds a learnt vector of each position: H·W·C parameters (Dosovitskiy et al., 2021)."""

    kind = "position_embedding"
    family = "attention"
    linear = True
    storage = "in_place"
    example = ("196x64", "position_embedding")
    field_aliases: ClassVar = {**ALIASES, "std": "deviation", "stddev": "deviation"}

    deviation: NonNegativeNumber = Field(
        0.02, description="standard deviation of the normal distribution that it starts from"
    )

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if problem := map_problem(self, shape):
            return broken(problem)
        work = Operations(add=math.prod(shape))
        return Effect(shape, weights=(Weight("embedding", shape),), operations=work)


class ClassToken(Learner):
    """Puts one learnt vector before a sequence, 196x768 → 197x768; it starts at 0, C parameters.

    What it has become at the end, by ``slice: {axis: 0, stop: 1}``, speaks for the whole sequence
    (Dosovitskiy et al., 2021).
    """

    kind = "class_token"
    family = "attention"
    linear = True
    example = ("196x64", "class_token")

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if len(shape) != 2:
            return broken(_no_sequence(self, shape))
        windows = slide(shape[:-1], 1, 1, ((1, 0),))
        if isinstance(windows, Problem):
            return broken(windows)
        return Effect(
            (shape[0] + 1, shape[1]),
            weights=(Weight("token", shape[-1:]),),
            reach=tuple(window.reach for window in windows),
        )


def _no_sequence(layer: ClassToken, shape: Shape) -> Problem:
    what = f"a vector of {shape[0]}" if len(shape) == 1 else f"a map of {show(shape)}"
    advice = "put it behind what makes a sequence: `flatten: {keep_channels: true}` of a map"
    flat = (math.prod(shape[:-1]), shape[-1])
    if len(shape) > 2 and tried(layer, [shape], "shape-mismatch", [flat]):
        advice = f"put `flatten: {{keep_channels: true}}` before it, which gives {show(flat)}"
    return Problem("shape-mismatch", f"class_token takes a sequence, the input is {what}", advice)
