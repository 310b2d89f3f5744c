"""Values and gradients equal Keras's, for the same weights: the converted code is run."""

from __future__ import annotations

from typing import Any

import jax
import pytest

from cnnkit.export import convert
from cnnkit.export.code.functions import layer_name
from tests.agreement.converted import case, close, keras_layout, quick
from tests.agreement.corpus import CORPUS
from tests.agreement.running import keras_model

keras = pytest.importorskip("keras", reason="Keras is not installed")

INEXPRESSIBLE = {
    "transposed-groups": "its transposed convolutions have no groups, the layer has 2",
    "weight-norms-beyond-keras": "transposed convolutions have no groups, the layer has 2",
}
"""What Keras cannot say; the finding is tested with the others of the conversion."""

EXPRESSIBLE = [name for name in CORPUS if name not in INEXPRESSIBLE]


@pytest.mark.parametrize("name", EXPRESSIBLE)
def test_outputs_and_gradients(name: str) -> None:
    expected = case(name)
    model = keras_model(expected)
    state = [weight.value for weight in model.non_trainable_variables]

    @quick
    def run(x: jax.Array, trained: list[jax.Array], towards: jax.Array) -> Any:
        def forward(x: jax.Array, trained: list[jax.Array]) -> jax.Array:
            y, _ = model.stateless_call(trained, state, x, training=False)
            output: jax.Array = y[0] if expected.graph.sides else y
            return output

        y, back = jax.vjp(forward, x, trained)
        return y, back(towards)

    trained = [weight.value for weight in model.trainable_variables]
    y, (by_x, by_trained) = run(expected.x, trained, expected.towards)
    close(y, expected.output, "output")
    close(by_x, expected.slopes[0], "gradient by the input")
    found = {
        id(weight): slope for weight, slope in zip(model.trainable_weights, by_trained, strict=True)
    }
    for node in expected.graph.nodes:
        own = [
            (owned, slope)
            for owned, slope in zip(expected.trained, expected.slopes[1:], strict=True)
            if owned.node is node
        ]
        weights = model.get_layer(layer_name(node.path)).trainable_weights if own else []
        for weight, (owned, slope) in zip(weights, own, strict=True):
            where = f"gradient by {node.path}.{owned.weight.name}"
            layout = keras_layout(owned, slope).reshape(weight.shape)
            close(found[id(weight)], layout, where, least=owned.least)


@pytest.mark.parametrize("name", INEXPRESSIBLE)
def test_what_keras_cannot_say_is_a_finding(name: str) -> None:
    conversion = convert(case(name).spec, "keras")
    assert conversion.code is None
    assert INEXPRESSIBLE[name] in conversion.findings[0].message
