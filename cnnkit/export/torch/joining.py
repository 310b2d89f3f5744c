"""Where branches meet, in the words of PyTorch."""

from __future__ import annotations

from cnnkit.export.common import joining

joined = joining("torch.cat({}, dim=1)", ":, :", "torch.maximum")
