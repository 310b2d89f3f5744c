"""Fine-tuning against a beginning from scratch: MNIST with few examples, after Fashion-MNIST.

A small network learns Fashion-MNIST's clothes once. Then the same network, with a head of its own,
learns MNIST's digits from 100 and from 1,000 examples: from scratch, and from the other's weights.
All begin with the same draw of examples, have the same recipe and are judged once, after the last
epoch, on the 10,000 images of MNIST's own test split.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import jax
import numpy as np
from measuring import heading, machine, table, versions

import cnnkit
from cnnkit.data import load
from cnnkit.network import compilation_cache
from cnnkit.training import Options
from cnnkit.training.view.display import Quiet

BODY: list[Any] = [
    {"name": "stem", "conv": {"filters": 16}},
    {"name": "stem_norm", "batch_norm": {}},
    "relu",
    {"max_pool": {"size": 2}},
    {"name": "body", "conv": {"filters": 32}},
    {"name": "body_norm", "batch_norm": {}},
    "relu",
    {"max_pool": {"size": 2}},
    {"name": "top", "conv": {"filters": 32}},
    {"name": "top_norm", "batch_norm": {}},
    "relu",
    {"name": "features", "global_mean_pool": {}},
]
BELOW = ["layers.stem*", "layers.body*"]
ALL = [*BELOW, "layers.top*"]
RATE: Mapping[str, Any] = {"cosine": {"peak": 0.003, "warmup": 1}}
# A new head may go fast, and what was learnt before is to be moved gently.
FAST_HEAD: Mapping[str, Any] = {"layers": {"layers.head": "10x"}}
SIDES: Mapping[str, Mapping[str, Any]] = {
    "from scratch": {},
    "fine-tuned": {"init": True},
    "fine-tuned, stem and body frozen": {"init": True, "freeze": BELOW},
    "head alone": {"init": True, "freeze": ALL},
}


def main() -> None:
    """Trains all sides and prints the accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=3, help="Draws of the examples, and seeds.")
    parser.add_argument("--epochs", type=int, default=30, help="Of each training on MNIST.")
    parser.add_argument("--before", type=Path, help="A run of this script on Fashion-MNIST.")
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    draws, epochs = flags.draws, flags.epochs
    sizes: tuple[int, ...] = (100, 1000)
    data = {name: load(name, data_dir=flags.data_dir) for name in ("fashion_mnist", "mnist")}
    clothes = len(data["fashion_mnist"].train)
    if flags.quick:
        draws, epochs, sizes, clothes = 1, 2, (100,), 500
    compilation_cache.enable()
    with tempfile.TemporaryDirectory(prefix="cnnkit-") as name:
        folder = Path(name)
        fashion = flags.before or folder / "fashion"
        if flags.before is None:
            examples = arrays_of(data["fashion_mnist"], clothes, 0, folder)
            trained(fashion, examples, {"epochs": 3, "batch_size": 128}, "classifier")
        before = accuracy_of(fashion)
        found = {
            (side, size): [
                trained(
                    folder / f"{side}-{size}-{draw}",
                    arrays_of(data["mnist"], size, draw, folder),
                    {
                        "epochs": epochs,
                        "batch_size": 20,
                        "seed": draw,
                        **fields(said, fashion),
                    },
                    "head",
                )
                for draw in range(draws)
            ]
            for size in sizes
            for side, said in SIDES.items()
        }
    facts = {
        **machine(),
        "device": jax.devices()[0].device_kind,
        **versions("jax", "flax", "optax"),
    }
    if flags.json:
        accuracies = {f"{side}, {size}": each for (side, size), each in found.items()}
        print(json.dumps({"facts": facts, "before": before, "accuracy": accuracies}, indent=2))
        return
    print(heading(facts))
    print(
        f"accuracy on MNIST's test split in %, mean and deviation of {draws} draws; the network of "
        f"Fashion-MNIST had {100 * before:.1f} on its own\n"
    )
    header = ["training", *(f"{size:,} examples" for size in sizes)]
    print(table(header, [[side, *(shown(found[side, size]) for size in sizes)] for side in SIDES]))


def arrays_of(dataset: Any, count: int, draw: int, folder: Path) -> Path:
    """So many training examples of a data set, and all of its test split, as a file."""
    path = folder / f"{dataset.name}-{count}-{draw}.npz"
    if not path.exists():
        chosen = np.random.default_rng(draw).permutation(len(dataset.train))[:count]
        np.savez(
            path,
            x_train=np.asarray(dataset.train.inputs[:])[chosen],
            y_train=dataset.train.targets[chosen],
            x_test=dataset.test.inputs[:],
            y_test=dataset.test.targets,
        )
    return path


def fields(said: Mapping[str, Any], fashion: Path) -> dict[str, Any]:
    """What a side adds to the recipe."""
    if "init" not in said:
        return {}
    return {**said, "init": str(fashion), "learning_rate": {**RATE, **FAST_HEAD}}


def trained(run: Path, data: Path, recipe: Mapping[str, Any], head: str) -> float:
    """The accuracy on the test split, after the last epoch."""
    spec = cnnkit.load(
        {
            "name": "transfer",
            "input": "28x28x1",
            "defaults": {"conv": {"kernel": 3, "padding": "same", "bias": False}},
            "layers": [*BODY, {"name": head, "dense": {"units": 10}}],
            "train": {
                "data": {"arrays": str(data)},
                "split": {"validation": 0},
                "optimizer": {"adamw": {"weight_decay": 0.01}},
                "learning_rate": RATE,
                **recipe,
            },
        }
    )
    result = cnnkit.train(spec, run_dir=run, options=Options(test=True), display=Quiet())
    if result.summary is None:
        raise KeyboardInterrupt
    return accuracy_of(run)


def accuracy_of(run: Path) -> float:
    """The accuracy that a run came to on its test split."""
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    return float(summary["test"]["accuracy"])


def shown(accuracies: list[float]) -> str:
    """A mean in percent with its deviation."""
    spread = f" ± {100 * stdev(accuracies):.1f}" if len(accuracies) > 1 else ""
    return f"{100 * mean(accuracies):.1f}{spread}"


if __name__ == "__main__":
    main()
