"""What memory the analysis predicts, beside what XLA plans on this machine: compiled, never run.

Training is a step of momentum with all state given away to the next. XLA's own operations are
compiled, as `cnnkit verify --batch` does. The bar: both predictions within 15 % of XLA's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from measuring import heading, machine, table, versions

import cnnkit
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
    parser.add_argument("networks", nargs="*", default=NETWORKS, help="specs of the zoo")
    parser.add_argument("--batch", type=int, default=32, help="examples at once")
    asked = parser.parse_args()
    rows, optimizer = [], optimizer_of("momentum")
    for name in asked.networks:
        spec = cnnkit.load(SPECS / "zoo" / f"{name}.yaml")
        analysis = cnnkit.analyze(spec, batch=asked.batch, optimizer="momentum")
        compared = compare_memory(analysis, optimizer)
        rows.append([name, *(cell for each in compared for cell in _cells(each))])
    print(heading({**machine(), **versions("jax", "flax", "optax")}) + "\n")
    header = ["network", "inference", "XLA", "off by", "training", "XLA", "off by"]
    print(table(header, rows))


def _cells(each: MemoryComparison) -> tuple[str, str, str]:
    mark = "" if each.expected else " *"
    return memory(each.analysis), memory(each.xla), f"{each.difference:+.1%}{mark}"


if __name__ == "__main__":
    main()
