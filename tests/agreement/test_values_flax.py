"""The converted Flax code gives the same values as the network that it was converted from."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest
from converted import case, close, flax_variables, module_of
from corpus import CORPUS
from flax import nnx


@pytest.mark.parametrize("name", CORPUS)
def test_outputs(name: str) -> None:
    expected = case(name)
    model = module_of(expected.spec, "flax").MODEL(rngs=nnx.Rngs(0))
    model.eval()
    variables = flax_variables(model, expected)
    for variable, owned in zip(variables, expected.owned, strict=True):
        assert variable.shape == owned.array.shape
        variable.set_value(jnp.asarray(owned.array))
    graphdef, state = nnx.split(model)
    close(jax.jit(lambda x: nnx.merge(graphdef, state)(x))(expected.x), expected.output)
