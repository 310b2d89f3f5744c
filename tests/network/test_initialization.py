"""How weights start: the distribution of each name, the default, and the values of the spec."""

from __future__ import annotations

import math
from typing import Any

import pytest

pytest.importorskip("flax")

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import cnnkit
from cnnkit.network import build
from cnnkit.network.build import plan_of
from cnnkit.network.initialization import named, suited_to

KEY = jax.random.key(3)


def kernel(layer: dict[str, Any], shape: str, *after: Any, seed: int = 0) -> np.ndarray[Any, Any]:
    built = build(cnnkit.load({"input": shape, "layers": [layer, *after]}), seed)
    return np.asarray(getattr(built.layers, "0").kernel[...])


# The variance of each (LeCun et al., 1998; He et al., 2015; Glorot and Bengio, 2010), the fan
# being 5·5·40 in and 5·5·60 out.
VARIANCES = {"lecun": 1 / 1000, "he": 2 / 1000, "glorot": 2 / 2500}


@pytest.mark.parametrize("family", VARIANCES)
@pytest.mark.parametrize("suffix", ["", "_uniform"])
def test_the_variance_follows_from_the_fan(family: str, suffix: str) -> None:
    values = np.asarray(named(family + suffix)(KEY, (5, 5, 40, 60)))
    assert values.dtype == np.float32
    assert values.var() == pytest.approx(VARIANCES[family], rel=0.02)
    assert abs(values.mean()) < 5e-4
    # A uniform one reaches to √3 deviations, a normal one is cut off at two of its own.
    reach = math.sqrt(3) if suffix else 2 / 0.87962566103423978
    assert np.abs(values).max() == pytest.approx(reach * math.sqrt(VARIANCES[family]), rel=0.01)


@pytest.mark.parametrize("family", VARIANCES)
def test_the_distribution_is_that_of_jax(family: str) -> None:
    ours = np.sort(np.asarray(named(family)(KEY, (3, 3, 32, 64))).ravel())
    initializer = getattr(jax.nn.initializers, f"{family}_normal")()
    theirs = np.sort(np.asarray(initializer(KEY, (3, 3, 32, 64))).ravel())
    # Two samples of n of one distribution are further apart than 2·√(2/n) in one case of 1,500.
    parts = np.searchsorted(theirs, ours) / len(ours)
    distance = np.abs(parts - np.arange(len(ours)) / len(ours)).max()
    assert distance < 2 * math.sqrt(2 / len(ours))


@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (1, 1, 4, 16), (7, 5)])
def test_orthogonal_filters_are_orthonormal(shape: tuple[int, ...]) -> None:
    matrix = np.asarray(named("orthogonal")(KEY, shape), np.float64).reshape(-1, shape[-1])
    product = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-5)


def test_positions_with_weights_of_their_own_do_not_add_to_the_fan() -> None:
    values = kernel({"locally_connected": {"filters": 8, "kernel": 3}}, "20x20x4", "relu")
    assert values.shape == (18, 18, 3, 3, 4, 8)
    assert values.var() == pytest.approx(2 / 36, rel=0.02)
    each = named("orthogonal", unshared=1)(KEY, (5, 6, 3))
    for matrix in np.asarray(each):
        np.testing.assert_allclose(matrix.T @ matrix, np.eye(3), atol=1e-5)


@pytest.mark.parametrize(("init", "value"), [("zeros", 0.0), ("ones", 1.0), (0.25, 0.25)])
def test_constants(init: str | float, value: float) -> None:
    assert set(kernel({"dense": {"units": 3, "init": init}}, "4").ravel()) == {value}


@pytest.mark.parametrize(
    ("follower", "name"),
    [("relu", "he"), ("maxout", "he"), ("gelu", "he"), ("selu", "lecun"), ("tanh", "glorot"),
     ("softmax", "glorot"), (None, "glorot")],
)  # fmt: skip
def test_the_default_suits_the_activation(follower: str | None, name: str) -> None:
    assert suited_to(follower) == name


BRANCH = {"conv": {"filters": 100, "kernel": 5, "padding": "same", "bias": False}}


@pytest.mark.parametrize(
    ("after", "variance"),
    [
        ([], 1 / 2500),
        (["relu"], 2 / 2500),
        (["batch_norm", {"max_pool": {"size": 2}}, "flatten", "selu"], 1 / 2500),
        ([{"conv": {"filters": 4, "kernel": 1}}, "relu"], 1 / 2500),  # the conv is in between
    ],
)
def test_the_activation_is_looked_for_behind_norms_and_pools(
    after: list[Any], variance: float
) -> None:
    assert kernel(BRANCH, "8x8x100", *after).var() == pytest.approx(variance, rel=0.02)


