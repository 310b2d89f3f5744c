"""The note on an input that is written in another framework's order."""

from __future__ import annotations

import pytest

from cnnkit.analysis import analyze
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import read

LAST = "the channels come last: write `input: {}` if the first extent is theirs"
ONE = "the shape is that of one example: write `input: {}` if the first extent counts examples"


@pytest.mark.parametrize(
    ("shape", "message", "advice"),
    [
        ("3x32x32", "a map of 3x32 with 32 channels", LAST.format("32x32x3")),
        ("1x28x28", "a map of 1x28 with 28 channels", LAST.format("28x28x1")),
        ("4x224x320", "a map of 4x224 with 320 channels", LAST.format("224x320x4")),
        ("1x1000", "a signal of 1 with 1000 channels", LAST.format("1000x1")),
        ("3x16x112x112", "a volume of 3x16x112 with 112 channels", LAST.format("16x112x112x3")),
        ("32x224x224x3", "a volume of 32x224x224 with 3 channels", ONE.format("224x224x3")),
        ("1x28x28x1", "a volume of 1x28x28 with 1 channel", ONE.format("28x28x1")),
    ],
)
def test_another_order(shape: str, message: str, advice: str) -> None:
    listed = f"[{shape.replace('x', ', ')}]"
    for written in (shape, listed):
        reading = read(f"name: a\ninput: {written}\nlayers: [relu]\n")
        assert reading.spec is not None
        (finding,) = analyze(reading.spec).findings
        assert (finding.rule, finding.level) == ("misordered-input", "info")
        assert finding.message == f"`{shape}` is read as {message}"
        assert finding.help == advice
        assert str(finding.location) == "<text>:2:8"


@pytest.mark.parametrize(
    "shape",
    [
        (32, 32, 3), (28, 28, 1), (1, 1, 512), (3, 3, 512), (4, 8, 128), (7, 7, 512), (100, 1),
        (1, 10), (3, 8), (150,), (256, 256, 256, 1), (64, 128, 128, 1), (132, 132, 116, 3),
        (4, 4, 4, 64), (3, 8, 8), (1, 16, 512), (224, 3, 224),
    ],
)  # fmt: skip
def test_what_may_well_be_meant(shape: tuple[int, ...]) -> None:
    assert analyze(Spec(input=shape, layers=())).findings == ()


def test_a_spec_of_python_has_the_note_without_a_place() -> None:
    (finding,) = analyze(Spec(input=(3, 32, 32), layers=())).findings
    assert (finding.rule, finding.location) == ("misordered-input", None)
