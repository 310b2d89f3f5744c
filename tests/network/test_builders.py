"""The table of builders and the kinds of the language are one list."""

from __future__ import annotations

import pytest

pytest.importorskip("flax")

from cnnkit.layers import KINDS
from cnnkit.layers.joining import Joined
from cnnkit.network.activation import BUILDERS as ACTIVATIONS
from cnnkit.network.composition import JOINS
from cnnkit.network.registry import BUILDERS, TRACED


def test_every_kind_is_built_or_traced() -> None:
    assert set(BUILDERS) | TRACED == set(KINDS)
    assert set(BUILDERS) & TRACED == set()


def test_every_activation_is_built_by_its_own_family() -> None:
    assert set(ACTIVATIONS) == {kind for kind, family in KINDS.items() if family == "activation"}


def test_every_way_to_join_is_built() -> None:
    assert {*JOINS, "concat"} == set(Joined.model_fields["by"].annotation.__args__)  # type: ignore[union-attr]
