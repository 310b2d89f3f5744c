"""Puts exported weights into a model of Flax."""

import jax.numpy as jnp
from flax import nnx


def load_weights(model: nnx.Module, path) -> nnx.Module:
    """The model with the arrays of a file, whose layers stand there in the order that it has."""
    import json

    from safetensors import safe_open

    def layers(module):
        if isinstance(module, list | tuple | nnx.List):
            for item in module:
                yield from layers(item)
        elif isinstance(module, nnx.Module):
            values = vars(module)
            if any(isinstance(value, nnx.Param | nnx.BatchStat) for value in values.values()):
                yield module
            for value in values.values():
                yield from layers(value)

    with safe_open(path, "np") as file:
        order = json.loads(file.metadata()["cnnkit.order"])
        for layer, names in zip(layers(model), order, strict=True):
            for attribute, name in names.items():
                variable = getattr(layer, attribute)
                variable.set_value(jnp.asarray(file.get_tensor(name)).reshape(variable.shape))
    model.eval()
    return model
