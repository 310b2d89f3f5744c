from typing import Any

import pytest

from cnnkit.layers import layer_class
from cnnkit.layers.base import Weight
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import total

HUGE = 10**18


def build(kind: str, **fields: Any) -> Any:
    return layer_class(kind).model_validate(fields)


@pytest.mark.parametrize(
    ("length", "units", "bias", "parameters"),
    [
        # The lecture's: MNIST, a slice and a volume of an MRI, a fully connected signal.
        (28 * 28, 10, True, 7850),
        (256**2, 10, True, 655370),
        (256**3, 10, True, 167772170),
        (150, 150, False, 22500),
        (HUGE, HUGE, True, HUGE**2 + HUGE),
    ],
)
def test_worked_examples(length: int, units: int, bias: bool, parameters: int) -> None:
    effect = build("dense", units=units, bias=bias).effect((length,))
    assert effect.output == (units,)
    assert total(effect.neurons) == units
    assert total(effect.macs) == length * units
    assert sum(weight.size for weight in effect.weights) == parameters
    assert effect.operations.add == (units if bias else 0)


def test_the_weights() -> None:
    effect = build("dense", units=4).effect((9,))
    assert effect.weights == (Weight("kernel", (9, 4)), Weight("bias", (4,)))
    assert effect.macs == ((9, 4),)


def test_maxout_has_twice_the_weights(graph: Any) -> None:
    layer = build("dense", units=4, activation="maxout")
    assert layer.trace(graph, graph.start((9,))).shape == (4,)
    effect = graph.effects["dense"]
    assert (effect.neurons, effect.macs) == (((4,),), ((9, 8),))
    assert sum(weight.size for weight in effect.weights) == 80
    assert graph.effects["activation"].operations.compare == 4


def test_a_feature_map_is_refused() -> None:
    effect = build("dense", units=4).effect((8, 8, 3))
    assert effect.output is None
    assert effect.problems == (
        Problem(
            "shape-mismatch",
            "dense takes a vector, the input is a feature map of 8x8x3",
            "put `- flatten` before it to read the whole map; or use "
            "`conv: {filters: 4, kernel: 1}` for one vector a position",
        ),
    )


def test_given_values_have_the_right_shape() -> None:
    layer = build("dense", units=2, weights=[[1, 2]], bias=[1, 2, 3])
    assert [found.message for found in layer.effect((3,)).problems] == [
        "`weights` has the shape 1x2, the layer needs 3x2",
        "`bias` has the shape 3, the layer needs 2",
    ]
