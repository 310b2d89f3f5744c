"""Converted code run with the weights of the network that it was converted from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from cnnkit.export.code.functions import layer_name
from tests.agreement.converted import (
    Case,
    channels_first,
    flat,
    flax_model,
    flax_variables,
    keras_layout,
    module_of,
    quick,
    torch_arrays,
    torch_order,
)


def keras_model(case: Case) -> Any:
    """The model in Keras, with the network's weights."""
    model = module_of(case.spec, "keras").MODEL(**({"heads": True} if case.graph.sides else {}))
    for node in case.graph.nodes:
        arrays = [owned for owned in case.owned if owned.node is node]
        if arrays:
            layer = model.get_layer(layer_name(node.path))
            pairs = zip(arrays, layer.weights, strict=True)
            layer.set_weights([keras_layout(o, o.array).reshape(w.shape) for o, w in pairs])
    return model


def torch_model(case: Case) -> Any:
    """The model in PyTorch, with the network's weights."""
    import torch

    model = module_of(case.spec, "torch").MODEL().eval()
    learnt = {name for name, array in model.named_parameters() if array.requires_grad}
    kept = model.state_dict()  # not what follows from a layer's fields, such as a mask
    state = [array for name, array in kept.items() if array.ndim and name not in learnt]
    parameters = [array for array in model.parameters() if array.requires_grad]
    for owned in torch_order(case.owned):
        for array in torch_arrays(owned, owned.array):
            target = (parameters if owned.weight.trainable else state).pop(0)
            with torch.no_grad():
                target.copy_(torch.from_numpy(array.copy()).reshape(target.shape))
    assert not parameters
    assert not state
    return model


def flax_output(case: Case) -> np.ndarray:
    """What the code in Flax makes of the batch."""
    model, made = flax_model(case.spec)
    model.eval()
    for variable, owned in zip(flax_variables(made, case), case.owned, strict=True):
        assert variable.shape == owned.array.shape
        variable.set_value(jnp.asarray(owned.array))
    graphdef, state = nnx.split(model)
    return np.asarray(quick(lambda xs: flat(nnx.merge(graphdef, state)(*xs)))(batches(case)))


def torch_output(case: Case) -> np.ndarray:
    """What the code in PyTorch makes of the batch, channels last."""
    import torch

    xs = [torch.from_numpy(channels_first(x).copy()) for x in batches(case)]
    with torch.no_grad():
        given = torch_model(case)(*xs)
    if not isinstance(given, dict):
        return np.moveaxis(given.numpy(), 1, -1)
    return np.asarray(flat({name: np.moveaxis(y.numpy(), 1, -1) for name, y in given.items()}))


def keras_output(case: Case) -> np.ndarray:
    """What the code in Keras makes of the batch, with the backend that Keras has chosen."""
    import keras

    x = keras.tree.map_structure(keras.ops.convert_to_tensor, case.x)
    given = keras_model(case)(x, training=False)
    outputs = case.graph.outputs
    if case.graph.sides:  # a list, the side outputs last
        given = dict(zip(outputs, given, strict=False)) if len(outputs) > 1 else given[0]
    return np.asarray(flat(keras.tree.map_structure(keras.ops.convert_to_numpy, given)))


def batches(case: Case) -> list[np.ndarray]:
    """The batch of each input."""
    return [*case.x.values()] if isinstance(case.x, dict) else [case.x]


OUTPUTS: Mapping[str, Callable[[Case], np.ndarray]] = MappingProxyType(
    {"flax": flax_output, "torch": torch_output, "keras": keras_output}
)
"""The output of each target's code."""
