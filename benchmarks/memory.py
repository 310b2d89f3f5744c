"""What memory the analysis predicts, beside what XLA plans on this machine: compiled, never run.

Training is a step of momentum with all state given away to the next. XLA's own operations are
compiled, as `cnnkit verify --batch` does. The bar: both predictions within 15 % of XLA's.

With --process the networks of `training.py` are trained for some steps, batch 128, each in a
process of its own with the kernels of this machine: the prediction of training beside what the
process grows by in its steps, and the state that it had before. The bar: within 25 %.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from measuring import environment, heading, machine, table, versions
from training import NETWORKS as TRAINED
from training import PEERS, Network

import cnnkit
from cnnkit.analysis.precision import Precision
from cnnkit.cli.sources import reading_of
from cnnkit.network.memory import MemoryComparison, compare_memory
from cnnkit.presentation.numbers import memory
from cnnkit.training.compute.optimizer import optimizer_of

SPECS = Path(__file__).parents[1] / "specs"
NETWORKS = [
    *("lenet-5", "resnet-20-cifar", "resnet-56-cifar", "wrn-28-10", "ecg-resnet", "mobilenet-v1"),
    *("mobilenet-v2", "mobilenet-v3-small", "efficientnet-b0", "convnext-tiny", "u-net-padded"),
    *("vgg-11", "resnet-18", "alexnet", "squeezenet-1.1", "shufflenet-v2-1.0"),
    *("mobilenet-v3-large", "densenet-121", "u-net", "../segment-digits"),
]


def main() -> None:
    """Compiles each network and prints a row for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", help="specs of the zoo; with --process of its four")
    parser.add_argument("--batch", type=int, help="examples at once: 32, with --process 128")
    parser.add_argument("--process", action="store_true", help="train, in place of XLA's plan")
    parser.add_argument(
        "--precision", choices=["float32", "bfloat16"], default="float32", help="with --process"
    )
    asked = parser.parse_args()
    if asked.process:
        _of_processes(asked.networks, asked.batch or 128, asked.precision)
        return
    rows, optimizer = [], optimizer_of("momentum")
    for name in asked.networks or NETWORKS:
        spec = cnnkit.load(SPECS / "zoo" / f"{name}.yaml")
        analysis = cnnkit.analyze(spec, batch=asked.batch or 32, optimizer="momentum")
        compared = compare_memory(analysis, optimizer)
        rows.append([name, *(cell for each in compared for cell in _cells(each))])
    print(heading({**machine(), **versions("jax", "flax", "optax")}) + "\n")
    header = ["network", "inference", "XLA", "off by", "training", "XLA", "off by"]
    print(table(header, rows))


def _of_processes(names: Sequence[str], batch: int, precision: Precision) -> None:
    """Trains the networks of `training.py` that classify, and prints a row for each."""
    rows = []
    for network in TRAINED:
        if network.maps or (names and network.name not in names):
            continue
        spec = reading_of(str(network.spec), list(network.flags)).spec
        assert spec is not None
        analysis = cnnkit.analyze(spec, batch=batch, optimizer="momentum", precision=precision)
        parts = analysis.totals.memory.in_training
        assert parts is not None
        taken = _grown(network, batch, precision) + parts.parameters + parts.slots + parts.state
        off = f"{parts.total / taken - 1:+.1%}"
        rows.append([network.name, memory(parts.total), memory(taken), off])
    facts = {**machine(), **versions("jax", "flax", "optax", "onednn-cpu-gomp")}
    print(f"{heading(facts)}; {precision}, batch {batch}\n")
    print(table(["network", "training", "process", "off by"], rows))


def _grown(network: Network, batch: int, precision: str) -> int:
    """The bytes by which a process that trains the network grows in its steps."""
    command = [
        sys.executable, str(PEERS / "training_memory.py"), str(network.spec),
        "--batch", str(batch), "--precision", precision,
        "--shape", *map(str, network.shape), "--flags", *network.flags,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    return int(json.loads(done.stdout.splitlines()[-1]))


def _cells(each: MemoryComparison) -> tuple[str, str, str]:
    mark = "" if each.expected else " *"
    return memory(each.analysis), memory(each.xla), f"{each.difference:+.1%}{mark}"


if __name__ == "__main__":
    main()
