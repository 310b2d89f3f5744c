"""The arrays of a network by name: the path of the layer in the spec, a dot, the weight's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from cnnkit.network.model import Network

Arrays = Mapping[str, NDArray[np.float32]]


def arrays_of(network: Network) -> dict[str, NDArray[np.float32]]:
    """All that is trained, and the running statistics."""
    return {".".join(map(str, path)): np.asarray(each[...]) for path, each in _variables(network)}


def put_arrays(network: Network, arrays: Arrays) -> None:
    """Gives the arrays of a network that are named their values.

    Args:
        network: Changed in place.
        arrays: Each of the shape that the network has; what it has no name for stays as it is.
    """
    state = _state(network)
    for path, each in nnx.to_flat_state(state):
        name = ".".join(map(str, path))
        if name in arrays:
            each.set_value(jnp.asarray(arrays[name]))
    nnx.update(network, state)


def _state(network: Network) -> Any:
    return nnx.state(network, nnx.Any(nnx.Param, nnx.BatchStat))


def _variables(network: Network) -> Any:
    return nnx.to_flat_state(_state(network))
