"""Which devices a run uses, and what is set for them before JAX looks for any."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from cnnkit.errors import UsageError

if TYPE_CHECKING:
    import jax
    from jax.sharding import Mesh, Sharding

DeviceName = Literal["auto", "cpu", "gpu", "tpu"]

_DETERMINISTIC = "xla_gpu_exclude_nondeterministic_ops"
_PLUGINS = {
    "gpu": "the plug-in for NVIDIA's: pip install 'jax[cuda13]' (or 'jax[cuda12]')",
    "tpu": "the plug-in for TPUs: pip install 'jax[tpu]'",
}


def choose(name: DeviceName) -> list[jax.Device]:
    """The devices of a kind, of all processes; of `auto`, the best that are there.

    Raises:
        UsageError: There is none of them.
    """
    import jax

    if name == "auto":
        devices: list[jax.Device] = jax.devices()
        return devices
    if name == "cpu":  # or a GPU that is not asked for would be found and most of it set aside
        jax.config.update("jax_platforms", "cpu")
    try:
        found: list[jax.Device] = jax.devices(name)
    except RuntimeError as error:
        there = ", ".join(sorted({device.platform for device in jax.local_devices()}))
        raise UsageError(
            f"--device {name}: JAX finds no {name.upper()} here, only {there}; "
            + (f"it needs {_PLUGINS[name]}" if name in _PLUGINS else str(error).splitlines()[0])
        ) from error
    return found


def own(devices: Sequence[jax.Device]) -> jax.Device:
    """The first of the devices that is this process's, for what it tries out alone."""
    import jax

    process = jax.process_index()
    return next(device for device in devices if device.process_index == process)


def host() -> jax.Device | None:
    """The memory of this process as a device; None where JAX was told to leave it out."""
    import jax

    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return None


def replicated(devices: Sequence[jax.Device], mesh: Mesh | None) -> Sharding:
    """Where weights and data sets lie: on each of the devices as a whole."""
    from jax.sharding import NamedSharding, PartitionSpec, SingleDeviceSharding

    if mesh is None:
        return SingleDeviceSharding(devices[0])
    return NamedSharding(mesh, PartitionSpec())


def compiler_options(devices: Sequence[jax.Device]) -> dict[str, bool | str]:
    """What XLA is asked for, so that two runs end in the same bits.

    Without it cuDNN may be given algorithms, and scatters an order, in which sums are added up
    differently each time.
    """
    return {_DETERMINISTIC: True} if devices[0].platform == "gpu" else {}


def peak_bytes(device: jax.Device) -> int | None:
    """The most bytes that a device has held so far; of a CPU the whole process.

    None where the system does not say.
    """
    if device.platform != "cpu":
        return int((device.memory_stats() or {}).get("peak_bytes_in_use", 0)) or None
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
