"""Layers along a sequence."""

import torch
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
