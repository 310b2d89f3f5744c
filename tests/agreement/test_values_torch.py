"""Values and gradients equal PyTorch's, for the same weights: the converted code is run."""

from __future__ import annotations

import numpy as np
import pytest

from tests.agreement.converted import case, channels_first, close, torch_arrays, torch_order
from tests.agreement.corpus import CORPUS
from tests.agreement.running import torch_model

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.mark.parametrize("name", CORPUS)
def test_outputs_and_gradients(name: str) -> None:
    expected = case(name)
    model = torch_model(expected)
    x = torch.from_numpy(channels_first(expected.x).copy()).requires_grad_()
    y = model(x)
    close(y.detach(), channels_first(expected.output), "output")
    y.backward(torch.from_numpy(channels_first(expected.towards).copy()))
    close(x.grad, channels_first(expected.slopes[0]), "gradient by the input")
    slopes = {
        id(owned): slope for owned, slope in zip(expected.trained, expected.slopes[1:], strict=True)
    }
    right = [
        (owned, array)
        for owned in torch_order(expected.trained)
        for array in torch_arrays(owned, slopes[id(owned)])
    ]
    for parameter, (owned, slope) in zip(model.parameters(), right, strict=True):
        found = np.zeros(parameter.shape) if parameter.grad is None else parameter.grad
        what = f"gradient by {owned.node.path}.{owned.weight.name}"
        close(found, slope.reshape(parameter.shape), what, least=owned.least)
