"""Batch norm of one example."""

from __future__ import annotations

import pytest

from cnnkit.analysis import analyze
from cnnkit.rules import applied
from cnnkit.spec.reading import load

SPEC = """
input: {input}
layers: [{first}, batch_norm, relu, flatten, {{dense: {{units: 2}}}}]
train: {{data: digits, epochs: 1, batch_size: {size}}}
"""
VECTOR = {"input": "8", "first": "{dense: {units: 4, bias: false}}"}
MAPS = {"input": "8x8x1", "first": "{conv: {filters: 4, kernel: 3, bias: false}}"}


def messages(size: object, **spec: str) -> list[str]:
    analysis = analyze(load(SPEC.format(size=size, **spec)))
    return [finding.message for finding in applied(analysis, ["batch-norm-of-one"])]


def test_a_vector_goes_out_the_same_whatever_comes_in() -> None:
    (message,) = messages(1, **VECTOR)
    assert message == (
        "batch norm of 1 example has 1 value a channel, which is its own mean: all that comes in "
        "goes out as the same, and nothing before it is learnt"
    )


def test_of_a_map_the_values_are_counted() -> None:
    (message,) = messages(1, **MAPS)
    assert message == (
        "batch norm of 1 example takes the 36 values of one image a channel, and is judged by "
        "averages over many images"
    )


@pytest.mark.parametrize("size", [2, 32, "auto"])
@pytest.mark.parametrize("spec", [VECTOR, MAPS])
def test_larger_batches_are_sound(size: object, spec: dict[str, str]) -> None:
    assert messages(size, **spec) == []
