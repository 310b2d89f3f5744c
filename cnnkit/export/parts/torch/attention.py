"""Attention, and what a sequence gets before it."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class DotProductAttention(nn.Module):
    """Each query's mean of the values, weighed by how well their keys match it, head by head."""

    def __init__(self, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout

    def forward(self, query, key, value):
        q, k, v = (
            x.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3) for x in (query, key, value)
        )
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        return y.transpose(2, 3).reshape(query.shape)


class WindowAttention(nn.Module):
    """The same among the cells of each window, with a learnt number for the distance of two."""

    def __init__(
        self,
        heads: int,
        extents: tuple[int, ...],
        window: tuple[int, ...],
        shift: tuple[int, ...],
        relative_bias: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        self.shift = shift
        self.dropout = dropout
        cells = torch.stack(torch.meshgrid(*map(torch.arange, window), indexing="ij")).flatten(1)
        apart = cells[:, :, None] - cells[:, None, :]
        self.distances = tuple(each + size - 1 for each, size in zip(apart, window, strict=True))
        self.relative_bias = None
        if relative_bias:
            table = torch.empty(*(2 * size - 1 for size in window), heads)
            self.relative_bias = nn.Parameter(nn.init.normal_(table, std=0.02))
        part = torch.zeros(1, 1, *extents)
        for axis, (extent, moved) in enumerate(zip(extents, shift, strict=True), start=2):
            edge = torch.arange(extent) >= extent - moved
            part = 2 * part + edge.reshape([-1 if axis == at else 1 for at in range(part.ndim)])
        part = self.parted(part, 1)[0, :, 0, :, 0]
        apart = part[:, :, None] != part[:, None, :]
        mask = torch.zeros(apart.shape).masked_fill(apart, -math.inf)
        self.register_buffer("mask", mask[:, None], persistent=False)

    def parted(self, x: torch.Tensor, heads: int) -> torch.Tensor:
        """[N, C, *spatial] as [N, windows, heads, cells of a window, channels of a head]."""
        rank = len(self.window)
        counts = [extent // size for extent, size in zip(x.shape[2:], self.window, strict=True)]
        pairs = [each for pair in zip(counts, self.window, strict=True) for each in pair]
        x = x.reshape(len(x), heads, -1, *pairs)
        windows, cells = range(3, 2 * rank + 3, 2), range(4, 2 * rank + 3, 2)
        x = x.permute(0, *windows, 1, *cells, 2)
        return x.reshape(len(x), math.prod(counts), heads, math.prod(self.window), -1)

    def forward(self, query, key, value):
        rank = len(self.window)
        axes = tuple(range(2, rank + 2))
        back = tuple(-cells for cells in self.shift)
        q, k, v = (self.parted(torch.roll(x, back, axes), self.heads) for x in (query, key, value))
        bias = self.mask
        if self.relative_bias is not None:
            bias = bias + self.relative_bias[self.distances].movedim(-1, 0)
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout)
        extents = query.shape[2:]
        counts = [extent // size for extent, size in zip(extents, self.window, strict=True)]
        y = y.reshape(len(y), *counts, self.heads, *self.window, -1)
        pairs = [axis for at in range(1, rank + 1) for axis in (at, rank + 1 + at)]
        y = y.permute(0, rank + 1, 2 * rank + 2, *pairs).reshape(query.shape)
        return torch.roll(y, self.shift, axes)


class PositionEmbedding(nn.Module):
    """A learnt vector for each position, of shape [C, *spatial], added."""

    def __init__(self, shape: tuple[int, ...], std: float = 0.02) -> None:
        super().__init__()
        self.embedding = nn.Parameter(nn.init.normal_(torch.empty(shape), std=std))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.embedding


class ClassToken(nn.Module):
    """A learnt vector before a sequence [N, C, L]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.token.expand(len(x), -1, -1), x], dim=2)
