"""Puts exported weights into a model of PyTorch."""

import torch
from torch import nn


def load_weights(model: nn.Module, path) -> nn.Module:
    """The model with the arrays of a file, which stand there in the order in which it has them."""
    import json

    from safetensors import safe_open

    own = [*model.parameters(), *(each for each in model.buffers() if each.ndim)]
    with safe_open(path, "pt") as file, torch.no_grad():
        names = json.loads(file.metadata()["cnnkit.order"])
        for array, name in zip(own, names, strict=True):
            array.copy_(file.get_tensor(name).reshape(array.shape))
    return model.eval()
