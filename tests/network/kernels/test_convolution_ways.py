"""Every way to compute a convolution gives what XLA's own gives, and that is a convolution."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jax.typing import ArrayLike

from cnnkit.network import kernels
from cnnkit.network.kernels import banded, convolution, depthwise, lowered, onednn, plain, pointwise
from cnnkit.network.kernels.geometry import Geometry, Propagation
from cnnkit.network.kernels.onednn import convolution as foreign
from cnnkit.network.kernels.onednn import depthwise as channelwise

NONE = ((0, 0), (0, 0))
FULL = [
    Geometry((2, 1), ((1, 1), (0, 2)), (1, 1), 1, (5, 9, 8, 3), (3, 5, 3, 4)),
    Geometry((1, 2), ((1, 2), (0, 3)), (2, 3), 1, (3, 12, 11, 4), (3, 3, 4, 8)),
    Geometry((1, 1), ((1, 1), (1, 1)), (1, 1), 2, (16, 6, 6, 8), (3, 3, 4, 6)),
    Geometry((2,), ((1, 1),), (1,), 1, (3, 9, 4), (3, 4, 6)),
    Geometry((2, 1, 1), ((1, 1), (0, 0), (0, 1)), (1, 2, 1), 2, (3, 6, 7, 5, 4), (3, 2, 2, 2, 6)),
]
POINTWISE = [
    Geometry((1, 1), NONE, (1, 1), 1, (4, 5, 5, 3), (1, 1, 3, 6)),
    Geometry((2, 3), NONE, (1, 1), 1, (2, 6, 8, 3), (1, 1, 3, 6)),
]
DEPTHWISE = [
    Geometry((1, 1), ((1, 1), (1, 1)), (1, 1), 4, (2, 6, 5, 4), (3, 3, 1, 4)),
    Geometry((2, 2), ((1, 2), (0, 1)), (1, 2), 4, (2, 9, 8, 4), (3, 2, 1, 4)),
    Geometry((1, 1), ((4, 4), (0, 0)), (1, 1), 4, (2, 5, 5, 4), (3, 3, 1, 4)),
    Geometry((2,), ((1, 2),), (2,), 4, (2, 9, 4), (3, 1, 4)),
]
FEW_EXAMPLES = [  # cut into rows; the fifth can't be, nor can the data gradient of the fourth
    Geometry((1, 1), ((1, 1), (1, 1)), (1, 1), 1, (1, 13, 7, 3), (3, 3, 3, 4)),
    Geometry((2, 1), ((2, 3), (0, 0)), (1, 1), 1, (1, 20, 5, 3), (5, 2, 3, 4)),
    Geometry((3, 1), ((0, 0), (0, 0)), (2, 1), 2, (1, 32, 5, 4), (3, 1, 2, 6)),
    Geometry((4, 1), ((0, 0), (0, 0)), (1, 1), 1, (1, 35, 5, 3), (2, 2, 3, 4)),
    Geometry((1, 1), ((12, 12), (0, 0)), (1, 1), 1, (1, 5, 5, 3), (3, 2, 3, 4)),
    Geometry((2,), ((3, 4),), (1,), 1, (1, 30, 3), (8, 3, 4)),
    Geometry((1, 1, 1), ((1, 1),) * 3, (1, 1, 1), 1, (1, 9, 4, 5, 2), (3, 3, 3, 2, 4)),
]
BANDED = [geometry for geometry in FULL + POINTWISE if geometry.groups == 1] + [
    Geometry((1, 2), ((0, 0), (3, 3)), (1, 1), 1, (2, 5, 4, 2), (3, 3, 2, 4)),
    Geometry((1, 3, 2), ((1, 0), (0, 2), (1, 1)), (1, 2, 1), 1, (2, 4, 8, 7, 2), (2, 3, 3, 2, 3)),
]
ONEDNN = pytest.param(
    foreign.compute,
    FULL + POINTWISE + DEPTHWISE + FEW_EXAMPLES,
    id="onednn",
    marks=pytest.mark.skipif(not onednn.load().active, reason=onednn.load().reason),
)
CHANNELWISE = pytest.param(
    channelwise.compute,
    [
        Geometry((1, 1), ((1, 1), (1, 1)), (1, 1), 16, (2, 6, 5, 16), (3, 3, 1, 16)),
        Geometry((2, 3), ((1, 2), (0, 1)), (1, 1), 48, (40, 9, 8, 48), (3, 2, 1, 48)),
        Geometry((1, 2), ((4, 4), (0, 0)), (1, 1), 32, (2, 5, 6, 32), (3, 4, 1, 32)),
    ],
    id="channelwise",
    marks=pytest.mark.skipif(not onednn.load().active, reason=onednn.load().reason),
)
Way = convolution.Way


def operands(
    geometry: Geometry, propagation: Propagation, lead: Sequence[int] = ()
) -> tuple[Array, Array]:
    generator = np.random.default_rng(0)
    x, kernel, dy = (
        jnp.asarray(generator.standard_normal((*lead, *shape)), jnp.float32)
        for shape in (geometry.input, geometry.filters, geometry.output)
    )
    return ((x, kernel), (dy, kernel), (x, dy))[propagation]


def close(found: ArrayLike, expected: ArrayLike, tolerance: float = 1e-5) -> None:
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


def by_definition(geometry: Geometry, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A convolution summed cell by cell, from its definition alone."""
    x = np.pad(x, ((0, 0), *geometry.padding, (0, 0)))
    y = np.zeros(geometry.output)
    inputs, outputs = x.shape[-1] // geometry.groups, y.shape[-1] // geometry.groups
    for position in np.ndindex(*geometry.output[1:-1]):
        for cell in np.ndindex(*geometry.filters[:-2]):
            at = tuple(
                p * s + c * d
                for p, s, c, d in zip(
                    position, geometry.stride, cell, geometry.dilation, strict=True
                )
            )
            for group in range(geometry.groups):
                of, to = (
                    slice(group * inputs, (group + 1) * inputs),
                    slice(group * outputs, (group + 1) * outputs),
                )
                y[(slice(None), *position, to)] += x[(slice(None), *at, of)] @ kernel[cell][:, to]
    return y


