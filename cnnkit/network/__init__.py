"""Spec -> Flax module; mirrors ``cnnkit.layers`` family by family.

``build`` makes a ``Network``, which runs the graph that ``cnnkit.spec.tracing.trace`` gives. A node
with weights becomes a Flax module at the node's path, any other a function or a frozen value.

Raises:
    MissingExtraError: On import, where JAX or Flax are not installed.
"""

from __future__ import annotations

from cnnkit.errors import MissingExtraError

try:
    import flax as _flax  # noqa: F401
    import jax as _jax  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError(
        f"the training backend needs {error.name}: pip install 'cnnkit[train]'"
    ) from error

from cnnkit.network.build import build
from cnnkit.network.model import Network, Outputs

__all__ = ["Network", "Outputs", "build"]
