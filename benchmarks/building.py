"""What building a network costs: ResNet-50 built and evaluated in the abstract.

The other side builds the same modules with Flax's own initialisers, which run one small program
for each shape of an array. The bar: ours takes less than 3 seconds
of processor time, which a busy machine does not stretch. Each run is a process of its
own, for what has been compiled once is not compiled again; importing JAX and Flax is left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from functools import partial
from pathlib import Path

from measuring import heading, in_turn, machine, milliseconds, table, versions

BAR = 3.0
SPEC = Path(__file__).parents[1] / "specs" / "zoo" / "resnet-50.yaml"
RUN = """\
import time
import jax, jax.numpy as jnp
from flax import nnx
import cnnkit
from cnnkit.network import initialization
if {eager}:
    from jax.nn import initializers
    names = {{"he": initializers.he_normal, "glorot": initializers.glorot_normal}}
    initialization.named = lambda name, unshared=0: names[name]()
spec = cnnkit.load({spec!r})
start = time.process_time()
network = cnnkit.build(spec)
jax.block_until_ready(nnx.state(network))
x = jax.ShapeDtypeStruct((1, *spec.input), jnp.float32)
jax.eval_shape(lambda x: network(x), x)
print(time.process_time() - start)
"""


def main() -> None:
    """Measures both sides in turn, and prints them with the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="how often each side is measured")
    n = parser.parse_args().n
    sides = {"cnnkit": partial(_run, eager=False), "Flax's initialisers": partial(_run, eager=True)}
    taken = in_turn(sides, n)
    ours, theirs = taken.values()
    print(heading({**machine(), **versions("jax", "flax", "numpy"), "n": str(n)}) + "\n")
    rows = [[side, milliseconds(seconds)] for side, seconds in taken.items()]
    print(table(["ResNet-50 built, and evaluated in the abstract", "time"], rows))
    print(f"\nratio {theirs / ours:.1f}; the bar is {BAR:g} s")
    sys.exit(0 if ours < BAR else 1)


def _run(*, eager: bool) -> float:
    code = RUN.format(spec=str(SPEC), eager=eager)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
