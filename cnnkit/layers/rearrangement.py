"""Cells of a map as channels, and channels as cells: sub-pixel convolutions and their inverse.

A block of cells, row by row, becomes as many groups of channels: the offset in the block is the
outer index, the channel the inner one. That is TensorFlow's order (NHWC); PyTorch's
``pixel_shuffle`` has the channel outside and the offset inside, so that its weights need their
channels permuted. Nothing is computed.
"""

from __future__ import annotations

import math
from functools import partial
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.advice import groups_problem, map_problem, tried, undivided
from cnnkit.layers.base import Effect, broken, keeps_shape
from cnnkit.layers.field import Count, Extents
from cnnkit.layers.problem import Problem
from cnnkit.layers.resample import stretch
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.shaping import Shaping
from cnnkit.layers.window import per_axis, slide, wrong_length


class Rearranged(Shaping):
    """Cells and channels that change places, by blocks."""

    field_aliases: ClassVar = {
        "block_size": "block",
        "blocksize": "block",
        "upscale_factor": "block",
        "downscale_factor": "block",
        "factor": "block",
        "size": "block",
    }

    block: Extents = Field(description="the cells of a block, one number or one an axis")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return keeps_shape(self, shape)

    def extents(self, shape: Shape) -> tuple[int, ...] | Problem:
        """The block's extent along each axis of a map."""
        if problem := map_problem(self, shape):
            return problem
        rank = len(shape) - 1
        block = per_axis(self.block, rank)
        if block is None:
            given = () if isinstance(self.block, int) else self.block
            return wrong_length("block", given, rank)
        return block


class DepthToSpace(Rearranged):
    """A block of cells from the channels of one: 8x8x36 by 3 → 24x24x4 (Shi et al., 2016).

    With a block of b x b cells, output[b·i + p, b·j + q, c] = input[i, j, (b·p + q)·C + c], C
    being the channels that go out: TensorFlow's order. The sub-pixel convolution is a ``conv`` and
    this.
    """

    kind = "depth_to_space"
    example = ("8x8x36", "depth_to_space: {block: 3}")

    @override
    def effect(self, *inputs: Shape) -> Effect:
        *extents, channels = inputs[0]
        block = self.extents(inputs[0])
        if isinstance(block, Problem):
            return broken(block)
        cells = math.prod(block)
        if channels % cells:
            return broken(
                Problem(
                    "shape-mismatch",
                    f"input channels (={channels}) must be divisible by the {cells} cells of a "
                    f"`block` of {show(block)}",
                    partial(_filters, self, inputs[0], cells),
                    ("block",),
                )
            )
        outputs = [extent * times for extent, times in zip(extents, block, strict=True)]
        reach = tuple(window.reach for window in stretch(extents, outputs))
        return Effect((*outputs, channels // cells), reach=reach)


class SpaceToDepth(Rearranged):
    """The cells of each block as channels of one: 24x24x4 by 3 → 8x8x36; no cell is lost.

    The inverse of ``depth_to_space``, in the same order: with a block of b x b cells,
    output[i, j, (b·p + q)·C + c] = input[b·i + p, b·j + q, c].
    """

    kind = "space_to_depth"
    example = ("24x24x4", "space_to_depth: {block: 3}")

    @override
    def effect(self, *inputs: Shape) -> Effect:
        *extents, channels = inputs[0]
        block = self.extents(inputs[0])
        if isinstance(block, Problem):
            return broken(block)
        if problem := undivided(self, inputs, block, "block"):
            return broken(problem)
        windows = slide(tuple(extents), block, block)
        if isinstance(windows, Problem):
            return broken(windows)
        output = (*(window.output for window in windows), channels * math.prod(block))
        return Effect(output, reach=tuple(window.reach for window in windows))


class ChannelShuffle(Shaping):
    """Takes the channels of each group in turn: 0 1 2 3 4 5 in 2 groups → 0 3 1 4 2 5.

    Mixes what grouped convolutions kept apart (Zhang et al., 2018).
    """

    kind = "channel_shuffle"
    example = ("8x8x16", "channel_shuffle: {groups: 4}")
    field_aliases: ClassVar = {"num_groups": "groups"}

    groups: Count = Field(description="groups that the channels come in")

    @override
    def no_op(self, shape: Shape) -> str | None:
        same = self.groups in (1, shape[-1])
        return "of one group, or of one channel a group, the order stays" if same else None

    @override
    def effect(self, *inputs: Shape) -> Effect:
        problem = groups_problem(self, inputs[0], {"input channels": inputs[0][-1]})
        return broken(problem) if problem else Effect(inputs[0])


def _filters(layer: DepthToSpace, shape: Shape, cells: int) -> str:
    """The nearest channels that the layer before could give."""
    *extents, channels = shape
    below = channels - channels % cells
    good = [
        f"{count:,}"
        for count in (below, below + cells)
        if count and tried(layer, [shape], "shape-mismatch", [(*extents, count)])
    ]
    return f"give the layer before {' or '.join(good)} filters"
