"""Keras 3's side, on the JAX backend: `model.fit`."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
from training_serving import Advance, examples, module, serve, task

TASK = task()


def start() -> Advance:
    """A compiled model whose `fit` takes the steps."""
    if TASK.bfloat16:
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    functions = [
        value
        for value in vars(module(TASK.network)).values()
        if getattr(value, "__annotations__", {}).get("return") is keras.Model
    ]
    model = functions[-1]()
    model.compile(
        optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    inputs, labels = examples(TASK)

    def advance(steps: int) -> None:
        epochs, rest = divmod(steps * TASK.batch, len(inputs))
        if epochs:
            model.fit(inputs, labels, TASK.batch, epochs, verbose=0, shuffle=False)
        if rest:
            model.fit(inputs[:rest], labels[:rest], TASK.batch, 1, verbose=0, shuffle=False)

    return advance


if __name__ == "__main__":
    serve(start)
