"""The spectral norm of weights is PyTorch's in training too, and the largest singular value."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import cnnkit
from cnnkit.analysis import analyze
from cnnkit.export import convert
from cnnkit.network import build
from cnnkit.spec.reading import read
from tests.agreement.converted import close, module_of, quick

DRAW = np.random.default_rng(0)
CONV: dict[str, Any] = {"filters": 5, "kernel": [2, 3], "weight_norm": "spectral_norm"}
SPEC = {"input": "4x5x3", "layers": [{"conv": CONV}]}
KERNEL = DRAW.normal(size=(2, 3, 3, 5)).astype("float32")
X = DRAW.normal(size=(2, 4, 5, 3)).astype("float32")


def unit(*shape: int) -> np.ndarray:
    vector = DRAW.normal(size=shape)
    return np.asarray(vector / np.linalg.norm(vector), "float32")


U, V = unit(5), unit(2, 3, 3)


def stepped() -> tuple[np.ndarray, np.ndarray]:
    """The vectors after a step of the power method, in float64 (Miyato et al., 2018)."""
    matrix = np.float64(KERNEL).reshape(-1, 5)
    u = matrix.T @ V.ravel()
    u /= np.linalg.norm(u)
    v = matrix @ u
    return u, (v / np.linalg.norm(v)).reshape(V.shape)


def put(layer: Any) -> None:
    for name, array in {"kernel": KERNEL, "u": U, "v": V}.items():
        getattr(layer, name).set_value(jnp.asarray(array))


def test_a_pass_of_training_is_pytorchs() -> None:
    torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")
    network = build(cnnkit.load(SPEC))
    layer = getattr(network.layers, "0")
    put(layer)
    towards = DRAW.normal(size=(2, 3, 3, 5)).astype("float32")
    graphdef, params, stats = network.parts()

    @quick
    def run(params: Any) -> Any:
        def value(params: Any) -> Any:
            copy: Any = nnx.merge(graphdef, params, stats, copy=True)
            y = copy(jnp.asarray(X), train=True)
            return (y * towards).sum(), (y, nnx.state(copy, nnx.BatchStat))

        (_, (y, moved)), slope = jax.value_and_grad(value, has_aux=True)(params)
        return y, moved, slope

    y, moved, slope = run(params)
    kernel, stats_of = slope["layers"]["0"]["kernel"][...], moved["layers"]["0"]

    theirs = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Conv2d(3, 5, (2, 3)))
    norm = theirs.parametrizations.weight
    with torch.no_grad():
        norm.original.copy_(torch.from_numpy(np.moveaxis(KERNEL, (-1, -2), (0, 1)).copy()))
        norm[0]._u.copy_(torch.from_numpy(U))
        norm[0]._v.copy_(torch.from_numpy(np.moveaxis(V, -1, 0).reshape(-1).copy()))
        theirs.bias.zero_()
    given = theirs.train()(torch.from_numpy(np.moveaxis(X, -1, 1).copy()))
    given.backward(torch.from_numpy(np.moveaxis(towards, -1, 1).copy()))
    close(np.moveaxis(np.asarray(y), -1, 1), given.detach().numpy())
    close(np.moveaxis(np.asarray(kernel), (-1, -2), (0, 1)), norm.original.grad.numpy())
    u, v = stepped()
    close(stats_of["u"][...], u)
    close(stats_of["v"][...], v)
    close(norm[0]._u.numpy(), u)


def test_at_inference_nothing_moves() -> None:
    network = build(cnnkit.load(SPEC))
    layer = getattr(network.layers, "0")
    put(layer)
    network(jnp.asarray(X))
    np.testing.assert_array_equal(layer.u[...], U)
    value = U.astype(float) @ np.float64(KERNEL).reshape(-1, 5).T @ np.float64(V).ravel()
    close(layer.norm.kernel(layer), KERNEL / value)


@pytest.mark.parametrize("kind", ["dense", "transposed_conv"])
def test_it_begins_near_the_largest_singular_value(kind: str) -> None:
    fields = {"units": 3} if kind == "dense" else {"filters": 3, "kernel": 2}
    layers = [{kind: {**fields, "weight_norm": "spectral_norm"}}]
    shape = "40" if kind == "dense" else "4x4x10"
    network = build(cnnkit.load({"input": shape, "layers": layers}))
    layer = getattr(network.layers, "0")
    for _ in range(30):
        layer.norm.move(layer, train=True)
    largest = np.linalg.svd(np.asarray(layer.norm.kernel(layer)).reshape(-1, 3), compute_uv=False)
    assert largest[0] == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("target", ["flax", "keras"])
def test_converted_code_takes_the_same_step(target: str) -> None:
    pytest.importorskip(target, reason=f"{target} is not installed")
    module = module_of(cnnkit.load(SPEC), target)
    u, v = stepped()
    if target == "flax":
        model = module.MODEL(rngs=nnx.Rngs(0))
        layer: Any = next(each for _, each in nnx.iter_modules(model) if isinstance(each, nnx.Conv))
        put(layer)
        model.train()
        model(jnp.asarray(X))
        found = layer.u[...], layer.v[...]
    else:
        model = module.MODEL()
        layer = model.get_layer("layers-0")
        layer.set_weights([KERNEL, np.zeros(5, "float32"), U, V])
        layer(X, training=True)
        found = layer.u.value, layer.v.value
    close(found[0], u)
    close(found[1], v)


def test_weights_that_are_not_learnt_keep_their_vectors() -> None:
    spec = {"input": "4x5x3", "layers": [{"conv": {**CONV, "learnt": False}}]}
    network = build(cnnkit.load(spec))
    layer = getattr(network.layers, "0")
    put(layer)
    layer.norm.move(layer, train=True)
    np.testing.assert_array_equal(layer.u[...], U)
    code = convert(cnnkit.load(spec), "torch").code
    made = "settled(nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 5, (2, 3))))"
    assert made.replace(" ", "") in str(code).replace("\n", "").replace(" ", "")


def test_what_it_cannot_be_of() -> None:
    layer = {"filters": 2, "kernel": 2, "weight_norm": "spectral_norm"}
    ((_, message, advice),) = told({"locally_connected": layer})
    assert (message, advice) == (
        "`spectral_norm` is of one matrix of weights, and here each position has one",
        "another `weight_norm`, or a `conv`, whose positions share their weights",
    )
    ((_, message, _),) = told({"conv": {**layer, "init": "zeros"}})
    assert message == "`spectral_norm` divides the weights by their norm, and `init` makes it 0"
    text = {"input": "4x4x4", "layers": [{"transposed_conv": {**layer, "groups": 2}}]}
    conversion = convert(cnnkit.load(text), "torch")
    (finding,) = conversion.findings
    assert finding.message == (
        "PyTorch cannot say this: its spectral norm takes a transposed convolution of several "
        "groups (=2) for another matrix"
    )


def told(layer: Any) -> list[tuple[str, str, str | None]]:
    spec = read({"input": "4x4x4", "layers": [layer]}).spec
    assert spec is not None
    return [(each.rule, each.message, each.help) for each in analyze(spec).findings]
