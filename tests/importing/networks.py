"""The networks of others that `tests.importing.table` imports: where each is from, how it is made.

All weights and running averages are random: those that start as zeros or as ones alone would hide
what is wrong.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cnnkit.importing import Imported, import_model

KERAS: Mapping[str, tuple[str, ...]] = {
    "keras": (
        *("MobileNetV3Small", "MobileNetV2", "MobileNet", "EfficientNetB0", "NASNetMobile"),
        *("MobileNetV3Large", "EfficientNetV2B0", "EfficientNetB1", "DenseNet121"),
        *("EfficientNetV2B1", "EfficientNetB2", "EfficientNetV2B2", "EfficientNetB3"),
        *("DenseNet169", "EfficientNetV2B3", "EfficientNetB4", "DenseNet201", "EfficientNetV2S"),
        *("Xception", "InceptionV3", "ResNet50", "ResNet50V2", "ConvNeXtTiny", "EfficientNetB5"),
        *("EfficientNetB6", "ResNet101", "ResNet101V2", "ConvNeXtSmall", "EfficientNetV2M"),
        *("InceptionResNetV2", "ResNet152", "ResNet152V2", "EfficientNetB7", "ConvNeXtBase"),
        *("NASNetLarge", "EfficientNetV2L", "VGG16", "VGG19", "ConvNeXtLarge", "ConvNeXtXLarge"),
    )
}
"""`keras.applications`, smaller ones first."""

TORCH: Mapping[str, tuple[str, ...]] = {
    "torchvision": (
        *("squeezenet1_1", "squeezenet1_0", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0"),
        *("mnasnet0_5", "mobilenet_v3_small", "lraspp_mobilenet_v3_large", "mnasnet0_75"),
        *("mobilenet_v2", "shufflenet_v2_x1_5", "regnet_y_400mf", "mnasnet1_0"),
        *("efficientnet_b0", "mobilenet_v3_large", "regnet_x_400mf", "mnasnet1_3"),
        *("regnet_y_800mf", "googlenet", "regnet_x_800mf", "shufflenet_v2_x2_0"),
        *("efficientnet_b1", "densenet121", "efficientnet_b2", "regnet_x_1_6gf"),
        *("deeplabv3_mobilenet_v3_large", "regnet_y_1_6gf", "resnet18", "efficientnet_b3"),
        *("densenet169", "regnet_x_3_2gf", "efficientnet_b4", "regnet_y_3_2gf", "densenet201"),
        *("efficientnet_v2_s", "resnet34", "inception_v3", "resnext50_32x4d", "resnet50"),
        *("swin_t", "swin_v2_t", "convnext_tiny", "densenet161", "efficientnet_b5", "maxvit_t"),
        *("fcn_resnet50", "regnet_y_8gf", "regnet_x_8gf", "deeplabv3_resnet50"),
        *("efficientnet_b6", "resnet101", "swin_s", "swin_v2_s", "convnext_small"),
        *("fcn_resnet101", "efficientnet_v2_m", "regnet_x_16gf", "resnet152"),
        *("deeplabv3_resnet101", "alexnet", "efficientnet_b7", "wide_resnet50_2"),
        *("regnet_y_16gf", "resnext101_64x4d", "vit_b_16", "swin_b", "swin_v2_b", "vit_b_32"),
        *("convnext_base", "resnext101_32x8d", "regnet_x_32gf", "efficientnet_v2_l"),
        *("wide_resnet101_2", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn"),
        *("vgg19", "vgg19_bn", "regnet_y_32gf", "convnext_large", "vit_l_16", "vit_l_32"),
        *("vit_h_14", "regnet_y_128gf"),
    ),
    "timm": (
        *("lcnet_050", "tf_mixnet_s", "ghostnet_100", "hardcorenas_a", "ese_vovnet19b_dw"),
        *("repvgg_a0", "regnetz_b16", "resnext26ts", "dla34", "cspresnet50", "res2net50_26w_4s"),
        *("darknet53", "skresnet18", "edgenext_xx_small", "convnextv2_atto"),
    ),
}
"""All of torchvision for classes and for the pixels of a map, and those of timm; smaller first."""

ONNX: Mapping[str, tuple[str, ...]] = {
    "onnx": (
        *("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50"),
        *("shufflenet", "squeezenet", "vgg19", "zfnet512"),
    )
}
"""The graphs that the package ships."""

NETWORKS: Mapping[str, tuple[str, ...]] = {**ONNX, **KERAS, **TORCH}
"""By the packages that they are from."""


class Way(NamedTuple):
    """A network imported in one way.

    Attributes:
        name: The way, such as `h5`.
        imported: What came of it.
        difference: Of the outputs, where they were compared.
        parameters: Those of the source, where that says.
    """

    name: str
    imported: Imported
    difference: float | None
    parameters: int | None = None


def ways(package: str, name: str, folder: Path) -> Iterator[Way]:
    """A network imported in each way that there is.

    Args:
        package: Where it is from.
        name: What it is called there.
        folder: Where its files are written.

    Raises:
        SpecError: Not all of it can be said.
    """
    if package == "keras":
        yield from _of_keras(name, folder)
    elif package == "onnx":
        data = Path(import_module("onnx").__file__ or "").parent / "backend" / "test" / "data"
        yield _proven("onnx", import_model(data / "light" / f"light_{name}.onnx"), None)
    else:
        yield from _of_torch(package, name, folder)


def versions(package: str) -> str:
    """What a network of a package depends on."""
    others = {"torchvision": ("torch", "onnx", "onnxruntime"), "timm": ("torch",)}
    others |= {"keras": ("jax",), "onnx": ("onnxruntime",)}
    return ", ".join(f"{each} {version(each)}" for each in (package, *others[package]))


def _proven(name: str, imported: Imported, parameters: int | None) -> Way:
    proof = imported.prove()
    if proof.difference is None:
        raise RuntimeError(proof.reason)
    return Way(name, imported, proof.difference, parameters)


def randomized(value: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """An array of one number alone as random ones: zeros as both signs, others as positive ones."""
    if value.dtype.kind != "f" or value.size == 0 or np.ptp(value):
        return value
    if value.flat[0] == 0:
        return (0.1 * generator.standard_normal(value.shape)).astype(value.dtype)
    return generator.uniform(0.8, 1.2, value.shape).astype(value.dtype)


def _of_keras(name: str, folder: Path) -> Iterator[Way]:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    applications = import_module("keras.applications")
    # Where the extents are not in the weights, smaller maps say the same.
    side = 224 if name.startswith("VGG") else 128
    model = getattr(applications, name)(weights=None, input_shape=(side, side, 3))
    generator = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(randomized(np.asarray(weight.numpy()), generator))
    trained = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    model.save(folder / f"{name}.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that HDF5 is the older format
        model.save(folder / f"{name}.h5")
    del model
    first = _proven("keras", import_model(folder / f"{name}.keras"), trained)
    yield first
    second = import_model(folder / f"{name}.h5")
    if _alike(first.imported, second):
        yield Way("h5", second, first.difference, trained)
    else:
        yield _proven("h5", second, trained)


def _alike(one: Imported, other: Imported) -> bool:
    """Whether two imports are one spec with the same weights, which then give the same outputs."""
    texts = ["\n".join(each.text.splitlines()[1:]) for each in (one, other)]
    return (
        texts[0] == texts[1]
        and one.arrays.keys() == other.arrays.keys()
        and all(np.array_equal(array, other.arrays[path]) for path, array in one.arrays.items())
    )


def _of_torch(package: str, name: str, folder: Path) -> Iterator[Way]:
    import torch

    from cnnkit.importing import from_torch

    module = _module(package, name)
    generator = np.random.default_rng(0)
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(torch.from_numpy(randomized(tensor.numpy(), generator)))
    trained = sum(each.numel() for each in module.parameters())
    side = 299 if name == "inception_v3" else 224
    example = torch.zeros(1, 3, side, side)
    yield _proven("torch", from_torch(module, example, name), trained)
    if package == "timm":
        return
    path = folder / f"{name}.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        torch.onnx.export(module, (example,), str(path), dynamo=False, opset_version=17)
    del module
    yield _proven("onnx", import_model(path), trained)


def _module(package: str, name: str) -> Any:
    if package == "timm":
        return import_module("timm").create_model(name, pretrained=False).eval()
    heads: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        heads = {"aux_logits": False, "init_weights": False}
    elif name.startswith(("deeplabv3", "fcn", "lraspp")):
        heads = {"weights_backbone": None}
    make: Callable[..., Any] = import_module("torchvision.models").get_model
    return make(name, weights=None, **heads).eval()
