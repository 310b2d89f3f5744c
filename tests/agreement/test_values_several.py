"""Several inputs and outputs and shared weights against networks of PyTorch and Keras by hand."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import cnnkit
from cnnkit.network import Network, build
from cnnkit.network.weights import arrays_of
from tests.agreement.converted import channels_first, close, quick

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
keras = pytest.importorskip("keras", reason="Keras is not installed")

SIAMESE = """
inputs: {left: 9x9x2, right: 9x9x2}
blocks:
  encoder:
    layers:
      - {name: conv, conv: {filters: 3, kernel: 3, stride: 2, activation: tanh}}
      - {name: norm, batch_norm: {}}
      - global_mean_pool
      - {name: dense, dense: {units: 4}}
layers:
  - {name: twin, encoder: {}}
  - save: first
  - output: first
  - load: right
  - shared: twin
  - output: second
  - merge: {with: first, by: subtract}
  - {name: same, dense: {units: 1}}
  - sigmoid
  - output: same
"""
FUSION = """
inputs: {image: 8x8x3, depth: 4x4x1, meta: 5}
layers:
  - {name: colours, conv: {filters: 4, kernel: 3, padding: 1, activation: relu}}
  - max_pool: {size: 2}
  - save: colours
  - load: depth
  - {name: relief, conv: {filters: 4, kernel: 3, padding: 1, activation: relu}}
  - merge: {with: colours}
  - {name: mask, conv: {filters: 2, kernel: 1}}
  - output: mask
  - global_mean_pool
  - merge: {with: meta}
  - {name: label, dense: {units: 3}}
  - softmax
  - output: label
"""
# One convolution over maps of two extents, whose padding would not be the same in both.
EXTENTS = """
inputs: {large: 10x10x2, small: 7x7x2}
layers:
  - {name: conv, conv: {filters: 3, kernel: 3, stride: 2, padding: same}}
  - global_mean_pool
  - output: large
  - load: small
  - shared: conv
  - global_mean_pool
  - output: small
"""
BATCH = 3


@cache
def built(text: str) -> tuple[Network, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A network, its arrays, and a batch of each input."""
    draw = np.random.default_rng(0)
    network = build(cnnkit.load(text), 1)
    inputs = {
        name: draw.normal(size=(BATCH, *shape)).astype("float32")
        for name, shape in network.plan.inputs
    }
    return network, arrays_of(network), inputs


