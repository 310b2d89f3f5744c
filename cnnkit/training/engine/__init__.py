"""The steps of a run, compiled for its shapes, with the arrays that they read.

``Resident`` keeps all examples on the device and gathers each batch there; ``Streamed`` is given
each batch by the host. Both do the same to the same examples in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
from jax.sharding import Sharding

from cnnkit.training.compute.step import Steps
from cnnkit.training.engine.base import Engine, Glance
from cnnkit.training.engine.resident import Resident
from cnnkit.training.engine.streamed import Streamed
from cnnkit.training.prepare.material import Material

__all__ = ["Engine", "Glance", "Resident", "Streamed", "engine"]


def engine(
    steps: Steps, material: Material, sharding: Sharding, devices: Sequence[jax.Device]
) -> Engine:
    """The engine for a data set: it is streamed where it is too large for the device."""
    kind = Resident if material.dataset.fits_on_device() else Streamed
    return kind(steps, material, sharding, devices)
