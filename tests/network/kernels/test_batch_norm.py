"""Batch norms in one pass with what lies behind them: float64 says what is right."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jax.typing import DTypeLike

import cnnkit
from cnnkit.network import build, kernels, rectified_norm
from cnnkit.network.kernels import onednn
from cnnkit.network.kernels.onednn import normalization as foreign
from cnnkit.network.kernels.onednn.normalization import Bounds, Kept
from cnnkit.network.rectified_norm import UNBOUNDED, Tail, plain_forward, plain_gradients

active = pytest.mark.skipif(not onednn.load().active, reason=onednn.load().reason)
EPSILON = 1e-3
RELU: Bounds = (0.0, np.inf)
RELU6: Bounds = (0.0, 6.0)
# Channels of whole vectors, of parts of one, more than a wide row has; and batches of many parts.
SHAPES = [(2, 3, 3, 1), (7, 5, 3), (5, 7, 5, 24), (3, 70), (64, 9, 5, 48), (9, 64, 63, 6)]
Operands = tuple[Array, Array, Array, Array, Array]


def drawn(shape: Sequence[int], dtype: DTypeLike, mean: float = 0.5) -> Operands:
    """Maps, factors, what is added to channels, to elements, and a gradient."""
    generator = np.random.default_rng(0)
    x, residual, dy = (generator.normal(at, 2, shape) for at in (mean, 0, 0))
    scale, shift = generator.normal(1, 0.5, shape[-1]), generator.normal(0, 1, shape[-1])
    return (
        jnp.asarray(x, dtype),
        jnp.asarray(scale, jnp.float32),
        jnp.asarray(shift, jnp.float32),
        jnp.asarray(residual, dtype),
        jnp.asarray(dy, dtype),
    )


def expected(operands: Operands, *, added: bool, bounds: Bounds) -> list[np.ndarray]:
    """In float64 the result, and the gradients of x, scale, shift and what is added."""
    x, scale, shift, residual, dy = (np.float64(each) for each in operands)
    over = tuple(range(x.ndim - 1))
    factor = 1 / np.sqrt(x.var(over) + EPSILON)
    u = (x - x.mean(over)) * factor
    y = u * scale + shift + (residual if added else 0)
    g = dy if bounds == UNBOUNDED else np.where((y > bounds[0]) & (y < bounds[1]), dy, 0)
    dx = scale * factor * (g - g.mean(over) - u * (g * u).mean(over))
    return [np.clip(y, *bounds), dx, (g * u).sum(over), g.sum(over), g]


def computed(operands: Operands, *, added: bool, bounds: Bounds) -> list[Array]:
    """The same by the extension."""
    x, scale, shift, residual, dy = operands

    @jax.jit
    def run(x: Array, scale: Array, shift: Array, residual: Array, dy: Array) -> list[Array]:
        more = residual if added else None
        y, *statistics = foreign.forward(x, scale, shift, more, EPSILON, bounds)
        kept = Kept(x, y, scale, *statistics)
        dx, dscale, dshift, passed = foreign.backward(kept, dy, EPSILON, bounds, residual=added)
        return [y, dx, dscale, dshift, *([] if passed is None else [passed])]

    given: list[Array] = run(x, scale, shift, residual, dy)
    return given


def close(found: Any, right: Any, tolerance: float) -> None:
    found, right = np.float64(found), np.float64(right)
    assert found.shape == right.shape
    assert np.abs(found - right).max() <= tolerance * max(np.abs(right).max(), 1e-30)


@active
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("added", "bounds"), [(False, UNBOUNDED), (True, UNBOUNDED), (False, RELU6), (True, RELU)]
)
def test_values_and_gradients_are_those_of_float64(
    added: bool, bounds: Bounds, shape: Sequence[int], dtype: DTypeLike
) -> None:
    operands = drawn(shape, dtype)
    found = computed(operands, added=added, bounds=bounds)
    right = expected(operands, added=added, bounds=bounds)
    # Maps are rounded once to the 8 bits of bfloat16, sums are of float32.
    of_maps = 2**-8 if dtype == jnp.bfloat16 else 1e-5
    for ours, theirs in zip(found, right, strict=False):
        maps = ours.shape == operands[0].shape
        assert ours.dtype == (dtype if maps else jnp.float32)
        close(ours, theirs, of_maps if maps else 2e-5)
    assert len(found) == 4 + added


@active
@pytest.mark.parametrize("mean", [0.0, 100.0, 10_000.0])
def test_digits_are_kept_far_from_zero(mean: float) -> None:
    operands = drawn((64, 16, 16, 24), jnp.float32, mean)
    for found, right in zip(
        computed(operands, added=False, bounds=UNBOUNDED),
        expected(operands, added=False, bounds=UNBOUNDED),
        strict=False,
    ):
        close(found, right, 1e-5)


@active
@pytest.mark.parametrize("place", [0, 5_000, 70_000])
def test_one_element_far_from_all_others(place: int) -> None:
    x, *rest = drawn((100_000, 1), jnp.float32, 10_000)
    operands: Operands = (x.at[place].set(-1e6), *rest)  # type: ignore[assignment]
    found = computed(operands, added=False, bounds=UNBOUNDED)
    right = expected(operands, added=False, bounds=UNBOUNDED)
    close(found[0][:place], right[0][:place], 2e-5) if place else None
    close(found[0][place + 1 :], right[0][place + 1 :], 2e-5)
    close(found[0], right[0], 5e-6)


@active
def test_what_is_constant_becomes_the_shift() -> None:
    x = jnp.full((8, 9, 9, 16), 12_345.678)
    ones, shift = jnp.ones(16), jnp.arange(16.0)
    y, mean, rest, variance = foreign.forward(x, ones, shift, None, EPSILON, UNBOUNDED)
    assert (y == shift).all()
    assert (np.float64(mean) + np.float64(rest) == np.float64(x[0, 0, 0])).all()
    assert not variance.any()


@active
def test_what_is_not_a_number_stays_so() -> None:
    operands = drawn((40, 8, 8, 16), jnp.bfloat16)
    x = operands[0].at[3, 4, 5, 6].set(jnp.nan)
    y, *statistics = foreign.forward(x, *operands[1:4], EPSILON, RELU)
    for each in (y, *statistics):
        assert jnp.isnan(each[..., 6]).all()
        assert not jnp.isnan(each[..., :6]).any()


@active
def test_leading_axes_are_norms_of_their_own() -> None:
    x, scale, shift, residual, dy = drawn((3, 33, 9, 5, 6), jnp.float32)
    scales = jnp.stack([scale, 2 * scale, -scale])

    def one(x: Array, scale: Array, dy: Array) -> tuple[Array, ...]:
        tail = Tail(EPSILON, RELU, added=True)
        run = partial(rectified_norm.normalize, tail=tail)
        y, pull = jax.vjp(lambda *given: run(*given)[0], x, scale, shift, residual[0])
        return (y, *pull(dy))

    for axes in ((0, 0, 0), (0, None, 0)):
        given = scales if axes[1] == 0 else scale
        found = jax.vmap(one, axes)(x, given, dy)
        for k in range(3):
            own: Operands = (x[k], scales[k] if axes[1] == 0 else scale, shift, residual[0], dy[k])
            right = expected(own, added=True, bounds=RELU)
            for ours, theirs in zip(found, right, strict=True):
                close(ours[k], theirs, 2e-5)


def test_the_plain_one_is_right() -> None:
    operands = drawn((9, 5, 5, 6), jnp.float32)
    x, scale, shift, residual, dy = operands
    tail = Tail(EPSILON, RELU6, added=True)
    y, *statistics = plain_forward(tail, x, scale, shift, residual)
    found = [y, *plain_gradients(tail, Kept(x, y, scale, *statistics), dy)]
    for ours, theirs in zip(found, expected(operands, added=True, bounds=RELU6), strict=True):
        close(ours, theirs, 1e-5)


def test_second_gradients_are_those_of_xla() -> None:
    x, scale, shift, residual, dy = drawn((64, 5, 4, 6), jnp.float32)
    tail = Tail(EPSILON, RELU, added=True)

    def steepness(forward: Any, x: Array, scale: Array) -> Array:
        def loss(x: Array, scale: Array) -> Array:
            return jnp.sum(jnp.tanh(forward(x, scale)) * dy)

        by_x, by_scale = jax.grad(loss, (0, 1))(x, scale)
        return jnp.sum(jnp.sin(by_x)) + jnp.sum(jnp.sin(by_scale))

    def ours(x: Array, scale: Array) -> Array:
        return rectified_norm.normalize(x, scale, shift, residual, tail)[0]

    def theirs(x: Array, scale: Array) -> Array:
        over = tuple(range(x.ndim - 1))
        u = (x - x.mean(over)) / jnp.sqrt(x.var(over) + EPSILON)
        return jnp.maximum(u * scale + shift + residual, 0)

    assert foreign.gains(x)
    found = jax.jit(jax.grad(partial(steepness, ours), (0, 1)))(x, scale)
    right = jax.grad(partial(steepness, theirs), (0, 1))(x, scale)
    for one, other in zip(found, right, strict=True):
        close(one, other, 1e-4)


NETWORK = """
input: 9x9x4
layers:
  - {conv: {filters: 8, kernel: 3, padding: same, bias: false}}
  - batch_norm
  - relu6
  - residual:
      layers:
        - {conv: {filters: 8, kernel: 3, padding: same, bias: false}}
        - batch_norm
      shortcut:
        - {conv: {filters: 8, kernel: 1, bias: false}}
        - batch_norm
      activation: relu
  - batch_norm