@pytest.mark.parametrize("geometry", FULL)
def test_the_plain_one_is_a_convolution(geometry: Geometry) -> None:
    x, kernel = operands(geometry, Propagation.forward)
    expected = by_definition(geometry, np.asarray(x, np.float64), np.asarray(kernel, np.float64))
    close(lowered.compute(Propagation.forward, geometry, x, kernel), expected)


@pytest.mark.parametrize(
    ("way", "geometries"),
    [
        pytest.param(banded.compute, BANDED, id="banded"),
        pytest.param(lowered.in_one, FULL[2:3], id="in-one"),
        pytest.param(lowered.in_chunks, FULL[2:3], id="in-chunks"),
        pytest.param(pointwise.compute, POINTWISE, id="pointwise"),
        pytest.param(pointwise.in_float32, POINTWISE, id="in-float32"),
        pytest.param(depthwise.compute, DEPTHWISE, id="depthwise"),
        ONEDNN,
        CHANNELWISE,
    ],
)
def test_all_ways_agree(way: Way, geometries: list[Geometry]) -> None:
    for geometry, propagation in product(geometries, Propagation):
        first, second = operands(geometry, propagation)
        found = jax.jit(partial(way, propagation, geometry))(first, second)
        close(found, lowered.compute(propagation, geometry, first, second))


