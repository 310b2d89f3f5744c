"""A module of PyTorch run by PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnkit.importing.model import ModuleRuntime, NotRunError

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array


@dataclass(frozen=True)
class TorchRuntime(ModuleRuntime):
    """Runs the module itself.

    Attributes:
        module: It.
        outputs: The names of its outputs.
    """

    module: Any
    outputs: Sequence[str]
    name: str = "PyTorch"

    def run(self, given: Mapping[str, Array]) -> Mapping[str, Array]:
        """What it gives for a batch of each input, in the order of its arguments.

        Raises:
            NotRunError: PyTorch cannot run it.
        """
        import numpy as np
        import torch
        from torch.utils import _pytree

        try:
            with torch.no_grad():
                made = self.module(*map(torch.from_numpy, given.values()))
        except Exception as error:
            raise NotRunError(f"PyTorch cannot run the module: {error}") from error
        arrays = [np.asarray(tensor.numpy()) for tensor in _pytree.tree_leaves(made)]
        return dict(zip(self.outputs, arrays, strict=True))