"""


def _trained(x: Array) -> list[Array]:
    """The gradients of the network's weights, and its statistics after a step."""
    from flax import nnx

    network = build(cnnkit.load(NETWORK))
    graphdef, params, stats = network.parts()

    @jax.jit
    def step(params: Any, stats: Any, x: Array) -> Any:
        def loss(params: Any) -> tuple[Array, Any]:
            copy = nnx.merge(graphdef, params, stats, copy=True)
            scores = copy.outputs(x, train=True).scores
            return jnp.sum(jnp.sin(scores)), nnx.state(copy, nnx.BatchStat)

        return jax.grad(loss, has_aux=True)(params)

    calls = step.lower(params, stats, x).as_text().count("@cnnkit_normalize_")
    assert calls == (8 if onednn.load().active and not kernels.choice.is_plain() else 0)
    return jax.tree.leaves(step(params, stats, x))


def test_a_network_learns_as_with_plain_operations() -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(size=(16, 9, 9, 4)), jnp.float32)
    found = _trained(x)
    with kernels.plain_only():
        right = _trained(x)
    for one, other in zip(found, right, strict=True):
        close(one, other, 1e-4)


def test_a_program_for_a_gpu_calls_nothing_foreign() -> None:
    x, scale, shift, residual, _ = drawn((64, 5, 4, 6), jnp.float32)

    def loss(x: Array) -> Array:
        tail = Tail(EPSILON, RELU, added=True)
        return rectified_norm.normalize(x, scale, shift, residual, tail)[0].sum()

    text = jax.jit(jax.grad(loss)).trace(x).lower(lowering_platforms=("cuda",)).as_text()
    assert "custom_call" not in text


