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
from typing import Any, cast
from unittest.mock import patch

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import numpy as np

from cnnkit.data import Dataset
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
    "shard and spatial": {"shard": 2, "spatial": 2},
}
STREAMED = "data"
"""The mesh whose batches are laid on the devices one by one; on the others all examples are."""
COLLECTIVES = "all-reduce|all-gather|reduce-scatter|collective-permute|all-to-all"
KERNEL = (768, 3)
"""The extents of the weights of the dense layer."""


def network(file: Path, **parallel: int) -> Spec:
    """A batch norm, a convolution and a pool, which look over the cut, and a dense layer."""
    return load(
        {
            "input": "8x6x2",
            "layers": [
                "batch_norm",
                {"conv": {"filters": 64, "kernel": 3, "padding": "same"}},
                "relu",
                {"max_pool": {"size": 3, "stride": 2, "padding": "same"}},
                "flatten",
                {"dense": {"units": 3}},
            ],
            "train": {
                "data": {"arrays": str(file)},
                "split": {"validation": 0, "test": 0},
                "optimizer": {"adam": {"epsilon": 1e-3}},
                "learning_rate": 0.002,
                "batch_size": BATCH,
                "parallel": parallel,
            },
        }
    )


def engine_of(spec: Spec, devices: Sequence[jax.Device]) -> Engine:
    """The engine of a network."""
    recipe = spec.train
    assert isinstance(recipe, Train)
    return machine(spec, recipe, [prepare(spec, recipe, 3, data_dir=None)], devices)


def losses(engine: Engine, state: State, steps: int = STEPS) -> tuple[list[float], State]:
    """The sum of the losses of the epoch so far after each step, and the last state."""
    found, order = [], np.asarray(engine.feed.train)
    for _ in range(steps):
        state = engine.advance(state, order, 1)
        found.append(float(state.totals.loss))
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
    jax.config.update("jax_disable_most_optimizations", True)  # it compiles in half of the time
    random = np.random.default_rng(0)
    file = folder / "examples.npz"
    targets = np.arange(BATCH * STEPS) % 3
    images = random.integers(0, 80, (BATCH * STEPS, 8, 6, 2)) + 80 * targets[:, None, None, None]
    np.savez(file, inputs=images.astype(np.uint8), targets=targets)
    engines: dict[str, Engine] = {}
    found: dict[str, Any] = {}
    for name, parallel in MESHES.items():
        devices = jax.devices()[: 1 if name == "one" else 4]
        with patch.object(Dataset, "fits_on_device", return_value=name != STREAMED):
            engine = engines[name] = engine_of(network(file, **parallel), devices)
        if name == "one":
            begun = jax.device_get(engine.start())
        engine.compile(engine.place(begun), splits=())
        curve, state = losses(engine, engine.place(begun))
        program = cast(jax.stages.Compiled, engine.program(STEP)).as_text() or ""
        found[name] = {
            "losses": curve,
            "parts": parts(state.params),
            "slots": parts(state.optimizer),
            "collectives": collectives(program),
        }
    for first_on, goes_on in (("shard and spatial", "one"), ("one", "shard and spatial")):
        engine = engines[first_on]
        first, state = losses(engine, engine.place(begun), STEPS // 2)
        checkpoints = Checkpoints(folder / f"{first_on}-{goes_on}")
        checkpoints.save(whole_state(state), Record(STEPS // 2, (), None, 0.0))
        checkpoints.close()
        engine = engines[goes_on]
        kept = shared_state(engine.template(), checkpoints.found()[0])
        then, _ = losses(engine, engine.place(kept), STEPS - STEPS // 2)
        found[f"{first_on} to {goes_on}"] = {"losses": [*first, *then]}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