@cache
def ours(text: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The outputs, and the gradients of the sum of their squares by inputs and by weights."""
    network, _, inputs = built(text)
    graphdef, params, stats = network.parts()

    def loss(xs: Any, params: Any) -> Any:
        outputs = nnx.merge(graphdef, params, stats)(xs)
        return sum(jnp.sum(y**2) for y in outputs.values()), outputs

    run = quick(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))
    (_, outputs), (by_inputs, by_params) = run(inputs, params)
    flat = {".".join(map(str, path)): each[...] for path, each in nnx.to_flat_state(by_params)}
    return outputs, by_inputs, flat


def conv_of(arrays: dict[str, np.ndarray], path: str, **fields: Any) -> Any:
    """A convolution of PyTorch with the weights of ours."""
    kernel, bias = arrays[f"{path}.kernel"], arrays[f"{path}.bias"]
    made = torch.nn.Conv2d(kernel.shape[-2], kernel.shape[-1], kernel.shape[0], **fields)
    made.weight.data = torch.tensor(np.transpose(kernel, (3, 2, 0, 1)))
    made.bias.data = torch.tensor(bias)
    return made


def dense_of(arrays: dict[str, np.ndarray], path: str) -> Any:
    kernel, bias = arrays[f"{path}.kernel"], arrays[f"{path}.bias"]
    made = torch.nn.Linear(*kernel.shape)
    made.weight.data, made.bias.data = torch.tensor(kernel.T), torch.tensor(bias)
    return made


def in_torch(inputs: dict[str, np.ndarray]) -> dict[str, Any]:
    return {
        name: torch.tensor(channels_first(x) if x.ndim > 2 else x, requires_grad=True)
        for name, x in inputs.items()
    }


def held(text: str, xs: dict[str, Any], outputs: dict[str, Any], weights: dict[str, Any]) -> None:
    """Outputs, gradients by inputs and by weights are those of PyTorch."""
    expected, by_inputs, by_params = ours(text)
    assert outputs.keys() == expected.keys()
    sum((y**2).sum() for y in outputs.values()).backward()
    for name, y in outputs.items():
        found = y.detach().numpy()
        close(expected[name], np.moveaxis(found, 1, -1), name)
    for name, x in xs.items():
        close(by_inputs[name], np.moveaxis(x.grad.numpy(), 1, -1), f"gradient by {name}")
    for name, weight in weights.items():
        slope = weight.grad.numpy()
        if slope.ndim > 1:
            slope = np.moveaxis(slope, (0, 1), (-1, -2))
        close(by_params[name], slope, f"gradient by {name}")


def test_a_siamese_net_is_pytorchs() -> None:
    _, arrays, inputs = built(SIAMESE)
    at = "layers.twin.encoder.layers"
    conv = conv_of(arrays, f"{at}.conv", stride=2)
    norm = torch.nn.BatchNorm2d(3).eval()
    dense, same = dense_of(arrays, f"{at}.dense"), dense_of(arrays, "layers.same")
    xs = in_torch(inputs)

    def encode(x: Any) -> Any:
        return dense(norm(torch.tanh(conv(x))).mean(dim=(2, 3)))

    first, second = encode(xs["left"]), encode(xs["right"])
    outputs = {"first": first, "second": second, "same": torch.sigmoid(same(second - first))}
    weights = {f"{at}.conv.kernel": conv.weight, f"{at}.conv.bias": conv.bias}
    weights |= {f"{at}.norm.scale": norm.weight, f"{at}.dense.kernel": dense.weight}
    held(SIAMESE, xs, outputs, weights)


def test_a_fusion_of_three_inputs_is_pytorchs() -> None:
    _, arrays, inputs = built(FUSION)
    colours = conv_of(arrays, "layers.colours", padding=1)
    relief = conv_of(arrays, "layers.relief", padding=1)
    mask, label = conv_of(arrays, "layers.mask"), dense_of(arrays, "layers.label")
    xs = in_torch(inputs)
    a = torch.nn.functional.max_pool2d(torch.relu(colours(xs["image"])), 2)
    b = torch.relu(relief(xs["depth"]))
    shown = mask(torch.cat([b, a], 1))
    joint = torch.cat([shown.mean(dim=(2, 3)), xs["meta"]], 1)
    outputs = {"mask": shown, "label": torch.softmax(label(joint), 1)}
    weights = {"layers.colours.kernel": colours.weight, "layers.label.kernel": label.weight}
    held(FUSION, xs, outputs, weights)


def test_weights_are_shared_between_maps_of_other_extents() -> None:
    """`same` of stride 2 pads 10 cells by one after, and 7 by one on each side."""
    _, arrays, inputs = built(EXTENTS)
    conv = conv_of(arrays, "layers.conv", stride=2)
    xs = in_torch(inputs)
    padded = {
        "large": torch.nn.functional.pad(xs["large"], (0, 1, 0, 1)),
        "small": torch.nn.functional.pad(xs["small"], (1, 1, 1, 1)),
    }
    outputs = {name: conv(x).mean(dim=(2, 3)) for name, x in padded.items()}
    held(EXTENTS, xs, outputs, {"layers.conv.kernel": conv.weight, "layers.conv.bias": conv.bias})


def test_a_siamese_net_is_kerass() -> None:
    _, arrays, inputs = built(SIAMESE)
    at = "layers.twin.encoder.layers"
    conv = keras.layers.Conv2D(3, 3, strides=2, activation="tanh")
    norm = keras.layers.BatchNormalization(epsilon=1e-5)
    dense, same = keras.layers.Dense(4), keras.layers.Dense(1, activation="sigmoid")
    left, right = keras.Input((9, 9, 2)), keras.Input((9, 9, 2))

    def encode(x: Any) -> Any:
        return dense(keras.layers.GlobalAveragePooling2D()(norm(conv(x))))

    first, second = encode(left), encode(right)
    model = keras.Model([left, right], [first, second, same(second - first)])
    for layer, path in (conv, f"{at}.conv"), (dense, f"{at}.dense"), (same, "layers.same"):
        layer.set_weights([arrays[f"{path}.kernel"], arrays[f"{path}.bias"]])
    given = model([inputs["left"], inputs["right"]], training=False)
    for name, y in zip(("first", "second", "same"), given, strict=True):
        close(ours(SIAMESE)[0][name], np.asarray(y), name)


def test_running_statistics_move_with_each_use() -> None:
    """As PyTorch's, which moves them by a tenth of the way twice."""
    network = build(cnnkit.load(SIAMESE), 1)
    _, arrays, inputs = built(SIAMESE)
    network({name: jnp.asarray(x) for name, x in inputs.items()}, train=True)
    at = "layers.twin.encoder.layers"
    conv, norm = conv_of(arrays, f"{at}.conv", stride=2), torch.nn.BatchNorm2d(3)
    for x in in_torch(inputs).values():
        norm(torch.tanh(conv(x)))
    close(arrays_of(network)[f"{at}.norm.mean"], norm.running_mean.numpy(), "mean")


def test_slices_are_what_keras_distributes_over_time() -> None:
    """Each frame by `TimeDistributed`, whose layer sees one frame at a time."""
    frame = [{"name": "conv", "conv": {"filters": 3, "kernel": 3}}]
    layers = [{"name": "frames", "each": {"layers": frame}}]
    network = build(cnnkit.load({"input": "3x4x6x2", "layers": layers}), 1)
    arrays = arrays_of(network)
    x = np.random.default_rng(0).normal(size=(BATCH, 3, 4, 6, 2)).astype("float32")
    conv = keras.layers.Conv2D(3, 3)
    over_time = keras.layers.TimeDistributed(conv)
    over_time.build(x.shape)
    names = ("kernel", "bias")
    conv.set_weights([arrays[f"layers.frames.layers.conv.{name}"] for name in names])
    expected = keras.ops.convert_to_numpy(over_time(x))
    close(network(jnp.asarray(x)), expected, "output")
