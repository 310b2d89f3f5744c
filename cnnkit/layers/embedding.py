"""A learnt vector for each of a number of entries, such as characters."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.base import Effect, Weight, broken
from cnnkit.layers.field import Count
from cnnkit.layers.learner import ALIASES, Learner
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, show


class Embedding(Learner):
    """The learnt vector of the entry that each value numbers: 120 → 120x64, entries·units weights.

    The input holds whole numbers from 0, the numbers of entries: a vector of them, which becomes a
    sequence, or a map of one channel. A value is rounded, and one that numbers no entry stands for
    the nearest that does. Nothing is multiplied.
    """

    kind = "embedding"
    family = "attention"
    example = ("120", "embedding: {entries: 70, units: 16}")
    channels_field = "units"
    backward_reads = ("input",)
    field_aliases: ClassVar = {
        **ALIASES,
        "input_dim": "entries",
        "num_embeddings": "entries",
        "vocabulary": "entries",
        "output_dim": "units",
        "embedding_dim": "units",
        "features": "units",
    }

    entries: Count = Field(description="how many entries there are")
    units: Count = Field(description="the length of the vector of each")

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if len(shape) > 1 and shape[-1] != 1:
            return broken(
                Problem(
                    "shape-mismatch",
                    f"embedding takes a vector of numbers or a map of one channel, the input is "
                    f"{show(shape)}",
                    "`slice: {axis: channels, stop: 1}` keeps the first channel",
                )
            )
        extents = shape if len(shape) == 1 else shape[:-1]
        weight = Weight("embedding", (self.entries, self.units))
        return Effect((*extents, self.units), weights=(weight,))
