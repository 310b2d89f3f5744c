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


class FilterNorm(nn.Module):
    """The weights of each filter normalized; the first axis is split into groups and the rest."""

    def __init__(self, how: str, axes: tuple[int, ...], groups: int) -> None:
        super().__init__()
        self.how = how
        self.axes = axes
        self.groups = groups

    def right_inverse(self, weight: torch.Tensor):
        if self.how == "standardize":
            return weight
        parts = weight.unflatten(0, (self.groups, -1))
        norms = parts.square().sum(self.axes, keepdim=True).sqrt()
        return norms if self.how == "weight_norm" else torch.ones_like(norms), weight

    def forward(self, *given: torch.Tensor) -> torch.Tensor:
        weight = given[-1].unflatten(0, (self.groups, -1))
        if self.how == "weight_norm":
            weight = weight * weight.square().sum(self.axes, keepdim=True).rsqrt()
        else:
            weight = weight - weight.mean(self.axes, keepdim=True)
            weight = weight * (weight.square().mean(self.axes, keepdim=True) + 1e-6).rsqrt()
        if self.how == "scaled_standardize":
            weight = weight / math.prod(weight.shape[axis] for axis in self.axes) ** 0.5
        weight = weight * given[0] if len(given) == 2 else weight
        return weight.flatten(0, 1)


def filter_norm(layer: nn.Module, how: str, axes: tuple[int, ...], groups: int = 1) -> nn.Module:
    """Normalizes a layer's weights, filter by filter, before they are used."""
    norm = FilterNorm(how, axes, groups)
    return nn.utils.parametrize.register_parametrization(layer, "weight", norm)


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
    """A learnt factor for each channel, or 1 for all."""

    def __init__(self, channels: int, rank: int, init: float = 1.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.full((channels, *[1] * rank), init))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor


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


class Recurrent(nn.Module):
    """An `nn.LSTM` or `nn.GRU` along a sequence [N, C, L]: its last step, or all of them."""

    def __init__(
        self,
        kind: type[nn.RNNBase],
        channels: int,
        units: int,
        sequences: bool = False,
        direction: str = "forward",
        bias: bool = True,
    ) -> None:
        super().__init__()
        both = direction == "both"
        self.layer = kind(channels, units, bias=bias, batch_first=True, bidirectional=both)
        self.sequences = sequences
        self.backward = direction == "backward"
        if kind is nn.LSTM and bias:  # the second bias would only be added to the first
            for name in [name for name in self.layer._flat_weights_names if "bias_hh" in name]:
                zeros = torch.zeros_like(getattr(self.layer, name).data)
                delattr(self.layer, name)
                self.layer.register_buffer(name, zeros, persistent=False)
            names = self.layer._flat_weights_names
            self.layer._flat_weights = [getattr(self.layer, name) for name in names]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.mT.flip(1) if self.backward else x.mT
        y, state = self.layer(x)
        if self.sequences:
            return (y.flip(1) if self.backward else y).mT
        last = state[0] if isinstance(state, tuple) else state
        return last.movedim(0, 1).flatten(1)


class ConvLSTM(nn.Module):
    """Along the first axis of maps [N, C, T, *spatial]: the last state, or all of them."""

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: tuple[int, ...],
        same: bool = False,
        sequences: bool = False,
        direction: str = "forward",
        bias: bool = True,
    ) -> None:
        super().__init__()
        for prefix in ("", "backward_")[: 2 if direction == "both" else 1]:
            for name, read in (("kernel", channels), ("recurrent_kernel", filters)):
                weight = nn.Parameter(torch.empty(4 * filters, read, *kernel))
                self.register_parameter(prefix + name, nn.init.xavier_uniform_(weight))
            zeros = nn.Parameter(torch.zeros(4 * filters)) if bias else None
            self.register_parameter(f"{prefix}bias", zeros)
        self.convolve = (F.conv1d, F.conv2d, F.conv3d)[len(kernel) - 1]
        self.sides = [n for size in reversed(kernel) for n in ((size - 1) // 2, size // 2)]
        self.same = same
        self.sequences = sequences
        self.direction = direction

    def along(self, x: torch.Tensor, prefix: str, backward: bool) -> torch.Tensor:
        """One way along the axis."""
        kernel, recurrent, bias = (
            getattr(self, prefix + name) for name in ("kernel", "recurrent_kernel", "bias")
        )
        steps = x.shape[2]
        x = x.movedim(2, 1).flatten(0, 1)
        x = F.pad(x, self.sides) if self.same else x
        x = self.convolve(x, kernel, bias).unflatten(0, (-1, steps))
        h = c = torch.zeros_like(x[:, 0].chunk(4, dim=1)[0])
        states = [None] * steps
        for step in reversed(range(steps)) if backward else range(steps):
            gates = x[:, step] + self.convolve(F.pad(h, self.sides), recurrent)
            i, f, g, o = gates.chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            states[step] = h
        return torch.stack(states, dim=2) if self.sequences else h

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.direction != "both":
            return self.along(x, "", self.direction == "backward")
        ways = [self.along(x, "", False), self.along(x, "backward_", True)]
        return torch.cat(ways, dim=1)


def blur_pool(x: torch.Tensor, weights, stride) -> torch.Tensor:
    """Weighted sums of neighbouring cells along each axis, at strides."""
    for axis, (row, apart) in enumerate(zip(weights, stride, strict=True), start=2):
        cells = x.unfold(axis, len(row), apart)
        x = (cells * x.new_tensor(row)).sum(dim=-1)
    return x
