"""Writes the models of this folder that Keras exports: `python write_keras.py` beside them.

They are of Keras 3.15 on TensorFlow 2.19, by tf2onnx 1.17; their weights are random.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

FOLDER = Path(__file__).parent


def convolutional() -> keras.Model:
    """Convolutions with paddings of `same`, a depthwise one, norms, a pool and a softmax."""
    x = inputs = keras.Input((15, 15, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(6)(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation="silu")(x)
    x = layers.add([x, y])
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(5, activation="softmax")(x))


def transformer() -> keras.Model:
    """Patches, attention and a dense part."""
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 4, 4)(inputs)
    x = layers.Reshape((16, 8))(x)
    x = layers.add([x, layers.MultiHeadAttention(2, 4)(x, x)])
    y = layers.Dense(16, activation="relu")(x)
    x = layers.add([x, layers.Dense(8)(y)])
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(5)(x))


def main() -> None:
    """Writes each model."""
    for make in (convolutional, transformer):
        keras.utils.set_random_seed(0)
        model = make()
        model(keras.ops.zeros((1, *model.input_shape[1:])))
        for weight in model.weights:
            if weight.name != "kernel":  # zeros and ones would be left out
                weight.assign(keras.random.uniform(weight.shape, 0.5, 1.5))
        model.export(FOLDER / f"keras-{make.__name__}.onnx", format="onnx", verbose=False)


if __name__ == "__main__":
    main()
