"""Weights of torchvision's and Keras's own networks for the specs of the zoo: the same outputs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnkit
from cnnkit.errors import SpecError
from cnnkit.importing.foreign import assign, read_arrays
from cnnkit.importing.proof import LARGEST, outputs_of
from tests.importing.networks import randomized

ZOO = Path(cnnkit.__file__).parents[1] / "specs" / "zoo"
TORCHVISION: Mapping[str, str] = {
    "alexnet": "alexnet",
    "convnext-tiny": "convnext_tiny",
    "deeplab-v3-resnet-50": "deeplabv3_resnet50",
    "densenet-121": "densenet121",
    "efficientnet-b0": "efficientnet_b0",
    "fcn-resnet-50": "fcn_resnet50",
    "googlenet": "googlenet",
    "inception-v3": "inception_v3",
    "lraspp-mobilenet-v3-large": "lraspp_mobilenet_v3_large",
    "maxvit-t": "maxvit_t",
    "mc3-18": "mc3_18",
    "mobilenet-v2": "mobilenet_v2",
    "mobilenet-v3-large": "mobilenet_v3_large",
    "mobilenet-v3-small": "mobilenet_v3_small",
    "r2plus1d-18": "r2plus1d_18",
    "resnet-18": "resnet18",
    "resnet-34": "resnet34",
    "resnet-50": "resnet50",
    "resnet-101": "resnet101",
    "resnet-152": "resnet152",
    "s3d": "s3d",
    "shufflenet-v2-1.0": "shufflenet_v2_x1_0",
    "squeezenet-1.0": "squeezenet1_0",
    "squeezenet-1.1": "squeezenet1_1",
    "swin-t": "swin_t",
    "vgg-11": "vgg11",
    "vgg-11-bn": "vgg11_bn",
    "vgg-13": "vgg13",
    "vgg-13-bn": "vgg13_bn",
    "vgg-16": "vgg16",
    "vgg-16-bn": "vgg16_bn",
    "vgg-19": "vgg19",
    "vgg-19-bn": "vgg19_bn",
    "vit-b-16": "vit_b_16",
}
KERAS: Mapping[str, str] = {
    "densenet-121": "DenseNet121",
    "mobilenet-v1": "MobileNet",
    "resnet-50-keras": "ResNet50",
    "resnet-101-keras": "ResNet101",
    "resnet-152-keras": "ResNet152",
    "vgg-16": "VGG16",
    "vgg-19": "VGG19",
}
REFUSED: Mapping[str, str] = {  # its file has the layers class by class, in branches without names
    "convnext-tiny": "ConvNeXtTiny",
    "inception-v3-keras": "InceptionV3",
}


@pytest.fixture
def applications() -> Any:
    """Keras's own networks."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras.applications", reason="Keras is not installed")


def difference(name: str, file: Path, batch: Any, expected: Any) -> float:
    """How far the spec with the weights of a file is from what is expected, beside its largest."""
    spec = cnnkit.load(ZOO / f"{name}.yaml")
    (given,) = outputs_of(spec, assign(spec, read_arrays(file)).arrays, batch).values()
    assert given.shape == expected.shape
    return float(np.abs(given - expected).max() / np.abs(expected).max())


@pytest.mark.long
@pytest.mark.parametrize("name", TORCHVISION)
def test_weights_of_torchvision(name: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    spec = cnnkit.load(ZOO / f"{name}.yaml")
    options: dict[str, Any] = {"weights": None}
    if name in ("googlenet", "inception-v3"):
        options |= {"init_weights": False}
    if name.startswith(("deeplab", "fcn", "lraspp")):
        options |= {"weights_backbone": None, "num_classes": 21}
    if name.startswith(("deeplab", "fcn")):
        options |= {"aux_loss": True}
    module = models.get_model(TORCHVISION[name], **options).eval()
    generator = np.random.default_rng(0)
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(torch.from_numpy(randomized(tensor.numpy(), generator)))
        torch.save(module.state_dict(), tmp_path / "weights.pth")
        batch = np.random.default_rng(1).standard_normal((1, *spec.input), np.float32)
        made = module(torch.from_numpy(np.moveaxis(batch, -1, 1).copy()))
    scores = (made["out"] if isinstance(made, dict) else made).numpy()
    del module
    expected = np.moveaxis(scores, 1, -1)
    assert difference(name, tmp_path / "weights.pth", batch, expected) < LARGEST


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_weights_of_keras_that_leave_a_choice(name: str, tmp_path: Path, applications: Any) -> None:
    spec = cnnkit.load(ZOO / f"{name}.yaml")
    getattr(applications, REFUSED[name])(weights=None).save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(SpecError, match="does not fit"):
        assign(spec, read_arrays(tmp_path / "a.weights.h5"))


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", KERAS)
def test_weights_of_keras(name: str, tmp_path: Path, applications: Any) -> None:
    spec = cnnkit.load(ZOO / f"{name}.yaml")
    ends = "softmax" if spec.layers[-1].kind == "softmax" else None
    options: dict[str, Any] = {"weights": None, "classifier_activation": ends}
    model = getattr(applications, KERAS[name])(input_shape=spec.input, **options)
    generator = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(randomized(np.asarray(weight.numpy()), generator))
    model.save_weights(tmp_path / "a.weights.h5")
    batch = np.random.default_rng(1).standard_normal((1, *spec.input), np.float32)
    expected = np.asarray(model(batch, training=False))
    del model
    assert difference(name, tmp_path / "a.weights.h5", batch, expected) < LARGEST
