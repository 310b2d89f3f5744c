"""Folds side by side against one after the other: the same folds, compiled beforehand on each side.

Side by side a step of all folds is one call by ``jax.vmap``; one after the other the folds share
one compiled program. `cnnkit cross-validate` chooses by the device: on a CPU the convolutions of
mapped folds become grouped ones, which XLA does slowly there; an accelerator is idle most of the
time under one small network.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import jax
from measuring import heading, in_turn, machine, milliseconds, table, versions

import cnnkit
from cnnkit.network import compilation_cache
from cnnkit.selection.folds.cross_validation import cut, parts
from cnnkit.selection.recipe import recipe
from cnnkit.selection.run_group import RunGroup, of_equal_size
from cnnkit.training import engine as engines
from cnnkit.training.prepare.sealed import RunExamples, sealed

SPEC = Path(__file__).parents[1] / "specs" / "digits.yaml"


def main() -> None:
    """Measures both sides in turn and prints the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spec", nargs="?", default=SPEC, type=Path)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=2, help="Of each measurement.")
    parser.add_argument("--n", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    folds, epochs, n = (2, 1, 1) if flags.quick else (flags.folds, flags.epochs, flags.n)
    compilation_cache.enable()
    spec = cnnkit.load(flags.spec)
    train = recipe(spec)
    data = sealed(spec, train, None)
    each = parts(data, cut(data, folds, train), train.seed)
    alike = [each[number] for number in of_equal_size(each, range(len(each)))[0]]
    device = jax.devices()[0]

    def training(group: list[RunExamples]) -> RunGroup:
        materials = [data.material(spec, train, part) for part in group]
        return RunGroup(engines.machine(spec, train, materials, [device]))

    together, alone = [training(alike)], [training([part]) for part in alike]
    seconds = in_turn(
        {
            "side by side": lambda: trained(together, epochs),
            "one after the other": lambda: trained(alone, epochs),
        },
        n,
    )
    ratio = seconds["one after the other"] / seconds["side by side"]
    facts = {**machine(), "device": device.device_kind, **versions("jax", "flax")}
    if flags.json:
        print(json.dumps({"facts": facts, "seconds": seconds, "ratio": ratio}, indent=2))
        return
    print(heading(facts))
    print(
        f"{spec.name}: {len(alike)} folds of {len(data.indices):,} examples, {epochs} epochs each "
        f"and their judgement, medians of n = {n}\n"
    )
    rows = [[name, milliseconds(taken)] for name, taken in seconds.items()]
    print(table(["folds", "time"], rows))
    print(f"\nratio {ratio:.2f}: side by side is that many times as fast")


def trained(groups: list[RunGroup], epochs: int) -> float:
    """The seconds that the groups take for some epochs more, and for judging what is held out."""
    begun = time.perf_counter()
    for group in groups:
        for epoch in range(1, epochs + 1):
            group.epoch(epoch)
        group.judged()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
