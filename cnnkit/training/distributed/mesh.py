"""Which of the devices a training is spread over."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import TYPE_CHECKING

from cnnkit.errors import Finding, SpecError, UsageError
from cnnkit.network.kernels import onednn
from cnnkit.spec.language.place import inmost
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Parallelism, Train

if TYPE_CHECKING:
    import jax

    from cnnkit.training.view.display import Display


def require_devices(spec: Spec, recipe: Train, devices: Sequence[jax.Device]) -> None:
    """Raises where a recipe is of other devices than are there.

    Raises:
        SpecError: It is.
    """
    if fault := recipe.parallel.shortage(len(devices)):
        written = spec.origin.document
        node = None if written is None else inmost(written, ("train", *fault.field))
        place = None if node is None else node.location()
        raise SpecError(
            [Finding(fault.rule, "error", fault.message, fault.help, place)], spec.origin.file
        )


def adapted(recipe: Train, devices: Sequence[jax.Device], display: Display) -> Train:
    """The recipe of a run that goes on, for the devices that are there now.

    What was cut for devices is cut for fewer of them, as few as need be.
    """
    begun, count = recipe.parallel, len(devices)
    if begun.shortage(count) is None:
        return recipe
    spatial = gcd(begun.spatial, count)
    shard = gcd(begun.shard, count // spatial)
    there = Parallelism(shard=shard, spatial=spatial, sync_batch_norm=begun.sync_batch_norm)
    other = "" if begun.sync_batch_norm else "; batch norms take the statistics of other parts now"
    display.note(
        f"the run is of {begun.said()}, and there {'is' if count == 1 else 'are'} "
        f"{_devices(count)}: it goes on with {there.said()}{other}"
    )
    return recipe.model_copy(update={"parallel": there})


def usable(devices: Sequence[jax.Device], recipe: Train, display: Display) -> Sequence[jax.Device]:
    """As many of the devices as a batch can be cut for into equal parts.

    Raises:
        UsageError: A batch cannot be cut for those that the recipe asks for; or the devices are
            those of several processes, each of which must have its part.
    """
    size, parallel = int(recipe.batch_size), recipe.parallel
    if fault := parallel.shortage(len(devices)):
        raise UsageError(f"{fault.message}: {fault.help}")
    most = len(devices) // parallel.group
    groups = range(1, most + 1) if parallel.data == "all" else (parallel.data,)
    fitting = [count for count in groups if size % (count * parallel.shard) == 0]
    if not fitting:
        raise UsageError(
            f"{parallel.not_cut(size)}: make `batch_size` a multiple of {parallel.batch_parts}"
        )
    used, last = max(fitting) * parallel.group, devices[-1].process_index
    if used < len(devices) and last:
        _require_all(parallel, size, used, len(devices), last + 1)
    if used < len(devices) and parallel.data == "all":
        display.note(
            f"{used} of {len(devices)} devices are used: a batch of {size} is cut into equal "
            f"parts, so `batch_size` is best a multiple of {most * parallel.shard}"
        )
    return devices[:used]


def tell_of_kernels(devices: Sequence[jax.Device], display: Display) -> None:
    """Says where the extension for CPUs is there and of no use."""
    if len(devices) > 1 and devices[0].platform == "cpu" and onednn.load().active:
        display.note(
            f"layers are computed without oneDNN, whose functions XLA cannot divide among "
            f"{len(devices)} CPU devices: one process on one device may be faster"
        )


def _require_all(parallel: Parallelism, size: int, used: int, there: int, processes: int) -> None:
    """Raises, for not all devices of several processes are used."""
    if parallel.data != "all":
        raise UsageError(
            f"{parallel.said()} takes {used} of the {there} devices of {processes} processes, each "
            f"of which must have its part: write `data: all`, or take fewer processes"
        )
    parts = there // parallel.spatial
    raise UsageError(
        f"a batch of {size} is not cut into equal parts for the {there} devices of {processes} "
        f"processes: make `batch_size` a multiple of {parts}, or take another number of processes"
    )


def _devices(count: int) -> str:
    return f"{count} device{'s' * (count != 1)}"
