"""How several processes of one machine share out its devices and cores."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from cnnkit.errors import UsageError


def gpus_of(count: int, environment: Mapping[str, str]) -> list[dict[str, str]]:
    """What each process is told of the GPUs of this machine; nothing where it has none.

    Raises:
        UsageError: There are fewer than processes.
    """
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    gpus = [each for each in visible.split(",") if each] if visible is not None else _listed_gpus()
    if not gpus:
        return [{} for _ in range(count)]
    if len(gpus) < count:
        raise UsageError(
            f"{count} processes cannot share out {len(gpus)} GPU{'s' * (len(gpus) > 1)}: take "
            f"-n {len(gpus)} at most, or `train … --device cpu`"
        )
    each = len(gpus) // count
    parts = (gpus[index * each : (index + 1) * each] for index in range(count))
    return [{"CUDA_VISIBLE_DEVICES": ",".join(part)} for part in parts]


def _listed_gpus() -> list[str]:
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],  # noqa: S607 - on the path
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return listed.stdout.split()


def keep_to_cores(pid: int, index: int, count: int) -> None:
    """Gives a process its part of the cores, where there are enough."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    each = len(cores) // count
    if each:
        with suppress(OSError):  # it has ended already
            os.sched_setaffinity(pid, cores[index * each : (index + 1) * each])
