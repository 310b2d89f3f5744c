"""What a run was made with: versions, machine, command."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import jax

from cnnkit import __version__
from cnnkit.training.store.environment import Environment

if TYPE_CHECKING:
    from cnnkit.training.options import Options

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "scikit-learn")
_VARIABLES = ("XLA_FLAGS", "OMP_NUM_THREADS", "JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES")


def environment(devices: Sequence[jax.Device], options: Options) -> Environment:
    """What is to be known to make a run again."""
    return Environment(
        versions=versions(),
        system=platform.platform(),
        processors=os.cpu_count(),
        devices=tuple(device.device_kind for device in devices),
        variables={name: os.environ[name] for name in _VARIABLES if name in os.environ},
        command=tuple(sys.argv),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        options=options.to_dict(),
    )


def versions() -> dict[str, str]:
    """The versions of all that computes."""
    return {
        "cnnkit": __version__,
        "python": platform.python_version(),
        **{name: found for name in _PACKAGES if (found := _version(name)) is not None},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
