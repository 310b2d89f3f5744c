"""What a small training comes to on a mesh of four virtual devices; prints JSON.

A process of its own, as the number of devices is said before JAX starts.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import numpy as np

from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.spec.reading import load
from cnnkit.training.compute.state import State
from cnnkit.training.distributed.consensus import shared_state, whole_state
from cnnkit.training.engine import Engine, machine
from cnnkit.training.engine.base import STEP
from cnnkit.training.prepare.material import prepare
from cnnkit.training.store.checkpoint import Checkpoints, Record

STEPS = 6
BATCH = 16
MESHES: dict[str, dict[str, int]] = {
    "one": {},
    "data": {"data": 4},
    "shard": {"shard": 4},
    "spatial": {"shard": 2, "spatial": 2},
}
COLLECTIVES = "all-reduce|all-gather|reduce-scatter|collective-permute|all-to-all"
KERNEL = (128, 32)
"""The extents of the weights of the first dense layer."""


def network(file: Path, **parallel: int) -> Spec:
    """Convolutions of several strides, a batch norm, a pool and a dense layer."""
    return load(
        {
            "input": "8x6x2",
            "layers": [
                {"conv": {"filters": 8, "kernel": 3, "padding": "same"}},
                "batch_norm",
                "relu",
                {"max_pool": {"size": 3, "stride": 2, "padding": "same"}},
                {"conv": {"filters": 16, "kernel": 3, "stride": [1, 2], "padding": "same"}},
                "flatten",
                {"dense": {"units": 32}},
                "relu",
                {"dense": {"units": 3}},
            ],
            "train": {
                "data": {"arrays": str(file)},
                "split": {"validation": 0, "test": 0},
                "optimizer": {"adam": {"epsilon": 1e-3}},
                "learning_rate": 0.01,
                "batch_size": BATCH,
                "parallel": parallel,
            },
        }
    )


def engine_of(spec: Spec, devices: Sequence[jax.Device]) -> Engine:
    """The engine, compiled."""
    recipe = spec.train
    assert isinstance(recipe, Train)
    made = machine(spec, recipe, [prepare(spec, recipe, 3, data_dir=None)], devices)
    made.compile(made.start(), splits=())
    return made


def losses(engine: Engine, state: State, steps: int = STEPS) -> tuple[list[float], State]:
    """The loss of the epoch so far after each step, and the last state."""
    found, order = [], engine.order(0)
    for _ in range(steps):
        state = engine.advance(state, order, 1)
        seen = engine.glance(state)
        found.append(float(seen.loss) / int(seen.examples))
    return found, state


def parts(tree: Any) -> list[list[int]]:
    """The shape of what each device holds of the kernel of the dense layer, anywhere in a tree."""
    return [
        [*shard.data.shape]
        for leaf in jax.tree.leaves(tree)
        if leaf.shape == KERNEL
        for shard in leaf.addressable_shards
    ]


def collectives(program: str) -> list[tuple[str, list[str]]]:
    """The collectives of a compiled program, each with the shapes that it gives."""
    found = re.findall(rf"^\s*\S+ = (.*?) ({COLLECTIVES})(?:-start)?\(", program, re.MULTILINE)
    return [(name, re.findall(r"\w+\[[\d,]*\]", shapes)) for shapes, name in found]


def main(folder: Path) -> None:
    """Trains on each mesh, and goes on from a checkpoint on another one."""
    random = np.random.default_rng(0)
    file = folder / "examples.npz"
    images = random.integers(0, 256, (BATCH * STEPS, 8, 6, 2)).astype(np.uint8)
    np.savez(file, inputs=images, targets=np.arange(BATCH * STEPS) % 3)
    engines, found = {}, {}
    for name, parallel in MESHES.items():
        devices = jax.devices()[: 1 if name == "one" else 4]
        engine = engines[name] = engine_of(network(file, **parallel), devices)
        curve, state = losses(engine, engine.start())
        found[name] = {
            "losses": curve,
            "parts": parts(state.params),
            "slots": parts(state.optimizer),
            "collectives": collectives(engine._compiled[STEP].as_text()),
        }
    for begun, goes_on in (("shard", "one"), ("one", "spatial"), ("spatial", "shard")):
        first, state = losses(engines[begun], engines[begun].start(), STEPS // 2)
        checkpoints = Checkpoints(folder / f"{begun}-{goes_on}")
        checkpoints.save(whole_state(state), Record(STEPS // 2, (), None, 0.0))
        checkpoints.close()
        engine = engines[goes_on]
        kept = shared_state(engine.template(), checkpoints.found()[0])
        then, _ = losses(engine, engine.place(kept), STEPS - STEPS // 2)
        found[f"{begun} to {goes_on}"] = {"losses": [*first, *then]}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
