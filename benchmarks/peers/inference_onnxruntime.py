"""onnxruntime's side: a session at its defaults."""

from __future__ import annotations

import onnxruntime
from training_serving import BATCHES, Advance, examples, serve, task

TASK = task()


def start() -> Advance:
    """A session of the model that `cnnkit export` wrote."""
    session = onnxruntime.InferenceSession(TASK.network, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    inputs, _ = examples(TASK)
    batches = inputs.reshape(BATCHES, TASK.batch, *TASK.shape)

    def advance(steps: int) -> None:
        for step in range(steps):
            session.run(None, {given.name: batches[step % BATCHES]})

    return advance


if __name__ == "__main__":
    serve(start)
