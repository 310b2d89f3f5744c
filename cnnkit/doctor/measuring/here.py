"""The file of the machine that this runs on."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

import jax

from cnnkit import __version__
from cnnkit.analysis.machines.machine import Machine
from cnnkit.analysis.precision import Precision, Program
from cnnkit.doctor.machine import processor
from cnnkit.doctor.measuring.programs import Stopwatch, memory_call, network_call, stopwatch
from cnnkit.doctor.measuring.rates import MEASURED, measure_machine
from cnnkit.network.kernels import onednn
from cnnkit.spec.model.spec import Spec

_BATCH: Final = {"cpu": 8}
_OF_ACCELERATORS: Final = 256
_ELEMENTS: Final = 1 << 25
"""Of the array that the memory's bandwidth is measured by: 128 MiB, more than most caches."""


def measured_here(
    watch: Stopwatch = stopwatch,
    precisions: Sequence[Precision] = MEASURED,
    tell: Callable[[str], object] = lambda _: None,
) -> Machine:
    """This machine's rates on the device that JAX uses first, in a minute or some.

    Args:
        watch: Takes the seconds of a call.
        precisions: Those that are measured.
        tell: Is told what is measured next.
    """
    device = jax.devices()[0]
    cpu = device.platform == "cpu"

    def seconds(spec: Spec, program: Program, batch: int, precision: Precision) -> float:
        return watch(network_call(spec, program, batch, precision))

    tell("measuring the memory")
    bandwidth = 2 * 4 * _ELEMENTS / watch(memory_call(_ELEMENTS))
    state = onednn.load()
    return measure_machine(
        seconds,
        bandwidth,
        name=processor() if cpu else device.device_kind,
        date=date.today().isoformat(),
        facts={
            "processor": processor(),
            "cores": str(os.cpu_count()),
            "system": platform.platform(),
            "device": f"{device.platform}, {device.device_kind}",
            "oneDNN": state.reason.partition(",")[0] if cpu and state.active else "not used",
        },
        versions={
            "cnnkit": __version__,
            "jax": jax.__version__,
            "Python": platform.python_version(),
        },
        batch=_BATCH.get(device.platform, _OF_ACCELERATORS),
        precisions=precisions,
        tell=tell,
    )
