"""Convolutions, how their weights start and how their filters are normalized."""

import itertools
import math

import torch
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


def dirac(weight: torch.Tensor, groups: int = 1) -> None:
    """The first filters of each group hand on a channel each; the rest stay as they are."""
    for filters in weight.chunk(groups):
        nn.init.dirac_(filters[: filters.shape[1]])


def without(layer: nn.Module, *names: str) -> nn.Module:
    """A normalization without its scale (`weight`) or its shift (`bias`)."""
    for name in names:
        layer.register_parameter(name, None)
    return layer


def settled(layer: nn.Module) -> nn.Module:
    """A layer that keeps its running statistics and works by them, in training too."""
    layer.register_forward_pre_hook(in_evaluation)
    return layer


def in_evaluation(layer: nn.Module, inputs: tuple) -> None:
    """Has a layer evaluate, whatever the model does."""
    del inputs
    layer.eval()


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
