"""Puts exported weights into a model of PyTorch."""

import torch
from torch import nn


def load_weights(model: nn.Module, path) -> nn.Module:
    """The model with the arrays of a file, which stand there in the order in which it has them."""
    import json

    from safetensors import safe_open

    kept = model.state_dict()  # not what follows from a layer's fields, such as a mask
    state = [each for name, each in model.named_buffers() if each.ndim and name in kept]
    with safe_open(path, "pt") as file, torch.no_grad():
        names = json.loads(file.metadata()["cnnkit.order"])
        for array, name in zip([*model.parameters(), *state], names, strict=True):
            array.copy_(file.get_tensor(name).reshape(array.shape))
    return model.eval()
