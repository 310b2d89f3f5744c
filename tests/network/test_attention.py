"""Attention against PyTorch's, and windows against the formula of Swin's own code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flax")

import jax
import jax.numpy as jnp
from flax import nnx

import cnnkit
from cnnkit.network import build
from tests.agreement.converted import quick

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

PROJECTIONS = ("query", "key", "value", "output")


def drawn(text: str, *places: str) -> tuple[Any, dict[str, Any], np.ndarray]:
    """A network with random weights, the arrays of its attention, and a batch of two."""
    network = build(cnnkit.load(text))
    draw = np.random.default_rng(3)
    state = nnx.state(network, nnx.Param)
    nnx.update(
        network, jax.tree.map(lambda a: jnp.asarray(draw.normal(size=a.shape), a.dtype) / 2, state)
    )
    at: Any = network
    for place in places:
        at = getattr(at, place)
    arrays = {}
    for name in PROJECTIONS:
        layer = getattr(at, name)
        kernel = np.asarray(layer.kernel[...])
        arrays[name] = kernel.reshape(kernel.shape[-2:])
        if layer.bias is not None:
            arrays[f"{name}.bias"] = np.asarray(layer.bias[...])
    if hasattr(at.attend, "relative_bias"):
        arrays["relative_bias"] = np.asarray(at.attend.relative_bias[...])
    x = draw.normal(size=(2, *network.plan.input)).astype(np.float32)
    return network, arrays, x


def agree(network: Any, x: np.ndarray, theirs: Callable[[Any], Any]) -> None:
    """The same values, and the same gradient of the sum of their squares by the input."""
    given = torch.tensor(x, requires_grad=True)
    y = theirs(given)
    (y**2).sum().backward()

    @quick
    def run(x: Any) -> Any:
        ours, back = jax.vjp(network, x)
        return ours, back(2 * ours)

    ours, (slope,) = run(jnp.asarray(x))
    for found, expected in ((ours, y.detach().numpy()), (slope, given.grad.numpy())):
        np.testing.assert_allclose(found, expected, 1e-5, 1e-5 * np.abs(expected).max())


def multihead(arrays: dict[str, Any], units: int, context: int, heads: int) -> Any:
    """PyTorch's layer with the arrays of ours, in float64 as the reference."""
    layer = torch.nn.MultiheadAttention(
        units, heads, kdim=context, vdim=context, batch_first=True, dtype=torch.float32
    )
    q, k, v = (torch.tensor(arrays[name].T) for name in PROJECTIONS[:3])
    with torch.no_grad():
        if context == units:
            layer.in_proj_weight.copy_(torch.cat([q, k, v]))
        else:
            layer.q_proj_weight.copy_(q)
            layer.k_proj_weight.copy_(k)
            layer.v_proj_weight.copy_(v)
        biases = [torch.tensor(arrays[f"{name}.bias"]) for name in PROJECTIONS[:3]]
        layer.in_proj_bias.copy_(torch.cat(biases))
        layer.out_proj.weight.copy_(torch.tensor(arrays["output"].T))
        layer.out_proj.bias.copy_(torch.tensor(arrays["output.bias"]))
    return layer


def test_a_sequence_is_pytorchs_multihead_attention() -> None:
    spec = "input: 7x8\nlayers:\n  - {name: one, attention: {heads: 2}}\n"
    network, arrays, x = drawn(spec, "layers", "one")
    layer = multihead(arrays, 8, 8, 2)
    agree(network, x, lambda x: layer(x, x, x, need_weights=False)[0])


def test_a_context_is_pytorchs_keys_and_values() -> None:
    spec = """
input: 5x6x3
layers:
  - save: map
  - conv: {filters: 8, kernel: [2, 3], stride: [1, 3]}
  - flatten: {keep_channels: true}
  - {name: one, attention: {heads: 4, context: map}}
"""
    network, arrays, x = drawn(spec, "layers", "one")
    layer = multihead(arrays, 8, 3, 4)
    conv = getattr(network.layers, "1")
    kernel, bias = (np.asarray(each[...]) for each in (conv.kernel, conv.bias))

    def theirs(x: Any) -> Any:
        weight = torch.tensor(kernel.transpose(3, 2, 0, 1).copy())
        y = torch.nn.functional.conv2d(
            x.movedim(-1, 1), weight, torch.tensor(bias), stride=(1, 3)
        ).flatten(2)
        keys = x.flatten(1, 2)
        return layer(y.mT, keys, keys, need_weights=False)[0]

    agree(network, x, theirs)


