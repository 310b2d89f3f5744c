"""Architectures beyond the zoo: that the language says them, with the counts others have."""

from __future__ import annotations

from pathlib import Path

import pytest

import cnnkit
from cnnkit.spec.reading import read

ZOO = Path(__file__).parents[2] / "specs" / "zoo"
SPECS = sorted((Path(__file__).parent / "architectures").glob("*.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_an_architecture_has_the_counts_it_is_known_for(path: Path) -> None:
    """`expect:` holds a published count, Keras's, or one by hand; the comment says which."""
    reading = read(path)
    assert not reading.findings
    assert reading.spec is not None
    assert reading.spec.expect is not None
    analysis = cnnkit.analyze(reading.spec)
    assert analysis.ok
    totals = analysis.totals.to_dict()
    expected = reading.spec.expect.figures()
    assert {name: totals[name] for name in expected} == expected
    assert analysis.output == reading.spec.expect.output
    # Nothing is read where the framework would warn: what is misaligned is so in the original.
    assert {finding.rule for finding in analysis.findings} <= {"misaligned-branches"}


def test_there_are_architectures() -> None:
    assert len(SPECS) >= 30


# What the comments of the zoo say of a network's relatives: torchvision's counts of parameters,
# and for MobileNet v1 Keras's, with the state.
SWIN_B = ("variables.width=128", "variables.heads=4", "variables.drop=0.5")
RELATIVES = [
    ("densenet-121", ("variables.depths=[6,12,32,32]",), 14_149_480),
    ("densenet-121", ("variables.depths=[6,12,48,32]",), 20_013_928),
    ("convnext-tiny", ("variables.depths=[3,3,27,3]",), 50_223_688),
    # SkipInit: one learnt factor for each of the 12 branches.
    ("nfnet-f0", ("variables.skip_init=true",), 71_489_272 + 12),
    ("swin-t", ("variables.depths=[2,2,18,2]",), 49_606_258),
    ("swin-t", ("variables.depths=[2,2,18,2]", *SWIN_B), 87_768_224),
    ("vit-b-16", ("variables.patch=32",), 88_224_232),
    ("vit-b-16", ("variables.width=1024", "variables.depth=24", "variables.heads=16"), 304_326_632),
    ("shufflenet-v2-1.0", ("variables.widths=[48,96,192]",), 1_366_792),
    ("shufflenet-v2-1.0", ("variables.widths=[176,352,704]",), 3_503_624),
    ("shufflenet-v2-1.0", ("variables.widths=[244,488,976]", "variables.last=2048"), 7_393_996),
    ("mobilenet-v1", ("variables.alpha=0.25",), 475_544),
    ("mobilenet-v1", ("variables.alpha=0.5",), 1_342_536),
    ("mobilenet-v1", ("variables.alpha=0.75",), 2_601_976),
]


@pytest.mark.parametrize(("name", "overrides", "count"), RELATIVES)
def test_a_network_becomes_its_relatives(name: str, overrides: tuple[str, ...], count: int) -> None:
    reading = read(ZOO / f"{name}.yaml", overrides)
    assert reading.spec is not None
    totals = cnnkit.analyze(reading.spec).totals
    assert totals.parameters + (totals.state if name == "mobilenet-v1" else 0) == count


def test_a_squeeze_takes_the_fraction_that_its_ratio_stands_for() -> None:
    """EfficientNet's, of the channels before the expansion: 96·0.25/6 is 4, as floats 3.99…"""
    layers = [{"squeeze_excite": {"ratio": "$(0.25 / 6)"}}]
    analysis = cnnkit.analyze(cnnkit.load({"input": "8x8x96", "layers": layers}))
    assert analysis.totals.parameters == 2 * 96 * 4 + 4 + 96
