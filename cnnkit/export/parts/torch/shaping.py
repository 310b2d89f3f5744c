"""Maps enlarged and rearranged, and channels weighed."""

import math

import torch
from torch import nn


def depth_to_space(x: torch.Tensor, block: tuple[int, ...]) -> torch.Tensor:
    """Channels to the cells of a block, whose offset is the outer index of the channels."""
    rank = len(block)
    y = x.unflatten(1, (*block, x.shape[1] // math.prod(block)))
    order = [axis for i in range(rank) for axis in (rank + 2 + i, i + 1)]
    y = y.permute(0, rank + 1, *order)
    extents = [extent * b for extent, b in zip(x.shape[2:], block, strict=True)]
    return y.reshape(len(x), -1, *extents)


def space_to_depth(x: torch.Tensor, block: tuple[int, ...]) -> torch.Tensor:
    """The cells of a block to channels."""
    rank = len(block)
    extents = [extent // b for extent, b in zip(x.shape[2:], block, strict=True)]
    split = [n for pair in zip(extents, block, strict=True) for n in pair]
    y = x.reshape(len(x), x.shape[1], *split)
    y = y.permute(0, *range(3, 2 * rank + 2, 2), 1, *range(2, 2 * rank + 2, 2))
    return y.reshape(len(x), -1, *extents)


class Scale(nn.Module):
    """A learnt factor for each channel, or 1 for all."""

    def __init__(self, channels: int, rank: int, init: float = 1.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.full((channels, *[1] * rank), init))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor
