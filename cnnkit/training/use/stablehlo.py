"""A network as StableHLO for CPUs, GPUs and TPUs at once, proven before it is said to be there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array, export

from cnnkit.errors import ExportError
from cnnkit.network.kernels import plain_only
from cnnkit.training.compute.inputs import scaled, standardized
from cnnkit.training.use.export import (
    Exported,
    alone,
    answers,
    batches,
    by_name,
    distances,
    write,
)
from cnnkit.training.use.weights import Weights

PLATFORMS: Final = ("cpu", "cuda", "tpu")
"""What a file is for, in JAX's words."""


def export_stablehlo(weights: Weights, path: Path, *, raw: bool = False) -> Exported:
    """Writes the network as StableHLO whose output was compared with our own.

    The file is what ``jax.export`` serializes: a portable artifact of StableHLO, whose form later
    versions read, with its calling convention. It holds the weights, its operations are XLA's own,
    and the batch is open.

    Args:
        weights: The network.
        path: The file.
        raw: Whether it takes what the first layer reads, not the values of files.

    Raises:
        ExportError: It gives something else than the network.
    """
    record = weights.of_files(raw=raw)
    dtype = np.dtype(np.float32)
    if record is not None and (read := np.dtype(record.dtype)).kind != "f":
        dtype = read
    (batch,) = export.symbolic_shape("batch")
    shapes = {
        name: jax.ShapeDtypeStruct((batch, *shape), dtype)
        for name, shape in weights.graph.inputs.items()
    }
    with plain_only():
        program = export.export(jax.jit(_whole(weights, raw=raw)), platforms=PLATFORMS)
        exported = program(alone(shapes))
    content = bytes(exported.serialize())
    inputs = batches(weights, record)
    given = export.deserialize(bytearray(content)).call(alone(inputs))
    found = {name: np.asarray(each) for name, each in by_name(weights, given).items()}
    difference = distances(found, answers(weights, inputs, record), "the program of StableHLO")
    write(path, content)
    if path.read_bytes() != content:
        raise ExportError(f"{path} does not hold what was written to it: look at the disk")
    return Exported(path, len(weights.arrays), difference=difference)


def _whole(weights: Weights, *, raw: bool) -> Callable[[Array], Array]:
    """From the values of files, or what the first layer reads, to what the network gives."""
    graphdef, params, stats = weights.network.parts()
    record = weights.of_files(raw=raw)

    def predict(inputs: Array) -> Array:
        x: Any = inputs
        if record is not None:
            x = scaled(inputs)
            if inputs.dtype != jnp.uint8 and record.value_range is not None:
                low, high = (np.float32(each) for each in record.value_range)
                x = (x - low) / (high - low)
            x = standardized(x, record.statistics)
        y: Array = nnx.merge(graphdef, params, stats)(x)
        return y

    return predict
