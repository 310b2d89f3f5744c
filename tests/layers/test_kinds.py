from itertools import pairwise

import pytest

from cnnkit import rules
from cnnkit.analysis import analyze
from cnnkit.layers import FAMILIES, KINDS, layer_class
from cnnkit.layers.base import Layer
from cnnkit.layers.field import Expects
from cnnkit.spec.language.faults import accepts, field_names
from cnnkit.spec.reading import read


@pytest.mark.parametrize("kind", KINDS)
def test_the_class_of_a_kind_knows_its_kind_and_family(kind: str) -> None:
    layer = layer_class(kind)
    assert (layer.kind, layer.family) == (kind, KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_explains_itself(kind: str) -> None:
    layer = layer_class(kind)
    assert layer.model_config["frozen"]
    assert "__doc__" in vars(layer)
    for name, field in layer.model_fields.items():
        if field.exclude:  # no user writes it
            continue
        assert any(isinstance(item, Expects) for item in field.metadata), name
        assert field.description or name == "name", name


@pytest.mark.parametrize("kind", KINDS)
def test_an_alias_is_no_field_and_stands_for_one(kind: str) -> None:
    layer = layer_class(kind)
    fields = set(layer.model_fields)
    assert set(layer.field_aliases.values()) <= fields
    assert not set(layer.field_aliases) & fields


def test_no_kind_is_in_two_families() -> None:
    for one, other in pairwise(FAMILIES.values()):
        assert not set(one) & set(other)
    assert len(KINDS) == sum(map(len, FAMILIES.values()))


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize("kind", KINDS)
def test_no_field_takes_a_number_that_is_not_finite(kind: str, value: float) -> None:
    layer = layer_class(kind)
    for name in layer.model_fields:
        for given in (value, [value], [[value]], [value, value]):
            assert not accepts(layer, name, given), name


def test_a_ratio_is_finite() -> None:
    spec = {"input": [8, 8, 4], "layers": [{"squeeze_excite": {"ratio": float("inf")}}]}
    (finding,) = read(spec).findings
    assert (finding.rule, finding.message, finding.help) == (
        "wrong-value",
        "`ratio` cannot be .inf",
        "it takes a number above 0",
    )


NASTY = [
    float("inf"), float("nan"), 1e308, 1e-308, -1e308, 10**39, -(10**39), -1, 0, True, "x", "",
    [], [0], [[1, 2], [3]], [10**30] * 2, {}, {"a": 1}, None, 10**6, 0.5, "same",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_any_value_of_any_field_is_taken_or_a_finding(kind: str) -> None:
    layer = layer_class(kind)
    usual = {"filters": 2, "kernel": 3, "units": 4, "size": 2, "times": 2, "block": 2, "groups": 2}
    fields = {name: value for name, value in usual.items() if name in layer.model_fields}
    for name in field_names(layer):
        for value in NASTY:
            for shape in ([8], [8, 4], [8, 8, 4], [4, 4, 4, 4]):
                layers = [{"save": "a"}, {kind: {**fields, name: value}}, "batch_norm"]
                reading = read({"input": shape, "layers": layers})
                assert reading.spec is not None
                analysis = analyze(reading.spec)
                assert analysis.to_dict()
                rules.applied(analysis, rules.LEVELS)
                assert analysis.ok or all(finding.message for finding in analysis.findings)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_of_a_whole_kind_is_no_field_of_its_layers(kind: str) -> None:
    """Pydantic knows class variables by their annotations, which `Layer` no longer has."""
    assert set(Layer.__annotations__) == {"name"}
    variables = {"kind", "family", "example", "size_field", "storage", "linear", "drops"}
    assert not variables & layer_class(kind).model_fields.keys()
    assert layer_class(kind).kind == kind
