"""Where branches meet, in the words of PyTorch."""

from __future__ import annotations

from cnnkit.export.common import Axes, joining

joined = joining("torch.cat({}, dim={})", Axes(channels=1, first=2), ":, :", "torch")