def test_maps_are_copied_for_a_filter_gradient_only_when_it_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onednn, "load", lambda: onednn.Availability(False, False, "for this test"))
    x, filters = jnp.ones((8, 16, 16, 32)), [jnp.ones((3, 3, 32, 32))] * 10

    def total(filters: list[jax.Array], x: jax.Array) -> jax.Array:
        for kernel in filters:
            y = convolution.convolve(
                x, kernel, stride=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1)
            )
            x = jnp.maximum(y, 0)
        return x.sum()

    compiled = jax.jit(jax.grad(total)).lower(filters, x).compile()
    planned = compiled.memory_analysis()
    assert planned is not None
    weights = 10 * filters[0].nbytes  # transposed, for the data gradients
    maps = (planned.temp_size_in_bytes - weights) / x.nbytes
    # Kept are the inputs of all convolutions but the first, whose input is an argument. A few
    # gradients and copies may be there beside them; with early copies there would be 10 more.
    assert maps < 9 + 6


@pytest.mark.parametrize(
    ("filters", "way"), [((3, 3, 16, 16), lowered.in_chunks), ((1, 1, 16, 2), pointwise.compute)]
)
def test_copies_of_large_maps_are_made_in_turn(
    filters: tuple[int, ...], way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onednn, "load", lambda: onednn.Availability(False, False, "for this test"))
    padding = ((filters[0] // 2,) * 2,) * 2
    geometry = Geometry((1, 1), padding, (1, 1), 1, (32, 56, 56, 16), filters)
    assert convolution.way(Propagation.filter_gradient, geometry, jnp.float32) is way
    x, kernel = operands(geometry, Propagation.forward)

    def planned(large: int) -> tuple[int, Any]:
        monkeypatch.setattr(lowered, "LARGE", large)

        def total(x: Array, kernel: Array) -> Array:
            y = kernels.convolve(x, kernel, stride=(1, 1), padding=padding, dilation=(1, 1))
            return (y**2).sum()

        compiled = jax.jit(jax.grad(total, (0, 1))).lower(x, kernel).compile()
        memory = compiled.memory_analysis()
        assert memory is not None
        return memory.temp_size_in_bytes, compiled(x, kernel)

    (at_once, expected), (in_turn, found) = planned(1 << 40), planned(0)
    for gradient, other in zip(found, expected, strict=True):
        close(gradient, other)
    if way is lowered.in_chunks:
        # One part of two of the maps and of their gradient is copied at a time.
        assert in_turn <= at_once - x.nbytes / 2
    assert in_turn <= at_once


def test_few_channels_are_convolved_by_a_banded_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onednn, "load", lambda: onednn.Availability(False, False, "for this test"))

    def ways(*shapes: tuple[int, ...], groups: int = 1) -> list[Way]:
        geometry = Geometry((1, 1), NONE, (1, 1), groups, *shapes)
        return [convolution.way(propagation, geometry, jnp.float32) for propagation in Propagation]

    # LeNet-5's first convolution and its second, a wide one, one of many channels, and groups.
    assert ways((128, 32, 32, 1), (5, 5, 1, 6)) == [banded.compute] * 3
    second = [lowered.compute, banded.compute, lowered.in_one]
    assert ways((128, 14, 14, 6), (5, 5, 6, 16)) == second
    assert banded.compute not in ways((8, 224, 224, 1), (5, 5, 1, 6))
    assert banded.compute not in ways((128, 14, 14, 16), (3, 3, 16, 16))
    assert banded.compute not in ways((128, 14, 14, 4), (3, 3, 2, 4), groups=2)


def test_ways_of_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onednn, "load", lambda: onednn.Availability(True, True, "for this test"))

    def ways(*shapes: tuple[int, ...], groups: int = 1) -> list[Way]:
        geometry = Geometry((1, 1), NONE, (1, 1), groups, *shapes)
        return [convolution.way(each, geometry, jnp.bfloat16) for each in Propagation]

    of_few_rows = [foreign.compute, foreign.compute, pointwise.in_float32]
    assert ways((128, 2, 2, 320), (1, 1, 320, 1280)) == of_few_rows
    assert ways((128, 4, 4, 160), (1, 1, 160, 960)) == [foreign.compute] * 3
    assert ways((128, 8, 8, 96), (3, 3, 1, 96), groups=96) == [channelwise.compute] * 3
    assert ways((128, 8, 8, 6), (3, 3, 1, 6), groups=6) == [foreign.compute] * 3


