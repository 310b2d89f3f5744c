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


class Embedding(nn.Embedding):
    """A vector for each number, of vectors [N, L] or of maps of one channel [N, 1, *spatial]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x[:, 0] if x.ndim > 2 else x
        entries = x.round().long().clamp(0, self.num_embeddings - 1)
        return super().forward(entries).movedim(-1, 1)


def with_coordinates(x: torch.Tensor, extents: tuple[int, ...]) -> torch.Tensor:
    """The maps with a channel more for each axis: where a cell lies, from -1 to 1."""
    axes = [torch.linspace(-1, 1, n) if n > 1 else torch.zeros(1) for n in extents]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij")).to(x)
    return torch.cat([x, places.expand(x.shape[0], *places.shape)], dim=1)
