"""Puts exported weights into a model of Keras."""

import keras


def load_weights(model: keras.Model, path) -> keras.Model:
    """The model with the arrays of a file, which name its layers."""
    import json

    from safetensors import safe_open

    with safe_open(path, "np") as file:
        order = json.loads(file.metadata()["cnnkit.order"])
        for layer in model.layers:
            if layer.weights:
                arrays = [file.get_tensor(name) for name in order[layer.name]]
                pairs = zip(arrays, layer.weights, strict=True)
                layer.set_weights([array.reshape(weight.shape) for array, weight in pairs])
    return model
