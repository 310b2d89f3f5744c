"""What a kind says of itself, for rules to ask, is what it computes: every kind is held to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest

pytest.importorskip("flax")

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from pydantic import ValidationError

import cnnkit
from cnnkit.layers import FAMILIES, KINDS, layer_class
from cnnkit.layers.activation import Activation
from cnnkit.layers.base import Layer
from cnnkit.layers.convolution import Convolution
from cnnkit.layers.shape import Shape
from cnnkit.network import build
from cnnkit.network.registry import BUILDERS
from cnnkit.report.kind import kind_example
from cnnkit.spec.language.faults import accepts, field_names
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.tracing import trace

Array = Any
# An unpooling is a function of two tensors.
PRIMITIVE = tuple(kind for kind in BUILDERS if kind != "max_unpool")


@cache
def example(kind: str) -> tuple[Layer, Shape]:
    """The layer of the kind in its example, and the shape that comes in."""
    graph = trace(cnnkit.load(kind_example(kind)).layers, cnnkit.load(kind_example(kind)).input)
    node = next(node for node in graph.nodes if node.layer.kind == kind)
    shape = graph.shape(node.inputs[0])
    assert shape is not None
    return node.layer, shape


def function(layer: Layer, shape: Shape, *, train: bool = False) -> Callable[[Array], Array]:
    """What a layer computes of a batch."""
    network = build(Spec(input=shape, layers=(layer,)))
    started = nnx.state(network, nnx.Param)  # what starts at 0 would have no effect
    nnx.update(network, jax.tree.map(lambda weights: weights + 0.1, started))
    key = jax.random.key(0)
    return lambda x: np.asarray(network(jnp.asarray(x), train=train, key=key), np.float64)


def drawn(shape: Shape) -> Array:
    """A batch, of one size, so that an operation is compiled once for several tests."""
    return 3 * np.random.default_rng(1).standard_normal((6, *shape), np.float32)


def near(one: Array, other: Array) -> bool:
    return bool(np.allclose(one, other, rtol=1e-4, atol=1e-4))


@pytest.mark.parametrize("kind", PRIMITIVE)
def test_linear_is_what_keeps_the_middle_of_two_inputs(kind: str) -> None:
    layer, shape = example(kind)
    x, y, _ = np.split(drawn(shape), 3)
    middle, *ends = np.split(function(layer, shape)(np.concatenate([(x + y) / 2, x, y])), 3)
    assert near(middle, sum(ends) / 2) == layer.linear


@pytest.mark.parametrize("kind", PRIMITIVE)
def test_centring_loses_what_is_added_to_a_channel(kind: str) -> None:
    layer, shape = example(kind)
    x, added = drawn(shape), np.linspace(-1, 2, shape[-1])
    of = function(layer, shape, train=True)
    assert bool(np.allclose(of(x + added), of(x), atol=1e-3)) == layer.centres_channels


@pytest.mark.parametrize("kind", FAMILIES["normalization"])
def test_what_sees_all_is_what_a_far_cell_changes(kind: str) -> None:
    shape = (9, 9, 4)
    of_all = [layer_class(kind).model_validate({"over": "all"})] if kind == "layer_norm" else []
    for layer in [example(kind)[0], *of_all]:
        if layer.effect(shape).output != shape:
            continue
        x = drawn(shape)
        changed = x.copy()
        changed[:, 0, 0] *= 2
        of = function(layer, shape)
        far = np.abs(of(changed) - of(x))[:, -1, -1].max() > 1e-6
        assert bool(far) == layer.sees_all


@pytest.mark.parametrize("kind", PRIMITIVE)
def test_of_classes_is_what_adds_up_to_1(kind: str) -> None:
    layer, shape = example(kind)
    y = function(layer, shape)(drawn(shape))
    sums = [values.sum(axis=-1) for values in (y, np.exp(np.minimum(y, 50)))]
    assert any(near(each, np.ones_like(each)) for each in sums) == layer.of_classes


@pytest.mark.parametrize("kind", PRIMITIVE)
def test_dropping_leaves_zeros_and_raises_the_rest(kind: str) -> None:
    layer, shape = example(kind)
    values = np.unique(function(layer, shape, train=True)(np.ones((1, *shape))).round(4))
    dropped = len(values) == 2 and values[0] == 0 and values[1] > 1
    assert dropped == layer.drops
    if dropped:
        rate = float(getattr(layer, "rate"))  # noqa: B009 - of the kinds that drop
        assert values[1] == pytest.approx(1 / (1 - rate), abs=1e-4)


@pytest.mark.parametrize("kind", FAMILIES["activation"])
def test_the_limits_of_an_activation_are_those_of_its_values(kind: str) -> None:
    layer = layer_class(kind)(**({"pieces": 1} if kind == "maxout" else {}))
    one = np.concatenate([np.linspace(-1000, 1000, 201), np.linspace(-6, 6, 2401)])
    y = function(layer, (2,))(np.stack([one, np.zeros_like(one)], axis=-1))[:, :1]
    words = (layer.bounds or "").replace("−", "-").replace("alpha", "1")
    numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*", words)]
    low = numbers[0] if words and "below" not in words else None
    high = numbers[-1] if words.startswith("between") or "below" in words else None
    for limit, reached, far in ((low, y.min(), y.min() < -50), (high, y.max(), y.max() > 50)):
        if limit is None:
            assert far
        else:
            assert reached == pytest.approx(limit, abs=6e-3)


@pytest.mark.parametrize("kind", FAMILIES["activation"])
def test_every_activation_says_how_weights_before_it_start(kind: str) -> None:
    cls = layer_class(kind)
    assert issubclass(cls, Activation)
    assert cls.suited_init in ("lecun", "he", "glorot")


def with_field(kind: str, field: str, value: int) -> Layer | None:
    """The layer of the example with another value of a field; None where it takes none."""
    layer, _ = example(kind)
    given = {name: getattr(layer, name) for name in layer.model_fields_set}
    try:
        return type(layer)(**{**given, field: value})
    except ValidationError:
        return None


def sets_channels(kind: str, field: str) -> bool:
    """Whether as many channels go out as the field says, whatever comes in."""
    _, (*extents, _) = example(kind)
    for value, channels in product((6, 10), (30, 60)):
        layer = with_field(kind, field, value)
        output = layer.effect((*extents, channels)).output if layer else None
        if output is None or output[-1] != value:
            return False
    return True


@pytest.mark.parametrize("kind", PRIMITIVE)
def test_the_field_of_the_channels_is_the_one_that_sets_them(kind: str) -> None:
    found = [field for field in field_names(layer_class(kind)) if sets_channels(kind, field)]
    assert found == [field for field in (layer_class(kind).channels_field,) if field]


@pytest.mark.parametrize("kind", [kind for kind in FAMILIES["convolution"] if kind in BUILDERS])
def test_weights_that_are_shared_do_not_grow_with_the_map(kind: str) -> None:
    layer, (*extents, channels) = example(kind)
    assert isinstance(layer, Convolution)
    larger = (*(extent + 4 for extent in extents), channels)
    weights = [layer.effect(shape).weights for shape in ((*extents, channels), larger)]
    assert (weights[0] == weights[1]) == layer.shares_weights


@pytest.mark.parametrize("kind", [kind for kind in FAMILIES["convolution"] if kind in BUILDERS])
def test_channels_are_mixed_where_each_output_follows_from_the_first(kind: str) -> None:
    layer, (*extents, channels) = example(kind)
    assert isinstance(layer, Convolution)
    shape = (*extents, max(channels, 2))
    of, x = function(layer, shape), drawn(shape)
    changed = x.copy()
    changed[..., 0] += 1
    followed = np.abs(of(changed) - of(x)).max(axis=tuple(range(len(shape)))) > 1e-6
    assert bool(followed.all()) == layer.mixes_channels


VALUES = (0, 1, False)
MORE = (2, [4, 4, 2], [8])


def layers_of(kind: str) -> Iterator[Layer]:
    """Layers of a kind with all small values of all fields."""
    cls = layer_class(kind)
    names = field_names(cls)
    choices = [[None, *(value for value in VALUES if accepts(cls, name, value))] for name in names]
    for values in product(*choices):
        given = {name: each for name, each in zip(names, values, strict=True) if each is not None}
        try:
            yield cls.model_validate(given)
        except ValidationError:
            continue


def computed(layer: Layer, shape: Shape) -> bool:
    """Whether the layer gives back what comes in, by nature and not by untrained weights."""
    effect = layer.effect(shape)
    if effect.output != shape or any(problem.level == "error" for problem in effect.problems):
        return False
    x = drawn(shape)
    same = bool(np.allclose(function(layer, shape)(x), x, rtol=1e-6, atol=1e-6))
    if same and layer.family == "regularization":  # at inference all of them do nothing
        same = bool(np.allclose(function(layer, shape, train=True)(x), x, rtol=1e-6))
    return same and not any(weight.trainable for weight in effect.weights)


WITHOUT_WEIGHTS = [kind for kind in PRIMITIVE if KINDS[kind] not in ("convolution", "dense")]


@pytest.mark.parametrize("shape", [(4, 4, 2), (8,)], ids=["map", "vector"])
@pytest.mark.parametrize("kind", WITHOUT_WEIGHTS)
def test_a_no_op_is_the_identity_and_nothing_else_is(kind: str, shape: Shape) -> None:
    wrong = []
    for layer in layers_of(kind):
        if getattr(layer, "to", None) or layer.effect(shape).output is None:
            continue
        if (layer.no_op(shape) is not None) != computed(layer, shape):
            wrong.append((layer, layer.no_op(shape)))
    assert wrong == []


@pytest.mark.parametrize("kind", [kind for kind in PRIMITIVE if kind not in WITHOUT_WEIGHTS])
def test_what_learns_is_no_no_op(kind: str) -> None:
    layer, shape = example(kind)
    assert layer.no_op(shape) is None


CURVES = [
    *((kind, {}) for kind in FAMILIES["activation"]),
    ("leaky_relu", {"slope": 0.3}),
    ("elu", {"alpha": 1.5}),
    ("celu", {"alpha": 2.0}),
    ("hard_tanh", {"minimum": -0.5, "maximum": 2.0}),
    ("softshrink", {"threshold": 1.0}),
    ("hard_shrink", {"threshold": 1.0}),
    ("threshold", {"threshold": 0.5, "value": -1.0}),
    ("power", {"exponent": 3.0}),
]


@pytest.mark.parametrize(("kind", "fields"), CURVES)
def test_the_function_of_an_activation_is_what_the_network_computes(
    kind: str, fields: dict[str, float]
) -> None:
    layer = layer_class(kind).model_validate(fields)
    assert isinstance(layer, Activation)
    assert layer.formula
    x = np.linspace(-4, 4, 18, dtype=np.float32)
    values = [layer.function(float(each)) for each in x]
    if kind in ("softmax", "log_softmax", "maxout", "glu"):
        assert values == [None] * len(x)
        return
    network = build(Spec(input=(18,), layers=(layer,)))
    assert near(np.array(values, np.float64), np.asarray(network(jnp.asarray(x)[None]))[0])
