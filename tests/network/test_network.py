"""The network: its paths, its outputs, its modes, and what it says when something is wrong."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("flax")

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import cnnkit
from cnnkit.errors import LayerError, SpecError, UsageError
from cnnkit.network import Network, build

IMAGE = jnp.linspace(-1, 1, 2 * 6 * 6 * 3).reshape(2, 6, 6, 3)
KEY = jax.random.key(7)


def network(*layers: Any, shape: str = "6x6x3", **options: Any) -> Network:
    return build(cnnkit.load({"input": shape, "layers": list(layers)}), **options)


def paths(built: Network) -> list[tuple[str, ...]]:
    return [tuple(map(str, path)) for path, _ in nnx.to_flat_state(nnx.state(built))]


WRITTEN = """
input: 6x6x3
blocks:
  conv_norm:
    arguments: {filters: required}
    layers: [{conv: {filters: $filters, kernel: 3, padding: same}}, batch_norm, relu]
layers:
  - {name: stem, conv_norm: {filters: 4}}
  - repeat: {times: 2, layers: [{name: unit, conv: {filters: 4, kernel: 1, activation: prelu}}]}
  - parallel: {branches: {left: [{conv: {filters: 2, kernel: 1}}], right: []}}
  - squeeze_excite: {units: 3}
  - separable_conv: {filters: 5, kernel: 3}