def test_the_activation_of_a_sum_counts_for_its_branches() -> None:
    layer = {"residual": {"layers": [BRANCH], "activation": "relu"}}
    built = build(cnnkit.load({"input": "8x8x100", "layers": [layer]}))
    values = getattr(getattr(built.layers, "0").layers, "0").kernel[...]
    assert values.var() == pytest.approx(2 / 2500, rel=0.02)


def test_values_of_the_spec_are_taken_as_they_are() -> None:
    layer = {"dense": {"units": 2, "weights": [[1, 2], [3, 4], [5, 6]], "bias": [7, 8]}}
    built = build(cnnkit.load({"input": "3", "layers": [layer]}))
    np.testing.assert_array_equal(built(jnp.array([[1.0, 0.0, 0.0]])), [[8, 10]])


def test_bias_values_of_a_locally_connected_layer_serve_all_positions() -> None:
    layer = {"locally_connected": {"filters": 2, "kernel": 1, "init": "zeros", "bias": [7, 8]}}
    built = build(cnnkit.load({"input": "3x1", "layers": [layer]}))
    np.testing.assert_array_equal(built(jnp.zeros((1, 3, 1)))[0], [[7, 8]] * 3)


def test_weights_are_a_function_of_the_seed() -> None:
    layer = {"dense": {"units": 8}}
    once, again = kernel(layer, "9", seed=4), kernel(layer, "9", seed=4)
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, kernel(layer, "9", seed=5))
    spec = cnnkit.load({"input": "9", "layers": [layer]})
    streamed = getattr(build(spec, nnx.Rngs(4)).layers, "0").kernel[...]
    np.testing.assert_array_equal(streamed, once)


def test_layers_start_from_weights_of_their_own() -> None:
    layer = {"dense": {"units": 9}}
    built = build(cnnkit.load({"input": "9", "layers": [layer, layer]}))
    first, second = (getattr(built.layers, name).kernel[...] for name in "01")
    assert not np.array_equal(first, second)


def test_a_traced_seed_gives_the_same_weights() -> None:
    spec = cnnkit.load({"input": "9", "layers": [{"dense": {"units": 8}}]})

    def weights(seed: jax.Array) -> jax.Array:
        built = build(spec, nnx.Rngs(jax.random.key(seed)))
        kernel: jax.Array = getattr(built.layers, "0").kernel[...]
        return kernel

    seeds = jnp.arange(2)
    found = jax.jit(jax.vmap(weights))(seeds)
    np.testing.assert_array_equal(found, jnp.stack([weights(seed) for seed in seeds]))


def test_nothing_is_drawn_in_the_abstract(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*seed: object) -> None:
        raise AssertionError("weights were drawn")

    monkeypatch.setattr(np.random, "default_rng", fails)
    spec = cnnkit.load({"input": f"{10**9}", "layers": [{"dense": {"units": 10**9}}]})
    built = nnx.eval_shape(lambda: build(spec))
    assert getattr(built.layers, "0").kernel.shape == (10**9, 10**9)


def test_the_plan_is_a_value() -> None:
    graph = cnnkit.analyze(cnnkit.load({"input": "4", "layers": ["relu", "softmax"]})).graph
    assert plan_of(graph) == plan_of(graph)
    assert plan_of(graph).before_final(1) == 0


def test_arrays_of_other_shapes_are_begun_without_another_program() -> None:
    def layers(width: int) -> list[Any]:
        norm: Any = {"batch_norm": {}}
        return [
            {"conv": {"filters": width, "kernel": 3}},
            norm,
            "relu",
            "flatten",
            {"dense": {"units": width}},
        ]

    def built(width: int) -> None:
        build(cnnkit.load({"input": "5x5x1", "layers": layers(width)}))

    built(7)
    compiled: list[str] = []

    def listener(event: str, duration_secs: float, **kwargs: str | int) -> None:
        del duration_secs
        if event.endswith("backend_compile_duration"):
            compiled.append(str(kwargs.get("fun_name")))

    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        built(9)
    finally:
        jax.monitoring.unregister_event_duration_listener(listener)
    assert compiled == []


@pytest.mark.parametrize(("kernel_size", "groups", "filters"), [(3, 1, 7), (2, 1, 3), (5, 2, 6)])
def test_dirac_hands_on_the_first_channels(kernel_size: int, groups: int, filters: int) -> None:
    """As PyTorch's on the first filters of each group, which airbench leaves it at too."""
    torch = pytest.importorskip("torch")
    layer = {"filters": filters, "kernel": kernel_size, "groups": groups, "init": "dirac"}
    ours = np.moveaxis(kernel({"conv": layer}, "8x8x4"), (-1, -2), (0, 1))
    channels = 4 // groups
    for part in np.split(ours, groups):
        expected = torch.nn.init.dirac_(torch.empty(part[:channels].shape))
        np.testing.assert_array_equal(part[:channels], expected)
        assert (part[channels:] != 0).all()
