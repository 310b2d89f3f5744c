"""Transposed convolutions: value and gradient as XLA's own have them, and as PyTorch's."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnnkit.network import kernels
from cnnkit.network.kernels import plain

CASES = {  # input, kernel, stride, cells cut off before, output
    "as many cells as the stride": ((2, 5, 4, 3), (2, 2), (2, 2), (0, 0), (10, 8)),
    "twice the stride": ((2, 4, 5, 3), (4, 4), (2, 2), (1, 1), (8, 10)),
    "no multiple of the stride": ((2, 4, 4, 3), (3, 5), (2, 3), (1, 2), (8, 12)),
    "fewer cells than the stride": ((2, 4, 3, 3), (2, 1), (3, 2), (0, 0), (11, 6)),
    "a stride of one": ((2, 5, 5, 3), (3, 3), (1, 1), (1, 1), (5, 5)),
    "padded by all but one": ((2, 4, 4, 3), (3, 2), (2, 2), (2, 1), (5, 6)),
    "output beyond the last cell": ((2, 3, 3, 3), (2, 2), (3, 3), (0, 0), (10, 9)),
    "a signal": ((2, 6, 3), (4,), (2,), (1,), (12,)),
    "a volume": ((1, 2, 3, 2, 3), (2, 2, 2), (2, 2, 2), (0, 0, 0), (4, 6, 4)),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_the_plain_one(name: str) -> None:
    shape, size, stride, before, output = CASES[name]
    random = np.random.default_rng(0)
    x = jnp.asarray(random.normal(size=shape), jnp.float32)
    kernel = jnp.asarray(random.normal(size=(*size, shape[-1], 4)), jnp.float32)
    given: dict[str, Any] = {
        "stride": stride, "dilation": (1,) * len(size), "before": before, "output": output
    }  # fmt: skip
    ct = jnp.asarray(random.normal(size=(shape[0], *output, 4)), jnp.float32)

    def both(function: Any) -> Any:
        y, pull = jax.vjp(lambda x, kernel: function(x, kernel, **given), x, kernel)
        return y, *pull(ct)

    found = jax.jit(lambda: both(kernels.transposed_convolve))()
    expected = jax.jit(lambda: both(plain.transposed_convolve))()
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_equals_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 5, 6, 3)).astype(np.float32)
    kernel = random.normal(size=(3, 4, 3, 2)).astype(np.float32)
    expected = torch.nn.functional.conv_transpose2d(
        torch.tensor(x).permute(0, 3, 1, 2),
        torch.tensor(kernel).permute(2, 3, 0, 1),
        stride=(2, 3),
        padding=(1, 0),
        output_padding=(1, 2),
    ).permute(0, 2, 3, 1)
    found = kernels.transposed_convolve(
        jnp.asarray(x),
        jnp.asarray(kernel),
        stride=(2, 3),
        dilation=(1, 1),
        before=(1, 0),
        output=tuple(expected.shape[1:3]),
    )
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-4)


def test_a_transposed_convolution_is_no_convolution_of_a_map_that_is_spread_out() -> None:
    def text(function: Any) -> str:
        given = {"stride": (2, 2), "dilation": (1, 1), "before": (0, 0), "output": (4, 4)}
        x, kernel = jnp.zeros((1, 2, 2, 3)), jnp.zeros((2, 2, 3, 4))
        return str(jax.make_jaxpr(lambda x, kernel: function(x, kernel, **given))(x, kernel))

    assert "lhs_dilation=(2, 2)" in text(plain.transposed_convolve)
    assert "lhs_dilation=(2, 2)" not in text(kernels.transposed_convolve)
