"""The converted Flax code gives the same values as the network that it was converted from."""

from __future__ import annotations

import jax.numpy as jnp
import pytest
from converted import case, close, flax_model, flax_variables, quick
from corpus import CORPUS
from flax import nnx


@pytest.mark.parametrize("name", CORPUS)
def test_outputs(name: str) -> None:
    expected = case(name)
    model, made = flax_model(expected.spec)
    model.eval()
    variables = flax_variables(made, expected)
    for variable, owned in zip(variables, expected.owned, strict=True):
        assert variable.shape == owned.array.shape
        variable.set_value(jnp.asarray(owned.array))
    graphdef, state = nnx.split(model)
    close(quick(lambda x: nnx.merge(graphdef, state)(x))(expected.x), expected.output)
