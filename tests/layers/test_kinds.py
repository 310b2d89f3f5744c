from importlib import import_module
from itertools import pairwise

import pytest

from cnnkit.layers import FAMILIES, KINDS, layer_class
from cnnkit.layers.base import Expects


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_a_module_with_the_table_of_its_kinds(family: str) -> None:
    layers = import_module(f"cnnkit.layers.{family}").LAYERS
    assert set(layers) == set(FAMILIES[family])
    assert all(layer.kind == kind for kind, layer in layers.items())
    assert all(layer.family == family for layer in layers.values())


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
