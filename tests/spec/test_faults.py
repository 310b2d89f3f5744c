"""What is said of a value that Pydantic refuses."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from cnnkit.layers import KINDS, layer_class
from cnnkit.layers.base import Layer
from cnnkit.layers.field import Expects
from cnnkit.spec.language.faults import (
    accepts,
    expected,
    faults_of,
    field_names,
    shown,
    unknown_field,
)
from cnnkit.spec.model.spec import Budget, Expect, Rules, Spec


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "null"),
        (3, "3"),
        (3.0, "3.0"),
        (1e-7, "1e-07"),
        (math.inf, ".inf"),
        (-math.inf, "-.inf"),
        (math.nan, ".nan"),
        ("über", '"über"'),
        ([1, [2]], "[1, [2]]"),
        ({"a": 1}, '{"a": 1}'),
        ((1, 2), "[1, 2]"),
        ({1, 2} - {2}, "{1}"),
        ("x" * 100, '"' + "x" * 58 + "…"),
    ],
)
def test_a_value_is_shown_as_it_is_written(value: object, text: str) -> None:
    assert shown(value) == text


def test_the_fields_that_must_be_given_come_first() -> None:
    assert field_names(layer_class("conv"))[:2] == ["kernel", "filters"]
    assert field_names(layer_class("merge")) == ["with", "by", "axis"]
    assert field_names(layer_class("repeat")) == ["times", "layers"]
    assert field_names(layer_class("relu")) == []
    assert "name" in field_names(Spec)


@pytest.mark.parametrize("kind", KINDS)
def test_each_field_says_what_it_takes_and_what_it_is(kind: str) -> None:
    cls = layer_class(kind)
    for field in field_names(cls):
        assert expected(cls, field) != "another value", field
        info = next(i for n, i in cls.model_fields.items() if field in (n, i.alias))
        assert info.description, field


@pytest.mark.parametrize("model", [Spec, Expect, Budget, Rules])
def test_each_section_says_what_its_fields_take(model: type[Spec]) -> None:
    for field in field_names(model):
        if field not in ("expect", "budget", "rules"):
            assert expected(model, field) != "another value", field
        assert model.model_fields[field].description


@pytest.mark.parametrize("kind", KINDS)
def test_the_aliases_of_fields_lead_to_fields(kind: str) -> None:
    cls = layer_class(kind)
    assert set(cls.field_aliases.values()) <= set(field_names(cls))
    assert not set(cls.field_aliases) & set(field_names(cls))


def faults(kind: str, **fields: object) -> list[tuple[str, str, tuple[str | int, ...]]]:
    cls = layer_class(kind)
    with pytest.raises(ValidationError) as error:
        cls.model_validate(fields)
    found = faults_of(error.value, cls, kind, cls.field_aliases)
    return [(fault.rule, fault.message, fault.field) for fault in found]


def test_one_fault_a_field() -> None:
    assert faults("conv", kernel=[1, True, "x"], filters=None, colour=3) == [
        ("wrong-type", "`kernel[1]` cannot be true", ("kernel", 1)),
        ("wrong-type", "`filters` cannot be null", ("filters",)),
        ("unknown-key", "`conv` has no field `colour`", ("colour",)),
    ]


@pytest.mark.parametrize(
    ("padding", "message", "field"),
    [
        ("full", '`padding` cannot be "full"', ("padding",)),
        (-1, "`padding` cannot be -1", ("padding",)),
        ([1, -1], "`padding[1]` cannot be -1", ("padding", 1)),
        ([[1, 2], [3, "x"]], '`padding[1][1]` cannot be "x"', ("padding", 1, 1)),
        (1.5, "`padding` cannot be 1.5", ("padding",)),
    ],
)
def test_of_the_members_of_a_union_the_deepest_speaks(
    padding: object, message: str, field: tuple[str | int, ...]
) -> None:
    ((_, said, place),) = faults("conv", filters=1, kernel=1, padding=padding)
    assert (said, place) == (message, field)


def test_what_one_member_of_a_union_says_is_not_said_of_a_value_for_another() -> None:
    ((rule, message, _),) = faults("dense", units=1, bias="no")
    assert (rule, message) == ("wrong-value", '`bias` cannot be "no"')
    ((_, message, _),) = faults("dense", units=1, bias=[1, "x"])
    assert message == '`bias` is not made of numbers: [1, "x"]'


def test_a_fault_of_the_whole_layer() -> None:
    ((rule, message, field),) = faults("channel_slice", start=3, stop=3)
    assert (rule, message, field) == (
        "wrong-value",
        "`start` (=3) must be below `stop` (=3)",
        (),
    )


@pytest.mark.parametrize(
    ("field", "advice", "meant"),
    [
        ("rat", "did you mean `rate`?", "rate"),
        ("p", "here it is `rate`", "rate"),
        ("zzz", "its fields are rate", None),
        ("rate:0.5", "write `rate: 0.5`: a space is missing after the colon", "rate"),
        ("name", "`name` stands beside the kind: `- {name: …, dropout: {…}}`", None),
    ],
)
def test_the_advice_on_an_unknown_field(field: str, advice: str, meant: str | None) -> None:
    fault = unknown_field(field, ["rate"], "dropout", {"p": "rate"})
    assert (fault.help, fault.meant, fault.on_key) == (advice, meant, True)
    assert unknown_field("x", [], "relu").help == "`relu` has no fields"


def test_a_long_key_is_shortened() -> None:
    fault = unknown_field("x" * 10_000, ["rate"], "dropout")
    assert len(fault.message) < 100


def test_whether_a_field_takes_a_value() -> None:
    dense: type[Layer] = layer_class("dense")
    assert accepts(dense, "units", 10)
    assert not accepts(dense, "units", "10")
    assert not accepts(dense, "unit", 10)
    assert not accepts(layer_class("channel_slice"), "stop", 0)


def test_expects_is_words() -> None:
    assert Expects("a number").text == "a number"
