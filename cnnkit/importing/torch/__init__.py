"""Modules of PyTorch, as `torch.export` traces them: their code runs."""

from __future__ import annotations

from cnnkit.importing.torch.loading import load_module
from cnnkit.importing.torch.module import read, zeros

__all__ = ["load_module", "read", "zeros"]