def swin(x: Any, arrays: dict[str, Any], heads: int, window: int, shift: int) -> Any:
    """Shifted window attention as Swin's own code and torchvision's have it.

    Roll, part, attend with relative biases and a mask of −100 between regions, join, roll back.
    """
    batch, height, width, units = x.shape
    rows, columns = height // window, width // window
    cells = window**2
    moved = torch.roll(x, (-shift, -shift), (1, 2))
    parts = moved.view(batch, rows, window, columns, window, units).permute(0, 1, 3, 2, 4, 5)
    parts = parts.reshape(batch * rows * columns, cells, units)
    q, k, v = (
        (parts @ torch.tensor(arrays[name]) + torch.tensor(arrays[f"{name}.bias"]))
        .reshape(len(parts), cells, heads, units // heads)
        .transpose(1, 2)
        for name in PROJECTIONS[:3]
    )
    scores = q * (units // heads) ** -0.5 @ k.mT
    at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij"))
    relative = (at.flatten(1)[:, :, None] - at.flatten(1)[:, None, :]).permute(1, 2, 0)
    index = (relative + window - 1) @ torch.tensor([2 * window - 1, 1])
    table = torch.tensor(arrays["relative_bias"]).reshape(-1, heads)
    scores = scores + table[index].permute(2, 0, 1)
    if shift:
        regions = torch.zeros(height, width)
        count = 0
        slices = (slice(0, -window), slice(-window, -shift), slice(-shift, None))
        for high in slices:
            for wide in slices:
                regions[high, wide] = count
                count += 1
        regions = regions.view(rows, window, columns, window).permute(0, 2, 1, 3)
        regions = regions.reshape(rows * columns, cells)
        apart = regions[:, None, :] != regions[:, :, None]
        mask = torch.zeros(apart.shape).masked_fill(apart, -100.0)
        scores = scores.view(batch, rows * columns, heads, cells, cells) + mask[:, None]
        scores = scores.view(-1, heads, cells, cells)
    y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(len(parts), cells, units)
    y = y @ torch.tensor(arrays["output"]) + torch.tensor(arrays["output.bias"])
    y = y.view(batch, rows, columns, window, window, units).permute(0, 1, 3, 2, 4, 5)
    return torch.roll(y.reshape(batch, height, width, units), (shift, shift), (1, 2))


@pytest.mark.parametrize("shift", [0, 1])
def test_windows_are_swins(shift: int) -> None:
    fields = f"heads: 2, window: 3, shift: {shift}, relative_bias: true"
    spec = f"input: 6x9x4\nlayers:\n  - {{name: one, attention: {{{fields}}}}}\n"
    network, arrays, x = drawn(spec, "layers", "one")
    agree(network, x, lambda x: swin(x, arrays, 2, 3, shift))


def test_a_window_as_large_as_the_map_is_not_moved() -> None:
    """As in Swin's own code: there is no other window to reach into."""
    for shift in (0, 2):
        fields = f"heads: 2, window: 3, shift: {shift}, relative_bias: true"
        spec = f"input: 3x3x4\nlayers:\n  - {{name: one, attention: {{{fields}}}}}\n"
        network, arrays, x = drawn(spec, "layers", "one")
        agree(network, x, partial(swin, arrays=arrays, heads=2, window=3, shift=0))


def test_dropout_drops_weights_in_training_alone() -> None:
    """With values of 1 each position gets the sum of its weights: 1, or what is left of it."""
    spec = "input: 40x1\nlayers:\n  - {name: one, attention: {heads: 1, dropout: 0.5}}\n"
    network: Any = build(cnnkit.load(spec))
    for name, weight, bias in (("query", 0, 0), ("key", 0, 0), ("value", 0, 1), ("output", 1, 0)):
        layer = getattr(network.layers.one, name)
        layer.kernel.set_value(jnp.full_like(layer.kernel[...], weight))
        layer.bias.set_value(jnp.full_like(layer.bias[...], bias))
    x = jnp.zeros((8, 40, 1))
    np.testing.assert_allclose(network(x), 1, rtol=1e-6)
    trained = np.asarray(network(x, train=True, key=jax.random.key(0)))
    # Each of 40 weights of 1/40 is 0 or 1/20: the sums are whole multiples of it, 1 in the mean.
    np.testing.assert_allclose(trained * 20, np.round(trained * 20), atol=1e-4)
    assert trained.mean() == pytest.approx(1, abs=0.05)
    assert trained.std() == pytest.approx(40**-0.5, abs=0.03)
