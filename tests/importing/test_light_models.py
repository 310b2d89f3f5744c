"""The nine graphs that the package `onnx` ships, imported whole and held to onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnkit import analyze
from cnnkit.importing import import_model

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"

# Parameters: AlexNet's are those of Krizhevsky et al. with two groups, ResNet-50's, VGG-19's,
# DenseNet-121's and SqueezeNet 1.1's those that torchvision publishes.
MODELS = {
    "bvlc_alexnet": (60_965_224, 30),
    "densenet121": (7_978_856, 60),
    "inception_v1": (6_998_552, 100),
    "inception_v2": (11_194_984, 120),
    "resnet50": (25_557_032, 60),
    "shufflenet": (1_393_320, 60),
    "squeezenet": (1_235_496, 60),
    "vgg19": (143_667_240, 40),
    "zfnet512": (87_250_536, 30),
}
# Their matrices of 100 million weights take long to fill with random numbers and to compute.
LARGE = ("bvlc_alexnet", "vgg19", "zfnet512")


@pytest.mark.parametrize("name", MODELS)
def test_a_model_becomes_a_short_spec_of_the_same_parameters(name: str) -> None:
    parameters, most = MODELS[name]
    imported = import_model(FOLDER / f"light_{name}.onnx")
    assert imported.parameters == parameters
    assert analyze(imported.spec).totals.parameters == parameters
    assert len(imported.text.splitlines()) <= most
    assert max(map(len, imported.text.splitlines())) <= 100


@pytest.mark.parametrize("name", [name for name in MODELS if name not in LARGE])
def test_with_random_weights_both_compute_the_same(name: str, tmp_path: Path) -> None:
    imported = import_model(randomized(name, tmp_path))
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5


@pytest.mark.parametrize("name", LARGE)
def test_as_shipped_both_compute_the_same(name: str) -> None:
    proof = import_model(FOLDER / f"light_{name}.onnx").prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5


def randomized(name: str, folder: Path) -> Path:
    """A model with random numbers where it has one constant for all weights.

    Its last softmax is left out: of scores so large it is 0 and 1, whatever came before.
    """
    model = onnx.load(FOLDER / f"light_{name}.onnx")
    graph, generator = model.graph, np.random.default_rng(1)
    shapes = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    filled = [node for node in graph.node if node.op_type == "ConstantOfShape"]
    kept = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    variances = {node.input[4] for node in kept if node.op_type == "BatchNormalization"}
    for node in filled:
        shape = tuple(map(int, shapes[node.input[0]]))
        values = generator.standard_normal(shape) * np.sqrt(1.5 / np.prod(shape[1:]))
        if len(shape) == 1:  # norms and biases: near one, as variances must be above 0
            values = 1 + 0.1 * generator.uniform(-1, 1, shape)
        if node.output[0] in variances:
            values = generator.uniform(0.5, 1.5, shape)
        graph.initializer.append(
            onnx.numpy_helper.from_array(values.astype(np.float32), node.output[0])
        )
    if kept[-1].op_type == "Softmax":
        graph.output[0].name = kept.pop().input[0]
    del graph.node[:]
    graph.node.extend(kept)
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    return path
