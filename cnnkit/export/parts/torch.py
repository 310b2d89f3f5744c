"""Helpers for what PyTorch has no layer of; channels are first, [N, C, *spatial]."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn


def start(layer: nn.Module, kernel=None, bias=None) -> nn.Module:
    """Sets how a layer's weights start: by a function, or by values, channels and filters last."""
    with torch.no_grad():
        if callable(kernel):
            kernel(layer.weight)
        elif kernel is not None:
            layer.weight.copy_(torch.tensor(kernel, dtype=torch.float32).movedim((-1, -2), (0, 1)))
        if kernel is not None and layer.bias is not None:
            nn.init.zeros_(layer.bias)
        if bias is not None:
            layer.bias.copy_(torch.tensor(bias))
    return layer


def start_transposed(layer: nn.Module, kernel=None, bias=None) -> nn.Module:
    """The same for a transposed convolution."""
    with torch.no_grad():
        if callable(kernel):
            for part in layer.weight.chunk(layer.groups):
                values = part.transpose(0, 1)
                values.copy_(kernel(torch.empty(values.shape)))
        elif kernel is not None:
            values = torch.tensor(kernel, dtype=torch.float32)
            parts = values.chunk(layer.groups, dim=-1)
            layer.weight.copy_(torch.cat([part.movedim((-2, -1), (0, 1)) for part in parts]))
        if kernel is not None and layer.bias is not None:
            nn.init.zeros_(layer.bias)
        if bias is not None:
            layer.bias.copy_(torch.tensor(bias))
    return layer


def start_local(layer: nn.Module, kernel=None, bias=None) -> nn.Module:
    """The same for a locally connected layer, position by position."""
    with torch.no_grad():
        if callable(kernel):
            for position in itertools.product(*map(range, layer.geometry[0])):
                values = layer.weight[position].movedim((-1, -2), (0, 1))
                values.copy_(kernel(torch.empty(values.shape)))
        elif kernel is not None:
            layer.weight.copy_(torch.tensor(kernel))
        if bias is not None:
            layer.bias.copy_(torch.tensor(bias))
    return layer


def lecun_normal(weight: torch.Tensor) -> torch.Tensor:
    """A variance of 1 / fan in."""
    return nn.init.kaiming_normal_(weight, nonlinearity="linear")


def lecun_uniform(weight: torch.Tensor) -> torch.Tensor:
    """A variance of 1 / fan in."""
    return nn.init.kaiming_uniform_(weight, nonlinearity="linear")


def he_normal(weight: torch.Tensor) -> torch.Tensor:
    """A variance of 2 / fan in."""
    return nn.init.kaiming_normal_(weight, nonlinearity="relu")


def he_uniform(weight: torch.Tensor) -> torch.Tensor:
    """A variance of 2 / fan in."""
    return nn.init.kaiming_uniform_(weight, nonlinearity="relu")


def without(layer: nn.Module, *names: str) -> nn.Module:
    """A normalization without its scale (`weight`) or its shift (`bias`)."""
    for name in names:
        layer.register_parameter(name, None)
    return layer


class LocallyConnected(nn.Module):
    """A convolution, unpadded, whose positions have weights of their own."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        positions: tuple[int, ...],
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        dilation: tuple[int, ...],
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.geometry = (positions, kernel_size, stride, dilation)
        self.groups = groups
        # As in the spec: positions, kernel, channels of a group, filters.
        shape = (*positions, *kernel_size, in_channels // groups, out_channels)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros(*positions, out_channels)) if bias else None
        bound = (math.prod(kernel_size) * in_channels // groups) ** -0.5
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        positions, kernel_size, stride, dilation = self.geometry
        x = x.movedim(1, -1)
        cells = []  # one kernel cell at all positions: [N, *positions, C]
        for offset in itertools.product(*map(range, kernel_size)):
            starts = [d * k for d, k in zip(dilation, offset, strict=True)]
            spans = [
                slice(a, a + s * (count - 1) + 1, s)
                for a, count, s in zip(starts, positions, stride, strict=True)
            ]
            cells.append(x[(slice(None), *spans)])
        patches = torch.stack(cells, dim=-2)
        channels, features = self.weight.shape[-2:]
        patches = patches.unflatten(-1, (self.groups, channels))
        weight = self.weight.reshape(*positions, -1, channels, self.groups, features // self.groups)
        y = torch.einsum("n...kgc,...kcgf->n...gf", patches, weight).flatten(-2)
        if self.bias is not None:
            y = y + self.bias
        return y.movedim(-1, 1)


def mean_pool(x: torch.Tensor, size, stride, padding, overhang, count_padding: bool):
    """The mean of windows that also lie in padding given as for `F.pad`."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[x.ndim - 3]
    counted = x.new_ones(1, 1, *x.shape[2:])
    counted = F.pad(F.pad(counted, padding, value=float(count_padding)), overhang)
    x = F.pad(F.pad(x, padding), overhang)
    return pool(x, size, stride) / pool(counted, size, stride)


def local_response_norm(x: torch.Tensor, size: int, alpha: float, beta: float, k: float):
    """The local response normalization of a vector."""
    return F.local_response_norm(x.unsqueeze(-1), size, alpha, beta, k).squeeze(-1)


class GlobalResponseNorm(nn.Module):
    """Each channel by its norm beside the mean norm of all, added to what comes in."""

    def __init__(self, channels: int, rank: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels, *[1] * rank))
        self.bias = nn.Parameter(torch.zeros(channels, *[1] * rank))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        norms = torch.linalg.vector_norm(x, dim=tuple(range(2, x.ndim)), keepdim=True)
        beside = norms / (norms.mean(dim=1, keepdim=True) + self.eps)
        return self.weight * (x * beside) + self.bias + x


class PReLUOfCells(nn.Module):
    """A leaky ReLU with a learnt slope for each channel of each cell."""

    def __init__(self, shape: tuple[int, ...], init: float = 0.25) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full(shape, init))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.where(x >= 0, x, self.weight * x)


class DropPath(nn.Module):
    """Drops the whole tensor of an example in training: stochastic depth."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        kept = x.new_empty(len(x), *[1] * (x.ndim - 1)).bernoulli_(1 - self.rate)
        return x * kept / (1 - self.rate)


class GaussianNoise(nn.Module):
    """Adds normally distributed noise in training."""

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.deviation * torch.randn_like(x) if self.training else x


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
    """A learnt factor for each channel."""

    def __init__(self, channels: int, rank: int, init: float = 1.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.full((channels, *[1] * rank), init))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor
