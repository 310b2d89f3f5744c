"""What `init: dirac` gives in the code of each framework: PyTorch's own is the witness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("flax")

from flax import nnx

import cnnkit
from tests.agreement.converted import module_of

CONV = {"filters": 6, "kernel": 2, "groups": 2, "init": "dirac"}
SPEC = cnnkit.load({"input": "8x8x4", "layers": [{"conv": CONV}]})


def of_flax(module: Any) -> np.ndarray[Any, Any]:
    return np.asarray(module.MODEL(rngs=nnx.Rngs(0)).conv.kernel[...])


def of_torch(module: Any) -> np.ndarray[Any, Any]:
    return np.moveaxis(module.MODEL().conv.weight.detach().numpy(), (0, 1), (-1, -2))


def of_keras(module: Any) -> np.ndarray[Any, Any]:
    return np.asarray(module.MODEL().layers[-1].kernel)


@pytest.mark.parametrize(
    ("target", "kernel"), [("flax", of_flax), ("torch", of_torch), ("keras", of_keras)]
)
def test_converted_code_hands_on_the_first_channels(target: str, kernel: Any) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip(target)
    found = kernel(module_of(SPEC, target))
    expected = torch.nn.init.dirac_(torch.empty(4, 2, 2, 2), groups=2).numpy()
    for group in (0, 1):
        handed = found[..., 3 * group : 3 * group + 2]
        first = np.moveaxis(expected[2 * group : 2 * group + 2], (0, 1), (-1, -2))
        np.testing.assert_array_equal(handed, first)
        assert (found[..., 3 * group + 2] != 0).all()
