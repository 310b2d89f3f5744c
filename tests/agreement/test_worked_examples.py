"""The lecture's numbers, as specs with `weights:` run through the network that is built."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flax")

import jax.numpy as jnp
import numpy as np
from flax import nnx

import cnnkit
from cnnkit.network import build

ROOT = Path(__file__).parents[2]
ORACLE = ROOT / "tests" / "oracles" / "worked-examples.tsv"
EXAMPLES = {
    line.split("\t")[0]: line.split("\t")[1:]
    for line in ORACLE.read_text(encoding="utf-8").splitlines()[1:]
}


def run(name: str, x: Any) -> np.ndarray[Any, Any]:
    """The output of one example, without its batch."""
    built = build(cnnkit.load(ROOT / "specs" / "lectures" / f"{name}.yaml"))
    return np.asarray(built(jnp.array(x, jnp.float32)[None])[0])


def expected(name: str) -> np.ndarray[Any, Any]:
    rows = EXAMPLES[name][3].split("/")
    return np.array([[float(value) for value in row.split(",")] for row in rows])


def matrix(name: str, of: str = "") -> np.ndarray[Any, Any]:
    """The matrix that an example of the oracle is given, with a channel."""
    from ast import literal_eval

    text = EXAMPLES[of or name][1].split(" with ")[0]
    return np.array(literal_eval(text))[..., None]


def test_edge_filter_lies_on_the_image_without_a_flip() -> None:
    output = run("edge-filter", matrix("edge-filter"))
    assert output.shape == (3, 3, 1)
    assert output[0, 0, 0] == float(EXAMPLES["edge-filter"][3]) == 6


def test_a_filter_on_colours_adds_up_the_channels_and_the_bias() -> None:
    image = np.zeros((5, 5, 3))
    image[:2, :2, 0] = [[156, 155], [153, 154]]
    image[:2, :2, 1] = [[167, 166], [164, 165]]
    image[:2, :2, 2] = [[163, 162], [160, 161]]
    assert run("rgb-filter", image)[0, 0, 0] == float(EXAMPLES["rgb-filter"][3]) == -25


@pytest.mark.parametrize("mode", ["zeros", "reflect", "edge"])
def test_paddings(mode: str) -> None:
    output = run(f"padding-{mode}", [[10], [20], [-30], [40], [-50]])
    np.testing.assert_allclose(output[:, 0], expected(f"padding-{mode}")[0], rtol=1e-6)


@pytest.mark.parametrize("name", ["max-pool-2x2", "mean-pool-2x2"])
def test_pools(name: str) -> None:
    np.testing.assert_array_equal(
        run(name, matrix(name, of="max-pool-2x2"))[..., 0], expected(name)
    )


def test_softmax_of_two_scores() -> None:
    output = run("softmax-2", [1, 3])
    np.testing.assert_allclose(output, [1 / (1 + math.e**2), 1 / (1 + math.e**-2)], rtol=1e-6)
    assert output.sum() == pytest.approx(float(EXAMPLES["softmax-2"][3]))


def test_maxout_is_the_larger_of_two_sums() -> None:
    """10 units of max(w1·x + b1, w2·x + b2), with the weights of the network put in by hand."""
    built = build(cnnkit.load(ROOT / "specs" / "lectures" / "maxout.yaml"))
    dense = getattr(built.layers, "0")
    x = np.linspace(-1, 1, 150, dtype=np.float32)
    dense.bias[...] = jnp.arange(20.0)
    kernel, bias = np.asarray(dense.kernel[...]), np.arange(20)
    sums = [kernel[:, unit] @ x + bias[unit] for unit in range(20)]
    largest = [max(sums[2 * unit], sums[2 * unit + 1]) for unit in range(10)]
    np.testing.assert_allclose(built(jnp.asarray(x[None]))[0], largest, rtol=1e-5)
    trained = nnx.to_flat_state(nnx.state(built, nnx.Param))
    assert sum(variable.size for _, variable in trained) == 3020


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [("leaky-relu", -3, -0.3), ("leaky-relu", 3, 3), ("elu", -1, math.exp(-1) - 1), ("elu", 2, 2)],
)
def test_rectifiers(name: str, x: float, y: float) -> None:
    np.testing.assert_allclose(run(name, [x]), [y], rtol=1e-6)
