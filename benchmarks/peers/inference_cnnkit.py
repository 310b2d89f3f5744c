"""cnnkit's side: what `cnnkit predict` and `cnnkit serve` compute for a batch of scaled inputs."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
from training_serving import BATCHES, Advance, examples, serve, task

from cnnkit.cli.sources import reading_of
from cnnkit.data.decoding import Decoding
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.spec.model.training import Train
from cnnkit.training.use.weights import trained_of, weights_of_seed

TASK = task()


def start() -> Advance:
    """The compiled function of a network whose weights were drawn."""
    spec = reading_of(str(TASK.network), list(TASK.flags)).spec
    assert spec is not None
    recipe = Train.model_validate({"data": "cifar10"})  # says that the numbers are of classes
    spec = spec.model_copy(update={"train": recipe})
    channels = TASK.shape[-1]
    record = Preprocessing(
        "uint8", TASK.shape, (0, 255), (0.5,) * channels, (0.25,) * channels, Decoding(), None
    )
    trained = trained_of(replace(weights_of_seed(spec), preprocessing=record), TASK.network)
    inputs, _ = examples(TASK)
    batches = inputs.reshape(BATCHES, TASK.batch, *TASK.shape)

    def advance(steps: int) -> None:
        for step in range(steps):
            np.asarray(jax.block_until_ready(trained.compute(batches[step % BATCHES])))

    return advance


if __name__ == "__main__":
    serve(start)
