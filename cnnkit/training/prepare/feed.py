"""What the steps of a training read, laid on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Sharding

from cnnkit.data.dataset import ExampleArrays, Indices
from cnnkit.training.compute.state import ExamplePool, Feed
from cnnkit.training.prepare.material import Material


def feed_of(
    materials: Sequence[Material], sharding: Sharding, pool: ExamplePool | None = None
) -> Feed:
    """What the steps read, on the device: of one run, or of several with an axis of runs.

    Args:
        materials: Those of the runs, of one data set, their splits of the same sizes.
        sharding: Where to.
        pool: The examples, where they are there; none is laid there where they are too many.
    """
    own = [
        {
            "train": material.splits.train.astype(np.int32),
            **_standardizing(material),
            "class_weights": material.class_weights,
            "seed": np.uint32(material.seed),
        }
        for material in materials
    ]
    placed = jax.device_put(side_by_side(own), sharding)
    return Feed(pool=pool or pool_on(np.zeros(0), np.zeros(0), sharding), **placed)


def _standardizing(material: Material) -> dict[str, Any]:
    """What inputs are standardized with, of several by their names."""
    each = {name: one.statistics for name, one in material.inputs.items()}
    own = material.statistics
    return {
        "mean": {name: one.mean for name, one in each.items()} or own.mean,
        "deviation": {name: one.deviation for name, one in each.items()} or own.deviation,
    }


def side_by_side(trees: Sequence[Any]) -> Any:
    """Trees of NumPy arrays as one, stacked along a first axis of runs; of one run as it is."""
    if len(trees) == 1:
        return trees[0]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def pool_of(table: ExampleArrays, sharding: Sharding) -> ExamplePool:
    """All examples on the device."""
    return pool_on(*table.at(slice(None)), sharding)


def pool_of_zeros(table: ExampleArrays, size: int, sharding: Sharding) -> ExamplePool:
    """So many examples of the same shapes and types."""
    inputs, targets = jax.tree.map(
        lambda array: np.zeros((size, *array.shape[1:]), array.dtype), table.at(slice(0, 1))
    )
    return pool_on(inputs, targets, sharding)


def pool_on(inputs: Any, targets: Any, sharding: Sharding) -> ExamplePool:
    """Inputs and targets on the device."""
    placed = on_device(inputs, sharding)
    return ExamplePool(placed, placed if targets is inputs else on_device(targets, sharding))


class BatchShare:
    """Which examples of a batch this process reads: those that its own devices work on.

    Args:
        sharding: How a batch lies on the devices.
        size: The examples of a batch.

    Attributes:
        sharding: How a batch lies on the devices.
    """

    def __init__(self, sharding: Sharding, size: int) -> None:
        self.sharding = sharding
        self._size = size
        mine = sharding.addressable_devices_indices_map((size,)).values()
        rows = np.zeros(size, np.bool_)
        for part in mine:
            rows[part or slice(None)] = True
        self._rows = np.flatnonzero(rows)

    def of(self, chosen: Indices) -> Indices:
        """Of the examples of a batch those that are read here."""
        return chosen[self._rows]

    def pool(self, inputs: Any, targets: Any) -> ExamplePool:
        """A batch on all devices, from what each process has read of it."""
        placed = self.placed(inputs)
        return ExamplePool(placed, placed if targets is inputs else self.placed(targets))

    def zeros(self, table: ExampleArrays) -> ExamplePool:
        """A batch of the shapes and types of some examples."""
        inputs, targets = jax.tree.map(
            lambda array: np.zeros((len(self._rows), *array.shape[1:]), array.dtype),
            table.at(slice(0, 1)),
        )
        return self.pool(inputs, targets)

    def placed(self, arrays: Any) -> Any:
        """An array of the examples that are read here as that of all, or all of a mapping."""

        def whole(own: np.ndarray[Any, Any]) -> jax.Array:
            shape = (self._size, *own.shape[1:])
            found: jax.Array = jax.make_array_from_process_local_data(self.sharding, own, shape)
            return found

        return jax.tree.map(whole, arrays)


def on_device(arrays: Any, sharding: Sharding) -> Any:
    """An array on the device, or all of a mapping of names."""
    return jax.device_put(arrays, sharding)
