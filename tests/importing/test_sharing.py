"""Weights that a model uses more than once: the layers that have them are `shared`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnkit
from cnnkit.analysis import analyze
from cnnkit.errors import SpecError
from cnnkit.importing import Imported, import_model
from cnnkit.importing.patterns import sharing
from tests.importing.models import model, node, random

ENCODER = ("Conv", "BatchNormalization", "Relu", "GlobalAveragePool", "Flatten", "Gemm")
ARRAYS = {
    "w": random(6, 4, 3, 3),
    "b": np.zeros(6, np.float32),
    "scale": np.ones(6, np.float32),
    "shift": random(6),
    "mean": random(6),
    "variance": random(6, low=0.5),
    "v": random(5, 6),
    "u": random(5),
}
PARAMETERS = 6 * 4 * 9 + 6 + 2 * 6 + 5 * 6 + 5  # each array once, the running averages none


def encoder(source: str, prefix: str) -> list[Any]:
    reads = ("w b", "scale shift mean variance", "", "", "", "v u")
    nodes = []
    for operator, arrays in zip(ENCODER, reads, strict=True):
        made, options = f"{prefix}{operator}", {"transB": 1} if operator == "Gemm" else {}
        name = f"/encoder{prefix}/{operator.lower()}/{operator}"
        nodes.append(node(operator, f"{source} {arrays}", made, name=name, **options))
        source = made
    return nodes


SIAMESE = """\
# Imported from m.onnx by `cnnkit import`.
name: m
inputs: {left: "8x8x4", right: "8x8x4"}
blocks:
  encoder:
    layers:
      - conv: {filters: 6, kernel: 3}
      - batch_norm
      - relu
      - global_mean_pool
      - dense: {units: 5}
layers:
  - {name: encoder, encoder: {}}
  - save: tensor1
  - load: right
  - shared: encoder
  - save: tensor2
  - load: tensor1
  - merge: {with: tensor2, by: subtract}
"""


def same(imported: Imported, parameters: int) -> None:
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5
    assert analyze(imported.spec).totals.parameters == imported.parameters == parameters


def test_a_siamese_network_is_one_encoder_applied_twice(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    nodes = [*encoder("left", ""), *encoder("right", "_1"), node("Sub", "Gemm _1Gemm", "y")]
    path = model(tmp_path / "m.onnx", nodes, ARRAYS, inputs=("left", "right"))
    imported = import_model(path)
    assert imported.text == SIAMESE
    same(imported, PARAMETERS)


def test_ones_and_zeros_that_an_exporter_wrote_once_are_not_shared(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    nodes = [
        node("Conv", "x w zeros", "a"),
        node("InstanceNormalization", "a ones zeros", "b"),
        node("Conv", "b v zeros", "c"),
        node("InstanceNormalization", "c ones zeros", "y"),
    ]
    arrays = {"w": random(6, 4, 3, 3), "v": random(6, 6, 3, 3)}
    arrays |= {"ones": np.ones(6, np.float32), "zeros": np.zeros(6, np.float32)}
    imported = import_model(model(tmp_path / "m.onnx", nodes, arrays))
    assert "shared" not in imported.text
    same(imported, 6 * 4 * 9 + 6 * 6 * 9 + 2 * 6 + 4 * 6)  # two kernels, two biases, two norms


def test_a_factor_that_is_folded_into_shared_weights_counts_once(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    nodes = [
        node("InstanceNormalization", "x s t", "a"),
        node("Mul", "a m", "b"),
        node("InstanceNormalization", "b s t", "c"),
        node("Mul", "c m", "y"),
    ]
    arrays = {"s": random(4), "t": random(4, low=0.1), "m": random(4, 1, 1, low=0.5)}
    imported = import_model(model(tmp_path / "m.onnx", nodes, arrays))
    assert "- shared: " in imported.text
    same(imported, 2 * 4)


def test_what_cannot_be_shared_is_named(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 1, 1], name="first"),
        node("Conv", "a w", "b", pads=[1, 1, 1, 1], strides=[2, 2], name="second"),
        node("Relu", "b", "y"),
    ]
    path = model(tmp_path / "m.onnx", nodes, {"w": random(4, 4, 3, 3)})
    with pytest.raises(SpecError) as caught:
        import_model(path)
    assert [(finding.message, finding.help) for finding in caught.value.findings] == [
        (
            "node `second` has the weights of `first`, which cannot be shared",
            "`shared` applies a layer once more that does the same, of one tensor",
        )
    ]


TORCH = """\
# Imported from Again by `cnnkit.from_torch`.
name: Again
input: 8x8x3
layers:
  - {name: stem, conv: {filters: 8, kernel: 3, padding: 1}}
  - {name: again, conv: {filters: 8, kernel: 3, padding: 1, activation: relu}}
  - repeat: {times: 2, layers: [{shared: again}]}
  - {name: tied, residual: {layers: [{conv: {filters: 8, kernel: 1}}]}}
  - shared: tied
  - global_mean_pool
  - {name: fc, dense: {units: 5}}
"""


def of_torch() -> Imported:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    nn = torch.nn
    module: Any = nn.Module

    class Again(module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3, padding=1)
            self.again = nn.Conv2d(8, 8, 3, padding=1)
            self.tied, self.other = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)
            self.other.weight, self.other.bias = self.tied.weight, self.tied.bias
            self.fc = nn.Linear(8, 5)

        def forward(self, x: Any) -> Any:
            x = self.stem(x)
            for _ in range(3):
                x = torch.relu(self.again(x))
            x = x + self.tied(x)
            x = x + self.other(x)
            return self.fc(x.mean((2, 3)))

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return cnnkit.from_torch(Again().eval(), torch.zeros(1, 3, 8, 8))


def test_a_module_of_pytorch_that_is_called_again() -> None:
    imported = of_torch()
    assert imported.text == TORCH
    same(imported, (3 * 9 + 1) * 8 + (8 * 9 + 1) * 8 + (8 + 1) * 8 + (8 + 1) * 5)


def test_branches_of_one_tensor_that_share_weights(tmp_path: Path) -> None:
    """A name in a branch is not known in another: the branches are written one after the other."""
    pytest.importorskip("onnxruntime")
    nodes = [
        node("Relu", "x", "r"),
        node("MaxPool", "r", "p", kernel_shape=[2, 2], strides=[2, 2]),
        *[each for source in "rp" for each in scored(source)],
        node("Add", "gr gp", "y"),
    ]
    imported = import_model(model(tmp_path / "m.onnx", nodes, {"w": random(3, 4, 1, 1)}))
    assert imported.text.count("shared: ") == 1
    same(imported, 3 * 4)


def scored(source: str) -> list[Any]:
    """A head over a map, and the mean of its scores."""
    return [
        node("Conv", f"{source} w", f"c{source}"),
        node("Sigmoid", f"c{source}", f"s{source}"),
        node("GlobalAveragePool", f"s{source}", f"g{source}"),
    ]


def test_a_graph_that_is_made_to_take_long_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past a number of steps each layer is shared on its own, whatever is round it."""
    monkeypatch.setattr(sharing, "_MOST_STEPS", 3)
    nodes = [*encoder("left", ""), *encoder("right", "_1"), node("Sub", "Gemm _1Gemm", "y")]
    path = model(tmp_path / "m.onnx", nodes, ARRAYS, inputs=("left", "right"))
    imported = import_model(path)
    assert imported.text.count("shared: ") == 3  # the convolution, the norm and the dense layer
    same(imported, PARAMETERS)
