"""A small network of attention in shifted windows, written as Swin's own code is."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class WindowAttention(nn.Module):
    """Attention among the cells of windows of a map [N, H, W, C], as Swin's code writes it."""

    index: torch.Tensor

    def __init__(self, channels: int, heads: int, window: int, shift: int, mask: float) -> None:
        super().__init__()
        self.heads, self.window, self.mask = heads, window, mask
        self.shift = self.back = shift
        self.qkv, self.proj = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.table = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads))
        cells = torch.cartesian_prod(torch.arange(window), torch.arange(window))
        apart = cells[:, None] - cells[None] + window - 1
        self.register_buffer("index", (apart[..., 0] * (2 * window - 1) + apart[..., 1]).flatten())

    def forward(self, x: Any) -> Any:
        batch, rows, columns, channels = x.shape
        size, cells = self.window, self.window**2
        down, across = rows // size, columns // size
        if self.shift:
            x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        x = x.view(batch, down, size, across, size, channels).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(-1, cells, channels)
        qkv = self.qkv(x).reshape(len(x), cells, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0] * (channels // self.heads) ** -0.5, qkv[1], qkv[2]
        scores = q @ k.transpose(-2, -1)
        scores = scores + self.table[self.index].view(cells, cells, -1).permute(2, 0, 1)[None]
        if self.shift:
            mask = self.kept_apart(x, rows, columns)
            scores = scores.view(batch, -1, self.heads, cells, cells) + mask[None, :, None]
            scores = scores.view(-1, self.heads, cells, cells)
        x = (scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, cells, channels)
        x = self.proj(x).view(batch, down, across, size, size, channels)
        x = x.permute(0, 1, 3, 2, 4, 5).reshape(batch, rows, columns, channels)
        return torch.roll(x, (self.back, self.back), (1, 2)) if self.shift else x

    def kept_apart(self, x: Any, rows: int, columns: int) -> Any:
        size, parts = self.window, x.new_zeros((rows, columns))
        parts[-self.shift :] += 1
        parts[:, -self.shift :] += 2
        parts = parts.view(rows // size, size, columns // size, size).transpose(1, 2)
        parts = parts.reshape(-1, size**2)
        apart = parts[:, None] - parts[:, :, None]
        return apart.masked_fill(apart != 0, self.mask)


class Block(nn.Module):
    def __init__(self, channels: int, shift: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, 2, 4, shift, -100.0)
        self.mlp = nn.Sequential(
            nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels)
        )

    def forward(self, x: Any) -> Any:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Swin(nn.Module):
    """Two blocks on a map of 8x8 cells, the merging of 2x2 of them, and a block on 4x4."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 2, 2)
        self.blocks = nn.Sequential(Block(8, 0), Block(8, 2))
        self.norm, self.reduction = nn.LayerNorm(32), nn.Linear(32, 12, bias=False)
        self.last = Block(12, 0)
        self.head = nn.Linear(12, 5)

    def forward(self, x: Any) -> Any:
        x = self.blocks(self.patches(x).permute(0, 2, 3, 1))
        x = torch.cat([x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)], -1)
        x = self.last(self.reduction(self.norm(x)))
        return self.head(x.mean((1, 2)))
