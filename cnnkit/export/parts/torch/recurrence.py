"""Layers along a sequence."""

import torch
import torch.nn.functional as F
from torch import nn


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
