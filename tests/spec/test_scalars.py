"""YAML 1.2's core schema, by table."""

import math

import pytest

from cnnkit.spec.text.source import read_text

VALUES: list[tuple[str, object]] = [
    *[(text, None) for text in ("", "~", "null", "Null", "NULL", "!!null null")],
    *[(text, True) for text in ("true", "True", "TRUE", "!!bool true")],
    *[(text, False) for text in ("false", "False", "FALSE")],
    *[(text, text) for text in ("on", "off", "yes", "no", "y", "n", "nULL", "tRue", "nothing")],
    ("012", 12),
    ("-7", -7),
    ("+7", 7),
    ("-0", 0),
    ("0o14", 12),
    ("0xfF", 255),
    ("!!int 0x10", 16),
    ("9" * 40, 10**40 - 1),
    ("1e-3", 0.001),
    ("1E3", 1000.0),
    ("1.", 1.0),
    (".5", 0.5),
    ("-.5e+1", -5.0),
    ("+1.5", 1.5),
    ("0e9", 0.0),
    ("!!float 3", 3.0),
    (".inf", math.inf),
    ("+.INF", math.inf),
    ("-.Inf", -math.inf),
    *[(text, text) for text in ("0b11", "0o8", "-0x1", "0X1", "1_000", "1:30", "190:20:30")],
    *[(text, text) for text in ("2024-01-01", "1e", "e3", ".", "+", "1.2.3", "32x32x3")],
    *[
        (text, text)
        for text in ("Infinity", "NaN", "inf", "nan", ".", "..", "-.nan", "٣", "=", "<")
    ],
    ("'1'", "1"),
    ('"true"', "true"),
    ("''", ""),
    ("! 12", "12"),
    ("!!str 12", "12"),
    ("!!str", ""),
    ("$k", "$k"),
    ("$(4 * width)", "$(4 * width)"),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_a_scalar_is_what_yaml_1_2_says(text: str, value: object) -> None:
    node, findings = read_text(f"k: {text}\n", "spec.yaml")
    assert findings == []
    assert node is not None
    read = node.plain()["k"]
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_a_float() -> None:
    node, _ = read_text("[.nan, .NaN, .NAN]", "spec.yaml")
    assert node is not None
    assert all(math.isnan(number) for number in node.plain())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!!int 1.5", "the tag `!!int` stands before `1.5`, which is a float"),
        ("!!bool yes", "the tag `!!bool` stands before `yes`, which is a string"),
        ("!!null 0", "the tag `!!null` stands before `0`, which is an integer"),
        ("!!float x", "the tag `!!float` stands before `x`, which is a string"),
        ("!!map x", "the tag `!!map` stands before `x`, which is a string"),
        ("!!str [x]", "the tag `!!str` stands before a list"),
        ("!!seq {k: v}", "the tag `!!seq` stands before a mapping"),
    ],
)
def test_a_tag_that_says_something_else(text: str, message: str) -> None:
    node, findings = read_text(f"k: {text}", "spec.yaml")
    assert node is not None
    assert [finding.message for finding in findings] == [message]
    assert findings[0].rule == "wrong-type"
    tag = text.split()[0]
    assert findings[0].help == f"remove `{tag}` or change the value"


def test_a_vanishing_float_is_not_zero_in_silence() -> None:
    _, findings = read_text("k: 1e-999", "spec.yaml")
    assert [finding.rule for finding in findings] == ["wrong-type"]
    assert findings[0].message == (
        "`1e-999` does not fit a float, which reaches from 4.9e-324 to 1.8e308 on either side of 0"
    )