@pytest.mark.skipif(not onednn.load().active, reason=onednn.load().reason)
@pytest.mark.skipif("NPROC" in os.environ, reason="this is what it starts")
def test_all_ways_agree_on_many_threads() -> None:
    """XLA's threads say into how many parts a convolution is cut, whatever cores there are."""
    this = [sys.executable, "-m", "pytest", "-q", "-n", "0", __file__, "-k", "agree and onednn"]
    told = subprocess.run(
        this, env={**os.environ, "NPROC": "8"}, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout
    assert "1 passed" in told.stdout


@pytest.mark.parametrize(("way", "geometries"), [ONEDNN, CHANNELWISE])
def test_leading_axes_are_convolutions_of_their_own(way: Way, geometries: list[Geometry]) -> None:
    for geometry, propagation in product((geometries[0], geometries[2]), Propagation):
        first, second = operands(geometry, propagation, (3,))
        both = jax.vmap(partial(way, propagation, geometry))(first, second)
        one_shared = jax.vmap(partial(way, propagation, geometry), (None, 0))(first[0], second)
        for k in range(3):
            expected = lowered.compute(propagation, geometry, first[k], second[k])
            close(both[k], expected)
            expected = lowered.compute(propagation, geometry, first[0], second[k])
            close(one_shared[k], expected)


@pytest.mark.parametrize(("way", "geometries"), [ONEDNN, CHANNELWISE])
def test_half_precision_is_summed_in_full(way: Way, geometries: list[Geometry]) -> None:
    for propagation in Propagation:
        first, second = (a.astype(jnp.bfloat16) for a in operands(geometries[1], propagation))
        found = way(propagation, geometries[1], first, second)
        assert found.dtype == jnp.bfloat16
        exact = lowered.compute(
            propagation, geometries[1], first.astype(jnp.float32), second.astype(jnp.float32)
        )
        close(found, exact, 2**-8)  # one rounding to 8 bits


def _step(
    convolve: Callable[..., Array], x: Array, kernel: Array, weight: Array
) -> tuple[Array, ...]:
    def y(x: Array, kernel: Array) -> Array:
        return convolve(
            x, kernel, stride=(2, 1), padding=((1, 1), (0, 2)), dilation=(1, 1), groups=1
        )

    def loss(x: Array, kernel: Array) -> Array:
        return jnp.sum(jnp.tanh(y(x, kernel) * weight))

    def steepness(x: Array, kernel: Array) -> Array:
        by_x, by_kernel = jax.grad(loss, (0, 1))(x, kernel)
        return jnp.sum(by_x**2) + jnp.sum(by_kernel**2)

    return (
        y(x, kernel),
        *jax.grad(loss, (0, 1))(x, kernel),
        *jax.grad(steepness, (0, 1))(x, kernel),
    )


def test_value_gradient_and_second_gradient_are_the_plain_ones() -> None:
    x, kernel = operands(FULL[0], Propagation.forward)
    _, weight = operands(FULL[0], Propagation.filter_gradient)
    found = jax.jit(partial(_step, kernels.convolve))(x, kernel, weight)
    for ours, theirs in zip(found, _step(plain.convolve, x, kernel, weight), strict=True):
        close(ours, theirs, 1e-4)


def test_a_kernel_that_covers_the_input_is_a_dense_layer() -> None:
    geometry = Geometry((1, 2), NONE, (1, 1), 1, (3, 4, 5, 2), (4, 5, 2, 6))
    x, kernel = operands(geometry, Propagation.forward)
    settings: dict[str, Any] = {"stride": (1, 2), "padding": NONE, "dilation": (1, 1)}
    close(kernels.convolve(x, kernel, **settings), plain.convolve(x, kernel, **settings))
    found = jax.grad(lambda k: jnp.sum(kernels.convolve(x, k, **settings) ** 2))(kernel)
    close(found, jax.grad(lambda k: jnp.sum(plain.convolve(x, k, **settings) ** 2))(kernel))
    assert (
        "convolution"
        not in jax.jit(lambda k: kernels.convolve(x, k, **settings))
        .lower(kernel)
        .as_text(dialect="hlo")
        .split("ENTRY")[1]
    )


def test_a_program_for_a_gpu_holds_plain_convolutions() -> None:
    x, kernel = operands(FULL[0], Propagation.forward)

    def loss(x: Array, kernel: Array) -> Array:
        y = kernels.convolve(x, kernel, stride=(1, 1), padding=NONE, dilation=(1, 1))
        return jnp.sum(y**2)

    traced = jax.jit(jax.grad(loss, (0, 1))).trace(x, kernel)
    text = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert text.count("stablehlo.convolution") == 3
    assert "custom_call" not in text


def test_plain_only_leaves_no_other_operation_and_allows_forward_mode() -> None:
    x, kernel = operands(FULL[0], Propagation.forward)

    def y(x: Array) -> Array:
        convolved = kernels.convolve(x, kernel, stride=(1, 1), padding=NONE, dilation=(1, 1))
        return kernels.max_pool(convolved, (2, 2), (2, 2), NONE)

    with kernels.plain_only():
        text = jax.jit(y).lower(x).as_text()
        _, tangent = jax.jvp(y, (x,), (x,))
    assert "custom_call" not in text
    # All of it is linear but for the choice of the maxima, which 1.5 times x leaves as it is.
    close(tangent, y(1.5 * x) / 1.5, 1e-4)


def test_divisible_only_cuts_no_batch_and_calls_nothing_foreign(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = onednn.Availability(True, True, "")
    monkeypatch.setattr(onednn, "load", lambda: there)
    monkeypatch.setattr(foreign, "gains", lambda *_: True)
    large = Geometry((1, 1), ((1, 1), (1, 1)), (1, 1), 1, (32, 32, 32, 64), (3, 3, 64, 64))
    assert convolution.way(Propagation.filter_gradient, large, jnp.float32) is foreign.compute
    with kernels.divisible_only():
        for propagation in Propagation:
            assert convolution.way(propagation, large, jnp.float32) is lowered.compute
    monkeypatch.setattr(foreign, "gains", lambda *_: False)
    assert convolution.way(Propagation.filter_gradient, large, jnp.float32) is lowered.in_chunks


def test_mapped_convolutions_are_computed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onednn, "load", lambda: onednn.Availability(False, False, "for this test"))
    geometry = FULL[0]
    x, kernel = operands(geometry, Propagation.forward, (3,))

    def loss(x: Array, kernel: Array) -> Array:
        y = kernels.convolve(x, kernel, stride=(2, 1), padding=((1, 1), (0, 2)), dilation=(1, 1))
        return jnp.sum(jnp.tanh(y))

    mapped = jax.jit(jax.vmap(jax.grad(loss, (0, 1)))).lower(x, kernel)
    assert "feature_group_count = 3" not in mapped.as_text()
    assert "batch_group_count = 3" not in mapped.as_text()
    for k in range(3):
        for found, expected in zip(
            mapped.compile()(x, kernel), jax.grad(loss, (0, 1))(x[k], kernel[k]), strict=True
        ):
            close(found[k], expected)
    shared = jax.vmap(jax.grad(loss, (0, 1)), (0, None))(x, kernel[0])
    close(shared[1][2], jax.grad(loss, 1)(x[2], kernel[0]))


def test_an_empty_batch_is_convolved_to_an_empty_batch() -> None:
    y = kernels.convolve(
        jnp.ones((0, 4, 4, 2)), jnp.ones((3, 3, 2, 5)), stride=(1, 1), padding=NONE,
        dilation=(1, 1),
    )  # fmt: skip
    assert y.shape == (0, 2, 2, 5)
