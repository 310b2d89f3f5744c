"""A module of Flax NNX run by JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnkit.importing.model import ModuleRuntime, NotRunError

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array


@dataclass(frozen=True)
class FlaxRuntime(ModuleRuntime):
    """Runs the module itself.

    Attributes:
        module: It.
        outputs: The names of its outputs, in the order of its leaves.
    """

    module: Any
    outputs: Sequence[str]
    name: str = "Flax"

    def run(self, given: Mapping[str, Array]) -> Mapping[str, Array]:
        """What it gives for a batch of each input, in the order of its arguments.

        Raises:
            NotRunError: Flax cannot run it.
        """
        import jax
        import numpy as np
        from flax import nnx

        try:
            made = jax.jit(lambda *batches: nnx.clone(self.module)(*batches))(*given.values())
        except Exception as error:
            raise NotRunError(f"Flax cannot run the module: {error}") from error
        return dict(zip(self.outputs, map(np.asarray, jax.tree.leaves(made)), strict=True))
