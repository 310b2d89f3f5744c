"""From the start of a process to the end of the first step of ResNet-20, compiled before.

The first run of all may compile, and is not counted. The aim is 3 seconds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from measuring import environment, heading, in_turn, machine, table, versions

HERE = Path(__file__).parent
AIM = 3.0
SIDE = HERE / "peers" / "training_cnnkit.py"
SPEC = HERE.parent / "specs" / "zoo" / "resnet-20-cifar.yaml"


def first_step(*settings: tuple[str, str]) -> float:
    """The seconds until a new process has taken its first step."""
    command = [sys.executable, str(SIDE), str(SPEC), "--batch", "128", "--shape", "32", "32", "3"]
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment() | dict(settings),
    )
    assert process.stdout is not None
    process.stdout.readline()  # the side says so after its first step
    seconds = time.perf_counter() - start
    process.communicate()
    return seconds


def main() -> None:
    """Measures with and without the cache of compiled programs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="n = 1")
    given = parser.parse_args()
    given.n = 1 if given.quick else given.n
    cold = partial(first_step, ("JAX_ENABLE_COMPILATION_CACHE", "false"))
    taken = in_turn({"warm": first_step, "compiled anew": cold}, given.n)
    print(f"{heading(machine() | versions('jax', 'flax'))}; medians of n = {given.n}\n")
    print(table(("first step", "seconds"), [(name, f"{s:.1f}") for name, s in taken.items()]))
    print(f"\naim: {AIM:.0f} s, {'met' if taken['warm'] <= AIM else 'not met'}")


if __name__ == "__main__":
    main()
