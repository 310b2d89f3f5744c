"""The JSON Schema against the models, the specs, and what reading finds."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.protocols import Validator
from pydantic import ValidationError

from cnnkit import templates
from cnnkit.layers import FAMILIES, KINDS, layer_class
from cnnkit.layers.base import Layer
from cnnkit.rules import LEVELS
from cnnkit.spec.language.faults import field_names
from cnnkit.spec.model.spec import SECTIONS, Spec
from cnnkit.spec.reading import load, read
from cnnkit.spec.schema.document import schema as uncached_schema
from cnnkit.spec.text.source import read_file, read_text

TESTS = Path(__file__).parents[1]
SPECS = sorted([*(TESTS.parent / "specs").rglob("*.yaml"), *(TESTS / "specs").rglob("*.yaml")])
ZOO = [path for path in SPECS if path.parent.name == "zoo"]
GOOD = [*SPECS, *sorted((TESTS / "golden" / "ok").glob("*.yaml"))]
BAD = sorted((TESTS / "golden" / "err").glob("*.yaml"))

OF_THE_TEXT = {"unknown-key", "unknown-kind", "wrong-type", "wrong-value", "missing-field"}
BEYOND_A_SCHEMA = {
    "gaussian_noise": "JSON has no infinity to compare with",
    "reshape": "two extents of -1 are each allowed",
    "hard_sigmoid": "`Hardsigmoid` may be a block",
    "linear": "`Linear` may be a block",
    "sigmoid": "`sigmoide` may be a block",
    "silu": "`Swish` may be a block",
}


schema = cache(uncached_schema)


@cache
def validator(dialect: type[Validator] = Draft202012Validator) -> Validator:
    return dialect(schema(tuple(LEVELS)))


def plain(path: Path) -> Any:
    node, _ = read_file(path)
    assert node is not None
    return node.plain()


def faults(data: object, dialect: Any = Draft202012Validator) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator(dialect).iter_errors(data)]


def layers(*written: object) -> dict[str, object]:
    return {"input": "8x8x8", "layers": [*written]}


@pytest.mark.parametrize("dialect", [Draft202012Validator, Draft7Validator])
def test_is_a_schema_of_draft_2020_12_and_of_draft_7(dialect: type[Validator]) -> None:
    dialect.check_schema(schema(tuple(LEVELS)))
    dialect.check_schema(schema())


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_accepts_our_specs(path: Path) -> None:
    assert faults(plain(path)) == []


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_accepts_what_our_specs_expand_to(path: Path) -> None:
    assert faults(load(path).to_dict()) == []


@pytest.mark.parametrize("name", templates.names())
def test_accepts_the_templates(name: str) -> None:
    node, _ = read_text(templates.text(name), name)
    assert node is not None
    assert faults(node.plain()) == []


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_refuses_what_reading_refuses(path: Path) -> None:
    rules = {finding.rule for finding in read(path).findings}
    if rules & OF_THE_TEXT and path.stem not in BEYOND_A_SCHEMA:
        assert faults(plain(path))
    if not rules:
        assert not faults(plain(path))


@pytest.mark.parametrize("kind", KINDS)
def test_knows_the_fields_of_a_kind_and_no_others(kind: str) -> None:
    layer = layer_class(kind)
    definition = schema()["$defs"][kind]
    assert set(definition["properties"]) == set(field_names(layer))
    for name, field in definition["properties"].items():
        assert field["title"] == name
        assert field["description"].endswith(".")
        info = next(info for key, info in layer.model_fields.items() if (info.alias or key) == name)
        default = None if info.is_required() else info.default
        if isinstance(default, Layer):
            default = default.kind
        assert field.get("default") == (None if default == () else default)
    assert faults(layers({kind: {"no_such_field": 1}}))


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_may_be_an_expression(kind: str) -> None:
    layer = layer_class(kind)
    needed = {"layers": ["relu"], "branches": [["relu"]]}
    fields = {name: needed.get(name, "$value") for name in field_names(layer)}
    if "shortcut" in fields:
        fields["shortcut"] = "identity"
    assert faults(layers({"when": "$here", "name": "it$index", kind: fields})) == []
    for name in {"layers", "shortcut"} & set(fields):  # an argument that holds layers
        assert faults(layers({kind: {**fields, name: "$value"}})) == []
        assert faults(layers({kind: {**fields, name: "relu"}}))
    if "branches" in fields:
        assert faults(layers({kind: {**fields, "branches": "$value"}}))


def test_arguments_hold_layers_and_branches_are_repeated() -> None:
    branches = {"times": "$n", "layers": ["relu"]}
    wrap = {
        "arguments": {"body": "required", "norm": {"group_norm": {"groups": 2}}},
        "layers": [
            {"residual": {"layers": "$body"}},
            "$norm",
            {"parallel": {"branches": branches}},
        ],
    }
    use = {"wrap": {"body": ["relu", {"conv": {"filters": 3, "kernel": 1}}]}}
    assert faults({"blocks": {"wrap": wrap}, **layers(use)}) == []
    named = {"wide": {"when": True, **branches}, "times": ["relu"], "layers": []}
    assert faults(layers({"parallel": {"branches": named}})) == []
    assert faults(layers({"parallel": {"branches": {"times": -1, "layers": ["relu"]}}}))
    assert faults(layers({"wrap": {"norm": {"relu": {}, "tanh": {}}}}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_stands_bare_where_it_needs_no_fields(kind: str) -> None:
    try:
        layer_class(kind).model_validate({})
    except ValidationError:
        assert faults(layers(kind))
        assert faults(layers({kind: {}}))
    else:
        assert faults(layers(kind, {kind: {}}, {kind: None}, {"name": "a", kind: {}})) == []


def test_all_sections_are_there() -> None:
    assert tuple(schema()["properties"]) == SECTIONS


@pytest.mark.parametrize(
    "data",
    [
        {"input": "8x8x8"},
        {"layers": []},
        layers("relu") | {"inputs": 3},
        layers("relu") | {"input": "8x8y8"},
        layers("relu") | {"input": []},
        layers("relu") | {"input": [8, 8, 8, 8, 8]},
        layers("relu") | {"input": 0},
        layers("relu") | {"cnnkit": 2},
        layers("relu") | {"rounding": "up"},
        layers("relu") | {"budget": {"macs": "3Q"}},
        layers("relu") | {"expect": {"params": 3}},
        layers("relu") | {"rules": {"ignore": ["no-such-rule"]}},
        layers("relu") | {"variables": {"index": 3}},
        layers("relu") | {"variables": {"a": {"b": 3}}},
        layers("relu") | {"blocks": {"conv": {"layers": []}}},
        layers("relu") | {"blocks": {"unit": {"arguments": {}}}},
        layers("relu") | {"defaults": {"conv": {"fliters": 3}}},
        layers({"relu": {}, "tanh": {}}),
        layers({"name": "a"}),
        layers({"relu": {}, "name": "a b"}),
        layers({"relu": {}, "when": 1}),
        layers({"unit": [3]}),
        layers({"unit": {"width": {"a": 3}}}),
        layers({"conv": {"filters": 3, "kernel": 3, "activation": {"conv": {}}}}),
        layers({"conv": {"filters": 3, "kernel": 3, "activation": {"relu": {}, "tanh": {}}}}),
        layers({"conv": {"filters": 3}}),
        layers({"repeat": {"times": 2, "layers": [{"conv": {"filters": 3}}]}}),
        layers({"parallel": {"branches": [[{"conv": {"filters": 3}}]]}}),
        layers({"crop": {}}),
        layers("relu") | {"train": {"epoch": 3}},
        layers("relu") | {"train": {"epochs": 0}},
        layers("relu") | {"train": {"optimizer": "adm"}},
        layers("relu") | {"train": {"optimizer": {"sgd": {"momentum": 2}}}},
        layers("relu") | {"train": {"optimizer": {"sgd": {}, "adam": {}}}},
        layers("relu") | {"train": {"optimizer": {"adam": {"beta1": 0.9}}}},
        layers("relu") | {"train": {"learning_rate": -1}},
        layers("relu") | {"train": {"learning_rate": {"cosine": {}}}},
        layers("relu") | {"train": {"augment": {"flip": "horizontal"}}},
        layers("relu") | {"train": {"augment": ["shift"]}},
        layers("relu") | {"train": {"augment": [{"flip": "sideways"}]}},
        layers("relu") | {"train": {"data": {"image": "a"}}},
        layers("relu") | {"train": {"data": {"images": "a", "target": "b"}}},
        layers("relu") | {"train": {"class_weights": [0]}},
        layers("relu") | {"train": {"boundary_weights": {"sigma": 0}}},
        layers("relu") | {"train": {"parallel": {"shard": 0}}},
        layers("relu") | {"train": {"parallel": {"data": "most"}}},
        layers("relu") | {"train": {"parallel": {"sync_batch_norm": 1}}},
        layers("relu") | {"train": {"time_limit": "3x"}},
        layers("relu") | {"train": {"split": {"validation": -1}}},
        layers("relu") | {"train": {"init": 3}},
        layers("relu") | {"train": {"freeze": "layers.0"}},
        layers("relu") | {"train": {"freeze": [3]}},
        layers("relu") | {"train": {"freeze": {"layer": ["layers.0"]}}},
        layers("relu") | {"train": {"freeze": ["layers.0"], "unfreeze": 3}},
        layers("relu") | {"train": {"learning_rate": {"layers": {"layers.0": "10x"}}}},
        layers("relu") | {"train": {"learning_rate": {"constant": 1, "layers": {"a": 10}}}},
        layers("relu") | {"train": {"learning_rate": {"constant": 1, "cosine": 1}}},
    ],
)
def test_refuses(data: dict[str, object]) -> None:
    assert faults(data)
    assert faults(data, Draft7Validator)


@pytest.mark.parametrize(
    "data",
    [
        layers("relu") | {"input": 150},
        layers("relu") | {"input": [8, "$c"]},
        layers("relu") | {"train": {"init": "a", "freeze": ["layers.0"], "unfreeze": {"at": 3}}},
        layers("relu") | {"train": {"freeze": {"layers": ["layers.0"], "statistics": False}}},
        layers("relu") | {"train": {"learning_rate": {"cosine": 1, "layers": {"layers.*": "2x"}}}},
        layers("relu") | {"budget": {"macs": "1.5 M", "training_memory": "2GiB", "state": 0}},
        layers({"unit": {"width": 3, "depths": [1, 2]}}, {"unit": None}, "unit"),
        layers({"conv": {"filters": 3}}) | {"defaults": {"conv": {"kernel": 3}}},
        layers("crop", {"crop": {}}) | {"defaults": {"crop": {"cells": 1}}},
        {"extends": "base.yaml", "layers": ["conv", {"conv": {"filters": 3}}]},
        {"extends": "base.yaml"},
        layers({"save": "a"}, {"load": {"tensor": "a"}}, {"merge": {"with": ["a"]}}),
        layers("relu") | {"train": {"data": {"csv": "a.csv"}}, "search": {"a.b": [1]}},
    ],
)
def test_accepts(data: dict[str, object]) -> None:
    assert faults(data) == []
    assert faults(data, Draft7Validator) == []


TRAININGS: list[dict[str, Any]] = [
    {"data": "digits", "learning_rate": "find", "batch_size": "auto", "time_limit": "1h30m"},
    {"data": {"csv": "$file"}, "learning_rate": "$rate", "epochs": "$n", "augment": ["$a"]},
    {"loss": "dice", "boundary_weights": {"w0": 5}},
    {"optimizer": "adam", "loss": {"focal": None}, "class_weights": {"a": 1, "b": "$w"}},
    {"optimizer": {"sgd": {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}}},
    {"learning_rate": {"cosine": 0.1}, "augment": ["flip", {"shift": 4}, {"cutout": [3, 3]}]},
    {"learning_rate": {"step": {"peak": "find", "at": [1.5, 3]}}, "class_weights": "balanced"},
    {"split": {"validation": 1000, "test": 0}, "early_stopping": {"patience": 3}, "ema": 0.999},
    {"checkpoint": {"every": 2, "interval": "10m"}, "precision": "bfloat16", "accumulate": 4},
    {"parallel": {"data": "all", "shard": 2, "spatial": "$n", "sync_batch_norm": False}},
]


@pytest.mark.parametrize("train", TRAININGS, ids=lambda train: "-".join(train))
def test_accepts_what_training_reads(train: dict[str, Any]) -> None:
    data = layers("relu") | {"train": train}
    assert faults(data) == []
    assert faults(data, Draft7Validator) == []
    if "$" not in str(train):
        assert read(data).findings == ()


def test_any_rule_will_do_where_the_rules_are_not_known() -> None:
    data = layers("relu") | {"rules": {"ignore": ["some-rule"]}}
    assert Draft202012Validator(schema()).is_valid(data)


@cache
def words() -> list[str]:
    """The words that any field takes."""
    found: set[str] = set()

    def collect(part: Any) -> None:
        if isinstance(part, dict):
            found.update(word for word in part.get("enum", ()) if isinstance(word, str))
        for inner in part.values() if isinstance(part, dict) else part:
            if isinstance(inner, (dict, list)):
                collect(inner)

    collect(schema()["$defs"])
    return sorted(found)


@cache
def values() -> list[Any]:
    """Values of every type that a field may have, and of most that it may not."""
    scalars = [None, True, False, -1, 0, 1, 2, 3, -0.5, 0.5, 1.5, "a", *words()]
    lists = [[], [1], [0.5], [-1, 2], [1, 2, 3], [[1, 1], 2], [[1], 2], [[0, 1], [1, 0]]]
    lists += [["a"], ["a", "b"], [True], [None], [1, 2, 3, 4, 5], [[[1]]]]
    return [*scalars, *lists, {}, {"a": 1}]


def by_itself(kind: str) -> list[str]:
    """The fields that hold no layers, and are the same in a text and in a model."""
    layer = layer_class(kind)
    inner = {*layer.sequence_fields, *layer.activation_fields, "branches", "weights", "bias"}
    return [name for name in field_names(layer) if name not in inner]


def takes(kind: str, field: str, value: object) -> bool:
    try:
        layer_class(kind).model_validate({field: value})
    except ValidationError as error:
        return not any(each["loc"][:1] == (field,) for each in error.errors())
    return True


@cache
def accepted(kind: str, field: str) -> list[Any]:
    return [value for value in values() if takes(kind, field, value)]


@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_the_model_on_every_field(kind: str) -> None:
    document = schema()
    definition = Draft202012Validator({**document["$defs"][kind], "$defs": document["$defs"]})
    for field in by_itself(kind):
        for value in values():
            if field == "shape" and isinstance(value, list) and not takes(kind, field, value):
                continue  # where a -1 may stand is looked at by a function
            told = definition.is_valid({field: value})
            assert told == takes(kind, field, value), (field, value)


@st.composite
def networks(draw: st.DrawFn, kind: str) -> Spec:
    """A network of one layer of the kind, with fields that its model accepts."""
    layer = layer_class(kind)
    inner = [layer_class(each)() for each in draw(st.lists(st.sampled_from(["relu", "tanh"])))]
    given: dict[str, Any] = dict.fromkeys(layer.sequence_fields, inner)
    if kind == "parallel":
        given["branches"] = draw(st.sampled_from([{"0": inner}, {"left": inner, "right": []}]))
    required = layer.model_json_schema().get("required", ())
    for field in by_itself(kind):
        if field in required or draw(st.booleans()):
            given[field] = draw(st.sampled_from(accepted(kind, field)))
    for field in layer.activation_fields:
        given[field] = draw(st.sampled_from(FAMILIES["activation"]))
    name = draw(st.none() | st.just("a-name"))
    try:
        return Spec(input=(8, 8, 8), layers=(layer(**given, name=name),))
    except ValidationError:  # two fields that exclude each other
        assume(False)
        raise


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_accepts_whatever_a_model_holds(kind: str, data: st.DataObject) -> None:
    written = data.draw(networks(kind)).to_dict()
    assume(
        not read(written).findings
    )  # a field at its default is left out, though another needs it
    assert faults(written) == []
