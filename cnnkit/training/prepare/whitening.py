"""A first convolution that begins as what whitens the patches of the training examples."""

from __future__ import annotations

import math
from typing import Any, Final

import jax
import numpy as np
from numpy.typing import NDArray

from cnnkit.network.initialization import laid
from cnnkit.spec.model.training.whitening import Whitening
from cnnkit.training.compute.optimizer import layer_of, name_of
from cnnkit.training.prepare.material import Material

Tree = Any
_TOGETHER: Final = 128


def whitened(settings: Whitening, material: Material, params: Tree) -> Tree:
    """Weights whose first convolution whitens.

    Args:
        settings: Which layer, and of how many examples.
        material: Whose training split is looked at, standardized as in training.
        params: The weights as they are drawn; filters beyond two for each eigenvector stay.
    """

    def begun(path: tuple[Any, ...], leaf: Any) -> Any:
        if layer_of(path) != settings.layer or name_of(path) != "kernel":
            return leaf
        *cells, filters = leaf.shape
        covariance = _covariance(material, tuple(cells[:-1]), settings.examples)
        vectors = whitening_vectors(covariance, settings.epsilon)[:, : -(-filters // 2)]
        both = np.concatenate([vectors, -vectors], 1)[:, :filters].reshape(*cells, -1)
        kernel = np.array(leaf)
        kernel[..., : both.shape[-1]] = both
        return laid(kernel)

    return jax.tree_util.tree_map_with_path(begun, params)


def whitening_vectors(covariance: NDArray[np.float64], epsilon: float) -> NDArray[np.float32]:
    """The eigenvectors over the roots of their eigenvalues, a column each, the largest first.

    Args:
        covariance: Of the cells of a patch, ``[P, P]``.
        epsilon: What is added to each eigenvalue.

    Returns:
        ``[P, P]``.
    """
    values, vectors = np.linalg.eigh(covariance)
    # Of a vector and its negative, both of which are right, the one whose largest part is above 0.
    largest = np.abs(vectors).argmax(0)
    vectors = vectors * np.sign(vectors[largest, np.arange(len(largest))])
    scaled: NDArray[np.float32] = (vectors / np.sqrt(values + epsilon))[:, ::-1].astype(np.float32)
    return scaled


def _covariance(material: Material, window: tuple[int, ...], most: int) -> NDArray[np.float64]:
    """The mean products of the cells of all patches, ``[P, P]``; cells as in a kernel."""
    table, indices = material.table("train"), material.indices("train")
    # Evenly from all of them, which may stand one class after the other.
    chosen = indices[np.linspace(0, len(indices) - 1, min(most, len(indices))).round().astype(int)]
    mean, deviation = material.statistics.mean, material.statistics.deviation
    products: Any = 0.0
    patches = 0
    for start in range(0, len(chosen), _TOGETHER):
        inputs = table.inputs_at(chosen[start : start + _TOGETHER])
        values = inputs / np.float32(255) if inputs.dtype == np.uint8 else inputs
        values = (values.astype(np.float32) - mean) / deviation
        axes = tuple(range(1, 1 + len(window)))
        seen = np.lib.stride_tricks.sliding_window_view(values, window, axes)
        # [N, *places, C, *window] to a row each of window and channels, as they are in a kernel.
        rows = np.moveaxis(seen, len(axes) + 1, -1)
        rows = rows.reshape(-1, math.prod(window) * inputs.shape[-1])
        products = products + rows.T.astype(np.float64) @ rows
        patches += len(rows)
    found: NDArray[np.float64] = products / patches
    return found
