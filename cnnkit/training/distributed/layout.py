"""Where the arrays of a training lie on its devices.

The devices are a mesh of three axes. A batch is cut along `data` and `shard`, the weights and what
the optimizer keeps of them along `shard`, maps along `spatial` by their first extent; all else is
on each device as a whole. The steps say no more than this: XLA's partitioner makes of them the one
program that all devices run, and adds what they send each other: sums of gradients, weights that
are gathered for their use, the halos of windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import jax
from jax import Array, lax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from cnnkit.network.kernels import divisible_only, plain_only
from cnnkit.spec.model.training import Parallelism
from cnnkit.spec.model.training.parallel import sharded_axis
from cnnkit.training.compute.state import State, Tree

T = TypeVar("T")
DATA, SHARD, SPATIAL = "data", "shard", "spatial"
_BATCH = (DATA, SHARD)


@dataclass(frozen=True)
class Layout:
    """How the steps of a training are divided among devices; of one device not at all.

    Attributes:
        mesh: The devices; None for one.
        sync_batch_norm: Whether the statistics of a batch norm are those of the whole batch.
    """

    mesh: Mesh | None = None
    sync_batch_norm: bool = True

    def extent(self, axis: str) -> int:
        """The devices along an axis of the mesh."""
        return 1 if self.mesh is None else int(self.mesh.shape[axis])

    @property
    def norm_parts(self) -> int:
        """The parts of a batch whose statistics batch norms take by themselves."""
        return 1 if self.sync_batch_norm else self.extent(DATA) * self.extent(SHARD)

    def spread(self, inputs: Tree, targets: Tree) -> tuple[Tree, Tree]:
        """A batch, each device with its part of it.

        Args:
            inputs: ``[N, *spatial, C]``, or a mapping of such by name.
            targets: The same of what is asked for; of maps ``[N, *spatial]`` or
                ``[N, *spatial, K]``.
        """
        if self.mesh is None:
            return inputs, targets
        # Images have four axes, and masks of them three.
        return (
            jax.tree.map(partial(self._part, 4), inputs),
            jax.tree.map(partial(self._part, 3), targets),
        )

    def _part(self, axes_of_maps: int, array: Array) -> Array:
        extent = self.extent(SPATIAL)
        is_cut = extent > 1 and array.ndim >= axes_of_maps and array.shape[1] % extent == 0
        return self._constrained(array, _BATCH, *([SPATIAL] if is_cut else []))

    def whole(self, weights: T) -> T:
        """Weights on each device as a whole, as layers read them; their gradients as they lie."""
        if self.extent(SHARD) == 1:
            return weights
        gathered: T = jax.tree.map(self._gathered, weights)
        return gathered

    def _gathered(self, array: Array) -> Array:
        # Else the gradient would lie as the weight is read: on each device, all of it.
        gather = jax.custom_vjp(self._constrained)
        axes = self._axes(array.shape)
        gather.defvjp(
            lambda array: (self._constrained(array), None),
            lambda _, gradient: (self._constrained(gradient, *axes),),
        )
        gathered: Array = gather(array)
        return gathered

    def kernels(self) -> AbstractContextManager[None]:
        """What layers are made of, and their gradients: what XLA can divide as the batch is."""
        if self.mesh is None:
            return nullcontext()
        return divisible_only() if self.extent(SPATIAL) == 1 else plain_only()

    def of_batch(self) -> NamedSharding | None:
        """Where each example of a batch lies; None of one device."""
        return None if self.mesh is None else self._sharding(_BATCH)

    def of_state(self, shapes: State, *, runs: int = 1) -> State:
        """Where each array of a state lies, a tree of shardings.

        Args:
            shapes: The state, or its shapes.
            runs: How many it is of; of several the first axis of each array is theirs.
        """

        def lying(leaf: Array) -> NamedSharding:
            axes: tuple[str | None, ...] = ()
            if runs == 1:
                axes = self._axes(leaf.shape)
            elif found := self._axes(leaf.shape[1:]):
                axes = (None, *found)
            return self._sharding(*axes)

        placed: State = jax.tree.map(lambda _: self._sharding(), shapes)
        return replace(
            placed,
            params=jax.tree.map(lying, shapes.params),
            optimizer=jax.tree.map(lying, shapes.optimizer),
            average=jax.tree.map(lying, shapes.average),
        )

    def _axes(self, shape: Sequence[int]) -> tuple[str | None, ...]:
        """What each axis of an array is cut along, up to the one that is."""
        axis = sharded_axis(shape, self.extent(SHARD))
        return () if axis is None else (*(None,) * axis, SHARD)

    def _sharding(self, *axes: str | tuple[str, ...] | None) -> NamedSharding:
        if self.mesh is None:
            raise ValueError("one device is no mesh")
        return NamedSharding(self.mesh, PartitionSpec(*axes))

    def _constrained(self, array: Array, *axes: str | tuple[str, ...] | None) -> Array:
        found: Array = lax.with_sharding_constraint(array, self._sharding(*axes))
        return found


UNDIVIDED = Layout()
"""That of one device."""


def layout_of(devices: Sequence[jax.Device], parallel: Parallelism) -> Layout:
    """The layout that a recipe asks for, on as many devices as it uses."""
    if len(devices) == 1:
        return UNDIVIDED
    extents = (len(devices) // parallel.group, parallel.shard, parallel.spatial)
    mesh = jax.make_mesh(
        extents, (DATA, SHARD, SPATIAL), axis_types=(AxisType.Auto,) * 3, devices=devices
    )
    return Layout(mesh, parallel.sync_batch_norm)
