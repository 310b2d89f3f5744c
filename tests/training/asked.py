"""A network whose answers can be computed by hand, as a spec and a file of weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from cnnkit.data.decoding import Decoding
from cnnkit.data.preprocessing import OverallStatistics, Preprocessing
from cnnkit.network.weights_file import written
from cnnkit.spec.reading import load
from cnnkit.training.use.trained import Trained
from cnnkit.training.use.weights import trained_of, weights_of_file, weights_of_seed

CLASSES = ("left", "middle", "right")
SPEC = """
input: {shape}
layers: [flatten, {{dense: {{units: 3}}}}]
train: {{{recipe}}}
"""
RECORD = Preprocessing(
    "uint8", (1, 3, 1), (0.0, 255.0), (0.0,), (1.0,), Decoding(), OverallStatistics(0, 255, 85, 120)
)


def write_network(
    folder: Path, recipe: str = "epochs: 1", shape: str = "1x3x1", record: Preprocessing = RECORD
) -> None:
    """Writes ``spec.yaml`` and ``weights.safetensors`` of a network whose scores are 4·x.

    The pixel of 255 among zeros has the probability e⁴ / (e⁴ + 2) = 0.96466, the others 0.01767.
    """
    (folder / "spec.yaml").write_text(SPEC.format(shape=shape, recipe=recipe))
    weights = weights_of_seed(load(folder / "spec.yaml"))
    kernels = [name for name in weights.arrays if name.endswith("kernel")]
    arrays = {name: np.zeros_like(array) for name, array in weights.arrays.items()}
    arrays[kernels[0]] = 4 * np.eye(3, dtype=np.float32)
    classes = CLASSES if "mean_squared_error" not in recipe else ()
    made = replace(weights, arrays=arrays, classes=classes, preprocessing=record)
    content = written(made.arrays, made.metadata())
    (folder / "weights.safetensors").write_bytes(content)


def read_network(folder: Path) -> Trained:
    """The network that ``write_network`` wrote."""
    file = folder / "weights.safetensors"
    return trained_of(weights_of_file(load(folder / "spec.yaml"), file), file)
