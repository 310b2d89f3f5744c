"""What a network of several inputs and outputs takes and gives, and what it refuses."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import pytest

import cnnkit
from cnnkit.errors import UsageError
from cnnkit.network import Network, build

TWO = """
inputs: {image: 4x4x2, depth: 4x4x1}
layers:
  - merge: {with: depth}
  - output: both
  - global_mean_pool
  - output: means
"""


@pytest.fixture(scope="module")
def network() -> Network:
    return build(cnnkit.load(TWO))


def batch(**shapes: tuple[int, ...]) -> dict[str, Any]:
    return {name: jnp.ones(shape) for name, shape in shapes.items()}


def test_outputs_are_given_by_name(network: Network) -> None:
    given = network(batch(image=(3, 4, 4, 2), depth=(3, 4, 4, 1)))
    assert {name: y.shape for name, y in given.items()} == {"both": (3, 4, 4, 3), "means": (3, 3)}


def test_one_named_input_and_output_are_arrays() -> None:
    one = build(cnnkit.load("inputs: {x: 4}\nlayers: [relu, {output: y}, tanh]"))
    assert one(-jnp.ones((2, 4))).tolist() == [[0.0] * 4] * 2
    assert one({"x": -jnp.ones((2, 4))}).tolist() == [[0.0] * 4] * 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            jnp.ones((3, 4, 4, 2)),
            (
                'the network takes {"image": …, "depth": …}, a batch of each input by its name; '
                "given is one array"
            ),
        ),
        (
            batch(image=(3, 4, 4, 2), deep=(3, 4, 4, 1)),
            (
                'the network takes {"image": …, "depth": …}, a batch of each input by its name; '
                "given is `image`, `deep`"
            ),
        ),
        (
            batch(image=(3, 4, 4, 2), depth=(3, 4, 4)),
            (
                "the network takes for `depth` batches of 4x4x1, that is an array of shape "
                "(N, 4, 4, 1), the one given has (3, 4, 4)"
            ),
        ),
        (
            batch(image=(3, 4, 4, 2), depth=(2, 4, 4, 1)),
            "the inputs of a batch are of as many examples each, not 3 of `image`, 2 of `depth`",
        ),
    ],
)
def test_a_batch_that_does_not_fit(network: Network, given: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        network(given)
    assert str(raised.value) == message
