"""What may be said of files: the range of their values, a background, columns that are dropped."""

from __future__ import annotations

from typing import Any

import pytest

from cnnkit.spec.model.training import Csv, Images, Packed
from cnnkit.spec.reading import read

SPEC = {"input": "4x4x1", "layers": ["flatten"]}


def data_of(data: dict[str, Any]) -> Any:
    spec, findings = read({**SPEC, "train": {"data": data}})
    assert findings == ()
    assert spec is not None
    assert spec.train is not None
    return spec.train.data


def test_the_fields_are_read() -> None:
    images = data_of(
        {"images": "a", "value_range": [0, 4095], "background": [1, 2, 3], "damaged": "skip"}
    )
    assert images == Images(images="a", value_range=(0, 4095), background=(1, 2, 3), damaged="skip")
    assert data_of({"csv": "a", "drop": ["id", 3]}) == Csv(csv="a", drop=("id", 3))
    assert data_of({"arrays": "a", "value_range": [-1, 1.5]}).value_range == (-1, 1.5)
    assert data_of({"packed": "a", "fit": "contain"}) == Packed(packed="a", fit="contain")
    assert (images.fit, Images(images="a").background, Images(images="a").damaged) == (
        "cover", "white", "refuse",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "message", "advice"),
    [
        (
            {"value_range": [5, 5]},
            "`value_range` does not ascend: [5, 5]",
            "it takes the lowest and the highest value, such as [0, 4095]",
        ),
        (
            {"value_range": [0, float("inf")]},
            "`value_range[1]` cannot be .inf",
            "it takes the lowest and the highest value, such as [0, 4095]",
        ),
        (
            {"value_range": [0]},
            "`value_range` cannot be [0]",
            "it takes the lowest and the highest value, such as [0, 4095]",
        ),
        (
            {"background": [1, 2]},
            "`background` cannot be [1, 2]",
            "it takes `white`, `black`, or red, green and blue of 0 to 255: [255, 255, 255]",
        ),
        (
            {"value_range": 4095},
            "`value_range` cannot be 4095",
            "it takes the lowest and the highest value, such as [0, 4095]",
        ),
        (
            {"background": "grey"},
            '`background` cannot be "grey"',
            "it takes `white`, `black`, or red, green and blue of 0 to 255: [255, 255, 255]",
        ),
        (
            {"background": [0, 0, 256]},
            "`background[2]` cannot be 256",
            "it takes `white`, `black`, or red, green and blue of 0 to 255: [255, 255, 255]",
        ),
        ({"damaged": "ignore"}, '`damaged` cannot be "ignore"', "it takes `refuse` or `skip`"),
        ({"drop": ["id"]}, "`data` has no field `drop`", None),
    ],
)
def test_what_they_cannot_be_is_a_finding(
    fields: dict[str, Any], message: str, advice: str | None
) -> None:
    _, findings = read({**SPEC, "train": {"data": {"images": "a", **fields}}})
    assert len(findings) == 1
    assert findings[0].message == message
    if advice is not None:
        assert findings[0].help == advice


def test_what_was_said_when_data_were_packed_is_not_said_again() -> None:
    _, findings = read({**SPEC, "train": {"data": {"packed": "a", "damaged": "skip"}}})
    assert [each.message for each in findings] == ["`data` has no field `damaged`"]
