"""The zoo against the numbers that the makers of the networks publish."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import cnnkit
from cnnkit.analysis.result import Analysis
from cnnkit.spec.reading import Reading, read

TESTS = Path(__file__).parents[1]
ZOO = TESTS.parent / "specs" / "zoo"
FILES = sorted(ZOO.glob("*.yaml"))

TORCHVISION = {
    "AlexNet": "alexnet",
    "ConvNeXt_Tiny": "convnext-tiny",
    "DenseNet121": "densenet-121",
    "EfficientNet_B0": "efficientnet-b0",
    "GoogLeNet": "googlenet",
    "Inception_V3": "inception-v3",
    "MobileNet_V2": "mobilenet-v2",
    "MobileNet_V3_Large": "mobilenet-v3-large",
    "MobileNet_V3_Small": "mobilenet-v3-small",
    "ResNet18": "resnet-18",
    "ResNet34": "resnet-34",
    "ResNet50": "resnet-50",
    "ResNet101": "resnet-101",
    "ResNet152": "resnet-152",
    "ShuffleNet_V2_X1_0": "shufflenet-v2-1.0",
    "SqueezeNet1_0": "squeezenet-1.0",
    "SqueezeNet1_1": "squeezenet-1.1",
    "VGG11": "vgg-11",
    "VGG11_BN": "vgg-11-bn",
    "VGG13": "vgg-13",
    "VGG13_BN": "vgg-13-bn",
    "VGG16": "vgg-16",
    "VGG16_BN": "vgg-16-bn",
    "VGG19": "vgg-19",
    "VGG19_BN": "vgg-19-bn",
    "ViT_B_16": "vit-b-16",
    "Swin_T": "swin-t",
    "FCN_ResNet50": "fcn-resnet-50",
    "DeepLabV3_ResNet50": "deeplab-v3-resnet-50",
    "LRASPP_MobileNet_V3_Large": "lraspp-mobilenet-v3-large",
    "R2Plus1D_18": "r2plus1d-18",
    "MC3_18": "mc3-18",
    "S3D": "s3d",
    "MaxVit_T": "maxvit-t",
    "SSD300_VGG16": "ssd300-vgg-16",
}
# These give the outputs of their heads in evaluation as well, and torchvision's count has them.
WITH_HEAD = {"FCN_ResNet50", "DeepLabV3_ResNet50", "SSD300_VGG16"}
KERAS = {
    "VGG16": "vgg-16",  # the same network, but for the dropout
    "VGG19": "vgg-19",
    "ResNet50": "resnet-50-keras",
    "ResNet101": "resnet-101-keras",
    "ResNet152": "resnet-152-keras",
    "InceptionV3": "inception-v3-keras",
    "MobileNet": "mobilenet-v1",
    "MobileNetV2": "mobilenet-v2",  # at 224 the paddings, which differ, change no count
    "DenseNet121": "densenet-121",
    "EfficientNetB0": "efficientnet-b0",
}
BY_SOURCE = {"torchvision": TORCHVISION, "keras.io": KERAS}


class Row(NamedTuple):
    """A line of the table."""

    model: str
    source: str
    params: str
    gmacs: str
    input: str

    @property
    def publisher(self) -> str:
        return self.source.split()[0]

    @property
    def file(self) -> str:
        return BY_SOURCE[self.publisher][self.model] + ".yaml"


def _rows() -> list[Row]:
    with (TESTS / "oracles" / "published.tsv").open(newline="", encoding="utf-8") as file:
        return [Row(**line) for line in csv.DictReader(file, delimiter="\t")]


ROWS = _rows()
EACH_ROW = pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.publisher}-{row.model}")
EACH_FILE = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@cache
def _reading(file: str) -> Reading:
    return read(ZOO / file)


@cache
def _analysis(file: str) -> Analysis:
    spec = _reading(file).spec
    assert spec is not None
    return cnnkit.analyze(spec)


def test_no_row_is_left_out() -> None:
    mapped = [(source, model) for source, models in BY_SOURCE.items() for model in models]
    assert sorted((row.publisher, row.model) for row in ROWS) == sorted(mapped)
    assert len(ROWS) == 45


@EACH_ROW
def test_parameters(row: Row) -> None:
    totals = _analysis(row.file).totals
    keras = row.publisher == "keras.io"  # whose count has the running statistics in it
    assert totals.parameters + totals.state * keras == int(row.params)


@EACH_ROW
def test_gmacs(row: Row) -> None:
    if not row.gmacs:
        assert row.publisher == "keras.io"
        return
    # torchvision counts what an evaluation runs, so no auxiliary head, and prints three decimals.
    totals = _analysis(row.file).totals
    macs = totals.macs if row.model in WITH_HEAD else totals.macs_without_heads
    gmacs = Decimal(macs).scaleb(-9)
    assert gmacs.quantize(Decimal("0.001")) == Decimal(row.gmacs)


@EACH_ROW
def test_input(row: Row) -> None:
    extents = [int(number) for number in re.findall(r"\d+", row.input)]
    assert list(_analysis(row.file).input[: len(extents)]) == extents


@pytest.mark.parametrize(
    ("file", "parameters"),
    [
        # By hand, layer by layer.
        ("lenet-5", 6 * 26 + 16 * 151 + 120 * 401 + 84 * 121 + 10 * 85),
        # The tests of pytorchcv (imgclsmob).
        # The same, less the projections that pytorchcv has where He et al. have option A: a 1x1
        # conv and a batch norm, to 32 and to 64 channels. The paper says 0.27 M and 0.85 M.
        ("resnet-20-cifar", 272_474 - (16 * 32 + 2 * 32) - (32 * 64 + 2 * 64)),
        ("resnet-56-cifar", 855_770 - (16 * 32 + 2 * 32) - (32 * 64 + 2 * 64)),
        ("wrn-28-10", 36_479_194),
        ("convnext-v2-tiny", 28_635_496),  # timm's convnextv2_tiny
        ("sknet-50", 27_479_784),  # timm's skresnext50_32x4d
        ("nfnet-f0", 71_489_272),  # timm's nfnet_f0
        # PyTorch's example: by hand 16·(100·512 + 512·256 + 256·128 + 128·64 + 64·3) and 2·960 of
        # the norms; 16·(3·64 + 64·128 + 128·256 + 256·512 + 512) and 2·896.
        ("dcgan-generator", 16 * (51_200 + 131_072 + 32_768 + 8_192 + 192) + 1_920),
        ("dcgan-discriminator", 16 * (192 + 8_192 + 32_768 + 131_072 + 512) + 1_792),
        ("espcn", (25 * 64 + 64) + (9 * 64 * 32 + 32) + (9 * 32 * 9 + 9)),
    ],
)
def test_parameters_published_elsewhere(file: str, parameters: int) -> None:
    assert _analysis(f"{file}.yaml").totals.parameters == parameters


@pytest.mark.parametrize(
    ("extent", "depths", "millions", "billions"),
    [(256, [1, 2, 6, 3], "71.5", "12.38"), (320, [2, 4, 12, 6], "132.6", "35.54")],
)
def test_nfnets_are_those_of_the_paper(
    extent: int, depths: list[int], millions: str, billions: str
) -> None:
    """Brock et al., 2021, table 6: parameters and FLOPs of F0 and F1 at their test sizes."""
    overrides = [f"input={extent}x{extent}x3", f"variables.depths={depths}", "expect=null"]
    spec = read(ZOO / "nfnet-f0.yaml", overrides).spec
    assert spec is not None
    totals = cnnkit.analyze(spec).totals
    assert f"{totals.parameters / 1e6:.1f}" == millions
    assert f"{totals.macs / 1e9:.2f}" == billions


def test_cbam_resnet_50_has_the_millions_of_the_paper() -> None:
    """Woo et al., 2018, table 4: 28.09 M parameters.

    By hand, of C = 4·width channels: C²/16 twice, C/16 and C of biases; 98 and 2 of the cells' conv
    and norm.
    """
    added = [(3, 256), (4, 512), (6, 1024), (3, 2048)]
    more = sum(times * (c * c // 8 + c // 16 + c + 98 + 2) for times, c in added)
    parameters = _analysis("cbam-resnet-50.yaml").totals.parameters
    assert parameters == 25_557_032 + more
    assert round(parameters / 10**6, 2) == 28.09


@pytest.mark.parametrize(("file", "million"), [("resnet-20-cifar", 40), ("resnet-56-cifar", 125)])
def test_macs_published_elsewhere(file: str, million: int) -> None:
    assert _analysis(f"{file}.yaml").totals.macs // 10**6 == million


def test_resnet_152_is_resnet_50_with_one_variable_set() -> None:
    reading = read(ZOO / "resnet-50.yaml", overrides=["variables.depths=[3,8,36,3]"])
    assert reading.spec is not None
    totals = cnnkit.analyze(reading.spec).totals
    assert totals == _analysis("resnet-152.yaml").totals
    assert totals.parameters == 60_192_808


def test_resnet_50_is_short() -> None:
    assert len((ZOO / "resnet-50.yaml").read_text(encoding="utf-8").splitlines()) <= 45


def test_every_network_of_the_table_is_in_the_zoo() -> None:
    assert {row.file for row in ROWS} <= {file.name for file in FILES}


@EACH_FILE
def test_no_errors(file: Path) -> None:
    found = (*_reading(file.name).findings, *_analysis(file.name).findings)
    assert [finding for finding in found if finding.level == "error"] == []


@EACH_FILE
def test_expect_is_what_comes_out(file: Path) -> None:
    analysis = _analysis(file.name)
    expect = analysis.spec.expect
    assert expect is not None
    figures = expect.figures()
    assert "parameters" in figures
    assert figures == {name: getattr(analysis.totals, name) for name in figures}
    wanted = expect.output
    assert (analysis.graph.given if isinstance(wanted, dict) else analysis.output) == wanted


@EACH_FILE
def test_begins_with_its_source(file: Path) -> None:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")


@EACH_FILE
def test_is_named_as_its_file(file: Path) -> None:
    assert _analysis(file.name).name == file.stem
