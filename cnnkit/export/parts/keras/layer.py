"""What layers of a file share, so that Keras knows them again in what it saved."""

import keras
from keras import layers


class Registered(layers.Layer):
    """A layer that Keras finds by the name of its class, once this file is imported."""

    def __init_subclass__(cls, **kwargs) -> None:
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable("cnnkit")(cls)


class Applied(Registered):
    """A function of tensors as a layer, whose arguments are saved with it."""

    def __init__(self, *, name=None, trainable=True, dtype=None, **arguments) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.arguments = arguments

    def call(self, inputs):
        return self.of(inputs, **self.arguments)

    def get_config(self):
        return {**super().get_config(), **self.arguments}
