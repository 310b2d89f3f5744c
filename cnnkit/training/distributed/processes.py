"""Which processes train together, and how one joins them: before JAX looks for any device."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Timer

from cnnkit.errors import CnnkitError, TrainingError, UsageError, exit_code_of

TIMEOUT = 60
"""The seconds after which a process that is silent counts as lost."""
_INTERRUPTED = 130
_FAREWELL = 2.0
"""The seconds in which a process that has failed may say why."""

# What a cluster sets for each of its processes: their number, and what else must be there.
_CLUSTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Slurm": ("SLURM_NTASKS", ("SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID")),
    "Open MPI": ("OMPI_COMM_WORLD_SIZE", ("OMPI_MCA_orte_hnp_uri",)),
}
_KUBERNETES = ("KUBERNETES_SERVICE_HOST", "JOB_COMPLETION_INDEX")
_TPU_HOSTS = ("TPU_WORKER_HOSTNAMES", "TPU_PROCESS_ADDRESSES")


@dataclass(frozen=True)
class Processes:
    """Where one of several processes stands.

    Attributes:
        coordinator: `HOST:PORT` of the first process; None where JAX learns it, and the rest,
            from the cluster.
        count: How many there are.
        index: Which of them this one is, from 0 on.
        timeout: The seconds after which one that is silent counts as lost.
    """

    coordinator: str | None = None
    count: int | None = None
    index: int | None = None
    timeout: int = TIMEOUT


def processes_of(
    coordinator: str | None,
    count: int | None,
    index: int | None,
    timeout: int = TIMEOUT,
    environment: Mapping[str, str] = os.environ,
) -> Processes | None:
    """The processes that the command line names, or the cluster; None for one alone.

    Raises:
        UsageError: The options do not go together.
    """
    given = {"--coordinator": coordinator, "--processes": count, "--process-id": index}
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given):
        return Processes(timeout=timeout) if cluster_of(environment) else None
    if coordinator is None or count is None or index is None:
        raise UsageError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing: each process "
            f"is told --coordinator HOST:PORT of the first one, --processes N, and --process-id K "
            f"from 0 to N - 1; on one machine `cnnkit launch -n N -- train …` does so"
        )
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise UsageError(
            f"--coordinator {coordinator!r} is not HOST:PORT, such as 10.0.0.1:9000: a host that "
            f"all processes reach, and a port from 1 to 65535 that is free there"
        )
    if not 0 <= index < count:
        raise UsageError(
            f"--process-id {index} is none of --processes {count}: they count from 0 to {count - 1}"
        )
    return Processes(coordinator, count, index, timeout) if count > 1 else None


def cluster_of(environment: Mapping[str, str]) -> str | None:
    """The cluster that has started this process as one of several, where one has."""
    for name, (count, needed) in _CLUSTERS.items():
        if environment.get(count, "1") != "1" and all(each in environment for each in needed):
            return name
    if all(each in environment for each in _KUBERNETES):
        return "Kubernetes"
    if any("," in environment.get(each, "") for each in _TPU_HOSTS):
        return "a TPU pod"
    return None


@contextmanager
def joined(processes: Processes | None) -> Iterator[None]:
    """Trains as one of several processes; as one alone where there are no others.

    Raises:
        TrainingError: The others are not found in time.
    """
    if processes is None:
        yield
        return
    import jax

    try:
        join(processes)
        yield
    except BaseException as error:
        # JAX's own farewell waits for processes that may be gone, and then aborts; what writes a
        # part of a checkpoint waits for them too, and Python for that.
        atexit.register(_leave, _exit_code(error))
        leaving = Timer(_FAREWELL, _leave, [_exit_code(error)])
        leaving.daemon = True
        leaving.start()
        raise
    jax.distributed.shutdown()


def join(processes: Processes) -> None:
    """Finds the others.

    Raises:
        TrainingError: They are not found in time.
    """
    import jax

    try:
        jax.distributed.initialize(
            processes.coordinator,
            processes.count,
            processes.index,
            initialization_timeout=processes.timeout,
            heartbeat_timeout_seconds=processes.timeout,
            # Else all must come to the end at once, and the first of them draws pictures then.
            shutdown_timeout_seconds=processes.timeout * 10,
        )
    except (RuntimeError, ValueError) as error:
        who, where = "this process", cluster_of(os.environ)
        if processes.coordinator is not None:
            who = f"process {processes.index} of {processes.count}"
            where = processes.coordinator
        raise TrainingError(
            f"{who} does not find the others at {where} within {processes.timeout} s: "
            f"{str(error).splitlines()[0]}"
        ) from error


def _exit_code(error: BaseException) -> int:
    if isinstance(error, CnnkitError):
        return exit_code_of(error)
    return _INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


def _leave(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # whoever read it has left
            stream.flush()
    os._exit(code)