@active
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scale": (5,)}, "there must be a factor for each channel"),
        ({"shift": (3,)}, "what there is of each channel must be float32, one for each"),
        ({"residual": (2, 3, 5)}, "all maps must be of one type and shape"),
        ({"x": (2, 0, 4)}, "no axis may be empty"),
        ({"dtype": jnp.float16}, "the maps must be float32 or bfloat16"),
        ({"statistics": jnp.bfloat16}, "what there is of each channel must be float32"),
    ],
)
def test_shapes_that_do_not_agree_are_an_error_and_not_a_crash(
    wrong: dict[str, Any], said: str
) -> None:
    given = {
        "x": (2, 3, 4), "scale": (4,), "shift": (4,), "residual": (2, 3, 4),
        "dtype": jnp.float32, "statistics": jnp.float32,
    } | wrong  # fmt: skip
    dtype, channels = given["dtype"], jax.ShapeDtypeStruct((4,), given["statistics"])
    call = jax.ffi.ffi_call(
        foreign.TARGET, (jax.ShapeDtypeStruct(given["x"], dtype), channels, channels, channels)
    )
    operands = [jnp.ones(given["x"], dtype), jnp.ones(given["scale"]), jnp.ones(given["shift"])]
    numbers = {name: np.float32(1) for name in ("epsilon", "low", "high")}
    with pytest.raises(jax.errors.JaxRuntimeError) as caught:
        jax.block_until_ready(call(*operands, jnp.ones(given["residual"], dtype), **numbers))
    assert f"cnnkit's batch norm: {said}" in str(caught.value)


def digest(*, sharded: bool = False) -> str:
    """What the bits of a large norm and its gradients come to, the batch on all devices."""
    x, *rest, dy = drawn((64, 33, 31, 6), jnp.bfloat16)
    if sharded:
        mesh = Mesh(np.array(jax.devices()), "batch")
        x, dy = jax.device_put((x, dy), NamedSharding(mesh, PartitionSpec("batch")))
    given = computed((x, *rest, dy), added=True, bounds=RELU)  # type: ignore[arg-type]
    return hashlib.sha256(b"".join(np.asarray(each).tobytes() for each in given)).hexdigest()


@active
@pytest.mark.skipif("NPROC" in os.environ, reason="this is what it starts")
def test_bits_are_the_same_each_time_on_any_number_of_threads_and_devices() -> None:
    own = digest()
    assert digest() == own
    settings = {"NPROC": "7", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    code = f"from {__name__} import digest; print(digest(sharded=True))"
    told = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **settings}, capture_output=True,
        text=True, check=False, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert told.stdout.split() == [own], told.stderr
