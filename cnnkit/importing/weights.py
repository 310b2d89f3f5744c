"""The arrays of a model at the paths of a spec, and as a safetensors file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnnkit.errors import UsageError
from cnnkit.importing.layer import WrittenLayer, walk
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.tracing import graph_of

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array


class MismatchError(Exception):
    """The spec is not that of the model: a fault of the import, not of the model."""


def arrays_of(spec: Spec, layers: Sequence[WrittenLayer]) -> dict[str, Array]:
    """Each array by the path of its layer and its own name, joined by dots.

    Args:
        spec: The spec as it was written and read again.
        layers: The tree that it was written from: both run in the same order.

    Raises:
        MismatchError: The spec has other arrays than the tree.
    """
    import numpy as np

    graph = graph_of(spec)
    nodes = [node for node in graph.nodes if node.effect.weights]
    given = [arrays for layer in walk(layers) for arrays in layer.arrays]
    if len(nodes) != len(given):
        raise MismatchError(f"{len(nodes)} layers have weights, {len(given)} of the model")
    found: dict[str, Array] = {}
    for node, arrays in zip(nodes, given, strict=True):
        wanted = {weight.name: weight.shape for weight in node.effect.weights}
        held = {name: array.shape for name, array in arrays.items()}
        if wanted != held:
            raise MismatchError(f"{node.path} has {wanted}, the model {held}")
        for name, array in arrays.items():
            found[f"{node.path}.{name}"] = np.ascontiguousarray(array, np.float32)
    return found


def save(arrays: Mapping[str, Array], spec: str, path: Path, **more: object) -> None:
    """Writes arrays as safetensors, with the text of the spec and our version beside them.

    Args:
        arrays: By the paths of the spec.
        spec: Its text.
        path: The file.
        more: What else is known of them, ``classes`` and ``preprocessing``; None is left out.

    Raises:
        MissingExtraError: The package ``safetensors`` is not installed.
        UsageError: The file cannot be written.
    """
    from cnnkit.network.weights_file import metadata_of, written

    try:
        path.write_bytes(written(arrays, metadata_of(spec, **more)))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
