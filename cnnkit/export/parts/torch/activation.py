"""What keeps the shape: activations, norms and noise."""

import torch
import torch.nn.functional as F
from torch import nn


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
