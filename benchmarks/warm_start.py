"""From the start of a process to the end of the first training step, compiled anew and before.

Each process has a cache of compiled programs of its own, empty at first. The aims: with an empty
one 6 seconds for ResNet-20 and 12 for MobileNetV2, with one that an earlier process has filled 2.5
for every network.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from measuring import environment, heading, machine, realtime, table, versions
from training import NETWORKS, Network

SIDE = Path(__file__).parent / "peers" / "training_cnnkit.py"
ANEW = {"resnet-20": 6.0, "mobilenet-v2": 12.0}
KEPT = 2.5
SMALL = NETWORKS[:4]


class Start(NamedTuple):
    """What a first step took.

    Attributes:
        seconds: From the start of the process to the end of the step.
        cores: What all its threads used until the process ended.
    """

    seconds: float
    cores: float


def started(network: Network, cache: str) -> Start:
    """A new process that takes a step of batch 128 and ends."""
    command = [
        sys.executable, str(SIDE), str(network.spec), "--batch", "128",
        "--shape", *map(str, network.shape), "--flags", *network.flags,
    ]  # fmt: skip
    settings = {
        "JAX_COMPILATION_CACHE_DIR": cache,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    before, begun = _cores(), time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment() | settings,
    )
    assert process.stdout is not None
    while not (line := process.stdout.readline()).startswith("{"):  # after the first step
        if not line:
            raise SystemExit(f"{network.name}: the process ended before its first step")
    seconds = time.perf_counter() - begun
    process.communicate()
    return Start(seconds, _cores() - before)


def _cores() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pair(network: Network) -> tuple[Start, Start]:
    """A start with an empty cache, and one with what that has kept."""
    with TemporaryDirectory() as cache:
        return started(network, cache), started(network, cache)


def main() -> None:
    """Measures each network, and prints the medians beside the aims."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=5)
    parser.add_argument("--networks", nargs="+", default=[each.name for each in SMALL])
    parser.add_argument("--realtime", action="store_true", help="at real-time priority; needs root")
    parser.add_argument("--quick", action="store_true", help="n = 1")
    given = parser.parse_args()
    n = 1 if given.quick else given.n
    rows = []
    for network in SMALL:
        if network.name not in given.networks:
            continue
        with realtime() if given.realtime else nullcontext():  # the processes inherit it
            pairs = [pair(network) for _ in range(n)]
        for name, aim, starts in (
            ("empty", ANEW.get(network.name), [anew for anew, _ in pairs]),
            ("filled", KEPT, [kept for _, kept in pairs]),
        ):
            seconds = median(each.seconds for each in starts)
            verdict = "none" if aim is None else f"{aim} s, {'met' if seconds <= aim else 'missed'}"
            cores = median(each.cores for each in starts)
            rows.append((f"{network.name}, {name}", f"{seconds:.1f} s", f"{cores:.1f} s", verdict))
    facts = machine() | versions("jax", "flax", "optax")
    print(f"{heading(facts)}; medians of n = {n}\n")
    print(table(("network, cache", "first step", "cores' time", "aim"), rows))


if __name__ == "__main__":
    main()
