"""A network of two inputs and two outputs, and siamese ones, so small that they train in a moment.

Of an example of the first the one input shows where the bar stands, its class, and the other how
bright it is, a value to predict; so each output can be learnt from one of the inputs alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import load
from tests.training.bars import bars

EXAMPLES = 90


def fusion_arrays(count: int = EXAMPLES) -> dict[str, Any]:
    """Arrays of examples: bars, vectors whose first value is the angle, and both targets."""
    random = np.random.default_rng(3)
    inputs, targets = bars(count)
    angles = random.normal(size=count).astype(np.float32)
    metas = np.stack([angles, random.normal(size=count)], 1).astype(np.float32)
    return {"x1": inputs, "x2": metas, "y": targets, "a": angles}


def fusion(file: Path, **fields: Any) -> Spec:
    """The network of two inputs and two outputs, with its recipe."""
    train = {
        "data": {
            "arrays": str(file),
            "inputs": {"image": "x1", "meta": "x2"},
            "targets": {"label": "y", "angle": "a"},
        },
        "loss": {"label": "categorical_cross_entropy", "angle": "mean_squared_error"},
        "loss_weights": {"angle": 0.5},
        "split": {"validation": 15, "test": 15},
        "learning_rate": 0.05,
        "epochs": 3,
        "batch_size": 16,
        "seed": 1,
    }
    layers: list[object] = [
        {"conv": {"filters": 4, "kernel": 3}},
        "batch_norm",
        "relu",
        "flatten",
        {"merge": {"with": "meta"}},
        {"save": "features"},
        {"dense": {"units": 3}},
        {"output": "label"},
        {"load": "features"},
        {"dense": {"units": 1}},
        {"output": "angle"},
    ]
    inputs = {"image": "6x6x1", "meta": 2}
    return load(
        {"name": "fusion", "inputs": inputs, "layers": layers, "train": {**train, **fields}}
    )


def siamese(data: dict[str, Any], loss: object, names: tuple[str, ...], **fields: Any) -> Spec:
    """A network that applies one dense layer to each input, and gives an output for each."""
    layers: list[object] = []
    for number, name in enumerate(names):
        layers += [
            *([{"load": name}] if number else []),
            {"shared": "encoder"} if number else {"name": "encoder", "dense": {"units": 2}},
            {"output": f"of-{name}"},
        ]
    train = {"data": data, "loss": loss, "epochs": 2, "batch_size": 16, "standardize": "none"}
    inputs = dict.fromkeys(names, 3)
    return load({"name": "twin", "inputs": inputs, "layers": layers, "train": {**train, **fields}})
