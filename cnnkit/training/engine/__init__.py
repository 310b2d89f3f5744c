"""The steps of a run, compiled for its shapes, with the arrays that they read.

``Resident`` keeps all examples on the device and gathers each batch there, of one run or of several
side by side; ``Streamed`` is given each batch by the host. Both do the same to the same examples in
the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
from jax.sharding import Sharding

from cnnkit.network.weights import Arrays
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.training.compute.step import Steps, make_steps
from cnnkit.training.distributed.layout import layout_of
from cnnkit.training.engine.base import Engine, Glance, on_host
from cnnkit.training.engine.resident import Resident
from cnnkit.training.engine.streamed import Streamed
from cnnkit.training.prepare.device import replicated
from cnnkit.training.prepare.material import Material

__all__ = ["Engine", "Glance", "Resident", "Streamed", "engine", "machine", "on_host"]


def engine(
    steps: Steps, materials: Sequence[Material], sharding: Sharding, devices: Sequence[jax.Device]
) -> Engine:
    """The engine for a data set: it is streamed where it is too large for the device.

    Args:
        steps: The functions of the recipe.
        materials: One of each run; those of several runs must fit on the device.
        sharding: Where state and data lie.
        devices: What they run on.
    """
    kind = Resident if materials[0].dataset.fits_on_device() else Streamed
    return kind(steps, materials, sharding, devices)


def machine(
    spec: Spec,
    recipe: Train,
    materials: Sequence[Material],
    devices: Sequence[jax.Device],
    init: Arrays | None = None,
) -> Engine:
    """The engine of a recipe for a network, spread over the devices.

    Args:
        spec: The network.
        recipe: How it is trained; its rate and its batch are known.
        materials: One of each run.
        devices: As many as a batch can be cut for into equal parts.
        init: Weights and statistics to begin with, by their names; all others are drawn.
    """
    layout = layout_of(devices, recipe.parallel)
    steps = make_steps(
        spec,
        recipe,
        examples=len(materials[0].splits.train),
        batch_size=int(recipe.batch_size),
        multi_label=materials[0].multi_label(recipe),
        layout=layout,
        init=init,
    )
    return engine(steps, materials, replicated(devices, layout.mesh), devices)
