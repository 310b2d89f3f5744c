"""torchinfo: builds the network in PyTorch and summarises it, by a forward pass as it does.

The modules are those of torchvision. With ``--meta`` they live on the device of that name, where
no weight is filled and no product computed: the fastest that torchinfo can be.
"""

from __future__ import annotations

import sys

import torch
from serving import serve
from torch import nn
from torchinfo import summary


def conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the extents but for its stride."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class Bottleneck(nn.Module):
    """A residual of ResNet-50: 1x1, 3x3, 1x1."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(inputs, width),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            conv(width, width, 3, stride),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            conv(width, 4 * width),
            nn.BatchNorm2d(4 * width),
        )
        self.shortcut = nn.Sequential()
        if inputs != 4 * width or stride > 1:
            self.shortcut.append(conv(inputs, 4 * width, stride=stride))
            self.shortcut.append(nn.BatchNorm2d(4 * width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum of the body and the shortcut."""
        return torch.relu(self.body(x) + self.shortcut(x))


class Dense(nn.Module):
    """A layer of DenseNet-121, whose output joins its input."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            conv(inputs, 4 * growth),
            nn.BatchNorm2d(4 * growth),
            nn.ReLU(),
            conv(4 * growth, growth, 3),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The input, and the new channels after it."""
        return torch.cat([x, self.body(x)], 1)


def stem() -> list[nn.Module]:
    """What both networks begin with."""
    layers = [conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return list(layers)


def resnet_50() -> nn.Module:
    """He et al., 2015."""
    layers, channels = stem(), 64
    for stage, depth in enumerate((3, 4, 6, 3)):
        width = 64 * 2**stage
        for index in range(depth):
            layers.append(Bottleneck(channels, width, 2 if stage and not index else 1))
            channels = 4 * width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)]
    return nn.Sequential(*layers)


def densenet_121() -> nn.Module:
    """Huang et al., 2016."""
    layers, channels, growth = stem(), 64, 32
    for block, depth in enumerate((6, 12, 24, 16)):
        if block:
            layers += [nn.BatchNorm2d(channels), nn.ReLU(), conv(channels, channels // 2)]
            layers.append(nn.AvgPool2d(2))
            channels //= 2
        layers += [Dense(channels + index * growth, growth) for index in range(depth)]
        channels += depth * growth
    layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(channels, 1000))


MODELS = {"resnet-50": resnet_50, "densenet-121": densenet_121}


def count(network: str) -> int:
    """The parameters of a network of torchvision's table."""
    device = "meta" if "--meta" in sys.argv else "cpu"
    with torch.device(device):
        model = MODELS[network]()
    return int(summary(model, (1, 3, 224, 224), device=device, verbose=0).total_params)


if __name__ == "__main__":
    serve(count)
