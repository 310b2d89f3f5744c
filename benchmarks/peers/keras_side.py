"""Keras: builds its own model of the network, without loading weights, and counts."""

from __future__ import annotations

import keras
from serving import serve

MODELS = {"resnet-50": "ResNet50", "densenet-121": "DenseNet121"}


def count(network: str) -> int:
    """The parameters of a network of ``keras.applications``, running statistics included."""
    keras.backend.clear_session()
    model = getattr(keras.applications, MODELS[network])(weights=None)
    return int(model.count_params())


if __name__ == "__main__":
    serve(count)