"""


def test_arrays_lie_at_the_paths_of_the_report() -> None:
    found = {".".join(path) for path in paths(build(cnnkit.load(WRITTEN)))}
    expected = {
        "layers.stem.conv_norm.layers.0": ("kernel", "bias"),
        "layers.stem.conv_norm.layers.1": ("scale", "shift", "mean", "variance"),
        "layers.1.unit[0]": ("kernel", "bias"),
        "layers.1.unit[0].activation": ("slope",),
        "layers.1.unit[1]": ("kernel", "bias"),
        "layers.1.unit[1].activation": ("slope",),
        "layers.2.branches.left.0": ("kernel", "bias"),
        "layers.3.reduce": ("kernel", "bias"),
        "layers.3.expand": ("kernel", "bias"),
        "layers.4.depthwise": ("kernel",),
        "layers.4.pointwise": ("kernel", "bias"),
    }
    assert found == {f"{path}.{name}" for path, names in expected.items() for name in names}


@pytest.mark.parametrize("name", ["train", "eval", "layers", "kernel", "iter_modules"])
def test_a_layer_may_bear_the_name_of_an_attribute(name: str) -> None:
    inner = {"conv": {"filters": 2, "kernel": 1, "bias": False}, "name": name}
    built = network({"parallel": {"branches": {name: [inner]}}, "name": name})
    assert paths(built) == [("layers", name, "branches", name, name, "kernel")]
    assert built(IMAGE).shape == (2, 6, 6, 2)


def test_state_is_parameters_and_statistics_in_float32_and_nothing_else() -> None:
    built = network({"conv": {"filters": 2, "kernel": 1}}, "batch_norm", {"dropout": {"rate": 0.5}})
    kinds = {type(variable) for _, variable in nnx.to_flat_state(nnx.state(built))}
    assert kinds == {nnx.Param, nnx.BatchStat}
    assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(built))} == {jnp.dtype("float32")}


@pytest.mark.parametrize(
    ("last", "final"),
    [
        ("softmax", "softmax"),
        ("log_softmax", "log_softmax"),
        ("sigmoid", "sigmoid"),
        ("tanh", None),
    ],
)
def test_a_final_activation_is_left_to_the_loss(last: str, final: str | None) -> None:
    built = network({"dense": {"units": 3}}, last, shape="4")
    x = jnp.array([[1.0, -2.0, 3.0, 0.5]])
    scores = built.activations(x)["layers.0"]
    assert built.final == final
    expected = scores if final else jnp.tanh(scores)
    np.testing.assert_allclose(built.outputs(x).scores, expected, rtol=1e-6)
    function = {"softmax": jax.nn.softmax, "log_softmax": jax.nn.log_softmax}.get(last)
    if function:
        np.testing.assert_allclose(built(x), function(scores), rtol=1e-6)


def test_a_final_activation_of_a_dense_layer_is_left_to_the_loss_too() -> None:
    built = network({"dense": {"units": 3, "activation": "softmax"}}, shape="4")
    x = jnp.ones((2, 4))
    assert built.final == "softmax"
    np.testing.assert_allclose(built(x).sum(-1), 1, rtol=1e-6)
    np.testing.assert_allclose(built.outputs(x).scores, built.activations(x)["layers.0"])


def test_a_softmax_over_cells_is_no_final_one() -> None:
    """What it gives are no probabilities of classes: a loss reads what comes out of it."""
    built = network({"softmax": {"over": 0}}, shape="5x3")
    x = jnp.arange(15.0).reshape((1, 5, 3))
    assert built.final is None
    np.testing.assert_allclose(built.outputs(x).scores, jax.nn.softmax(x, axis=1), rtol=1e-6)


HEAD = {"head": {"layers": ["global_mean_pool", {"dense": {"units": 2}}, "softmax"]}}


def test_side_outputs_are_run_in_training_only() -> None:
    built = network({"conv": {"filters": 2, "kernel": 1}}, HEAD, "global_mean_pool", "softmax")
    assert built.outputs(IMAGE).sides == ()
    assert "layers.1.layers.1" not in built.activations(IMAGE)
    ((scores, weight),) = built.outputs(IMAGE, train=True).sides
    assert weight == 0.3
    values = built.activations(IMAGE, train=True)
    np.testing.assert_allclose(scores, values["layers.1.layers.1"])  # before its softmax
    program = jax.make_jaxpr(lambda x: built(x))(IMAGE)
    scopes = {str(equation.source_info.name_stack) for equation in program.jaxpr.eqns}
    assert "layers.2" in scopes
    assert not any(scope.startswith("layers.1") for scope in scopes)


def test_a_network_without_layers_gives_its_input() -> None:
    built = network({"parallel": {"branches": []}})
    np.testing.assert_array_equal(built(IMAGE), IMAGE)
    assert built.final is None


def test_batch_norm_moves_its_averages_in_training_only() -> None:
    built = network({"batch_norm": {"momentum": 0.8}})
    before = nnx.to_pure_dict(nnx.state(built, nnx.BatchStat))
    built(IMAGE)
    assert jax.tree.all(
        jax.tree.map(np.array_equal, before, nnx.to_pure_dict(nnx.state(built, nnx.BatchStat)))
    )
    built(IMAGE, train=True)
    after = nnx.to_pure_dict(nnx.state(built, nnx.BatchStat))["layers"]["0"]
    mean, variance = IMAGE.mean((0, 1, 2)), IMAGE.var((0, 1, 2))
    np.testing.assert_allclose(after["mean"], 0.2 * mean, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(after["variance"], 0.8 + 0.2 * variance, rtol=1e-5)


def _step(built: Network) -> tuple[Any, Any]:
    """One jitted gradient with new statistics, as a training step takes it."""
    split: Any = nnx.split(built, nnx.Param, nnx.BatchStat)
    graphdef, params, stats = split

    @jax.jit
    def step(params: Any, stats: Any, key: jax.Array) -> tuple[Any, Any]:
        def loss(params: Any) -> tuple[jax.Array, Any]:
            copy = nnx.merge(graphdef, params, stats, copy=True)
            scores = copy.outputs(IMAGE, train=True, key=key).scores
            return (scores**2).mean(), nnx.state(copy, nnx.BatchStat)

        found: tuple[Any, Any] = jax.grad(loss, has_aux=True)(params)
        return found

    gradients, moved = step(params, stats, KEY)
    return nnx.to_pure_dict(gradients), nnx.to_pure_dict(moved)


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "tree"])
def test_both_modes_of_nnx_give_the_same_step(graph: bool) -> None:
    layers = [{"conv": {"filters": 2, "kernel": 3}}, "batch_norm", "relu"]
    layers += [{"dropout": {"rate": 0.5}}, HEAD, "global_mean_pool"]
    expected = _step(network(*layers))
    with nnx.set_graph_mode(graph):
        built = network(*layers)
        found = _step(built)
        abstract = nnx.eval_shape(lambda: network(*layers))
        assert nnx.split(abstract)[0] == nnx.split(built)[0]
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    moved = found[1]["layers"]["1"]["mean"]
    assert np.abs(moved).max() > 0


def test_networks_of_one_spec_differ_in_arrays_alone() -> None:
    one, other = (
        network("flatten", {"dense": {"units": 2}}, "elu"),
        network("flatten", {"dense": {"units": 2}}, "elu", rngs=1),
    )
    assert nnx.split(one)[0] == nnx.split(other)[0]
    assert hash(nnx.split(one)[0]) == hash(nnx.split(other)[0])


NOISES = {
    "dropout": {"rate": 0.5},
    "spatial_dropout": {"rate": 0.5},
    "drop_path": {"rate": 0.5},
    "gaussian_noise": {"deviation": 0.5},
}


@pytest.mark.parametrize("kind", NOISES)
def test_noise_is_a_function_of_the_key_and_absent_at_inference(kind: str) -> None:
    built = network({kind: NOISES[kind]}, {kind: NOISES[kind]}, shape="2x2x3")
    x = jnp.ones((32, 2, 2, 3))
    np.testing.assert_array_equal(built(x), x)
    once, again = (built(x, train=True, key=KEY) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, built(x, train=True, key=jax.random.key(8)))
    values = built.activations(x, train=True, key=KEY)
    first, second = values["layers.0"], values["layers.1"]
    assert not np.array_equal(first - x, second - first)  # each layer draws its own


def test_what_is_dropped_together() -> None:
    ones = jnp.ones((64, 4, 4, 8))

    def dropped(kind: str) -> np.ndarray[Any, Any]:
        built = network({kind: {"rate": 0.5}}, shape="4x4x8")
        return np.asarray(built(ones, train=True, key=KEY))

    for values in map(dropped, ("dropout", "spatial_dropout", "drop_path")):
        assert set(np.unique(values)) == {0.0, 2.0}  # the others are doubled: 1/(1 − 1/2)
        assert 0.35 < (values == 0).mean() < 0.65
    channels = dropped("spatial_dropout")
    assert (channels == channels[:, :1, :1]).all()
    assert not (channels == channels[..., :1]).all()
    examples = dropped("drop_path")
    assert (examples == examples[:, :1, :1, :1]).all()


def test_half_precision_computes_in_bfloat16_and_gives_float32() -> None:
    layers = [{"conv": {"filters": 4, "kernel": 3}}, "batch_norm", "relu", "global_mean_pool"]
    layers += [{"layer_norm": {}}, {"dense": {"units": 3}}]
    half, full = network(*layers, compute_dtype=jnp.bfloat16), network(*layers)
    values = half.activations(IMAGE, train=True)
    assert {value.dtype for value in values.values()} == {jnp.dtype("bfloat16")}
    assert half.outputs(IMAGE).scores.dtype == jnp.float32
    assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(half))} == {jnp.dtype("float32")}
    np.testing.assert_allclose(half(IMAGE), full(IMAGE), atol=0.05)


def test_every_kind_keeps_half_precision() -> None:
    layers = [
        {"conv": {"filters": 4, "kernel": 3, "padding": "same", "activation": "prelu"}},
        {"locally_connected": {"filters": 4, "kernel": 1}},
        {"transposed_conv": {"filters": 4, "kernel": 2, "stride": 2}},
        {"mean_pool": {"size": 2}}, {"max_pool": {"size": 2}},
        {"upsample": {"factor": 2, "method": "linear"}},
        {"adaptive_mean_pool": {"output": 4}}, {"adaptive_max_pool": {"output": 3}},
        "rms_norm", "instance_norm", {"group_norm": {"groups": 2}}, "local_response_norm",
        {"rescale": {"mean": 0.5}}, "scale", {"scale": {"learnt": False, "init": 0.5}},
        {"gaussian_noise": {}}, {"dropout": {"rate": 0.5}}, "gelu", "softmax",
        {"parallel": {"branches": [[], []], "merge": "mean"}}, "squeeze_excite",
    ]  # fmt: skip
    built = network(*layers, compute_dtype=jnp.bfloat16)
    shapes = jax.eval_shape(lambda: built.activations(IMAGE, train=False))
    assert {path for path, y in shapes.items() if y.dtype != jnp.bfloat16} == set()


def test_the_precision_of_products_is_a_choice() -> None:
    built = network("flatten", {"dense": {"units": 2}}, precision="float32")
    assert "HIGHEST" in jax.jit(lambda x: built(x)).lower(IMAGE).as_text()
    plain = network("flatten", {"dense": {"units": 2}})
    assert "HIGHEST" not in jax.jit(lambda x: plain(x)).lower(IMAGE).as_text()


def test_a_spec_with_findings_is_not_built() -> None:
    written = "input: 7x7x1\nlayers:\n  - conv: {filters: 1, kernel: 3, stride: 3}\n"
    from cnnkit.spec.reading import read

    spec = read(written).spec
    assert spec is not None
    with pytest.raises(SpecError, match=r"<text>:3:43: stride 3 does not fit: \(7 − 3\)/3 \+ 1"):
        build(spec)


def test_a_batch_of_another_shape_is_refused() -> None:
    built = network("relu")
    with pytest.raises(UsageError) as caught:
        built(jnp.ones((2, 5, 6, 3)))
    assert str(caught.value) == (
        "the network takes batches of 6x6x3, that is an array of shape (N, 6, 6, 3), "
        "the one given has (2, 5, 6, 3)"
    )


def test_noise_without_a_key_is_refused() -> None:
    built = build(cnnkit.load("input: 4\nlayers:\n  - relu\n  - dropout: {rate: 0.5}\n"))
    with pytest.raises(UsageError) as caught:
        built(jnp.ones((1, 4)), train=True)
    assert str(caught.value) == (
        "<text>:4: dropout (layers.1) draws random numbers in training: "
        "give `key=jax.random.key(0)`"
    )


def test_what_flax_raises_is_said_once_with_the_line_of_the_layer() -> None:
    built = build(cnnkit.load("input: 4\nlayers:\n  - relu\n  - dense: {units: 3}\n"))
    getattr(built.layers, "1").kernel = nnx.Param(jnp.ones((5, 3)))
    with pytest.raises(
        LayerError, match=r"^<text>:4: dense \(layers\.1\) cannot be applied to 4: "
    ):
        built(jnp.ones((1, 4)))


def test_what_flax_raises_while_building_is_said_with_the_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*arguments: object, **fields: object) -> None:
        raise ValueError("out of luck")

    monkeypatch.setattr(nnx, "Linear", fails)
    with pytest.raises(LayerError) as caught:
        build(cnnkit.load("input: 4\nlayers:\n  - dense: {units: 3}\n"))
    assert str(caught.value) == ("<text>:3: dense (layers.0) cannot be built for 4: out of luck")


def test_layers_are_named_in_the_program() -> None:
    built = network({"conv": {"filters": 2, "kernel": 1, "activation": "relu"}})
    stacks = [
        str(equation.source_info.name_stack)
        for equation in jax.make_jaxpr(lambda x: built(x))(IMAGE).jaxpr.eqns
    ]
    assert {"layers.0", "layers.0.activation"} <= set(stacks)
