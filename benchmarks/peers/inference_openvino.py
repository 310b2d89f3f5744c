"""OpenVINO's side: a model compiled for CPUs, its batch fixed, its float32 kept float32."""

from __future__ import annotations

import openvino
from training_serving import BATCHES, Advance, examples, serve, task

TASK = task()


def start() -> Advance:
    """The model that `cnnkit export` wrote.

    By default OpenVINO computes float32 models in bfloat16 where the processor has it in hardware.
    """
    core = openvino.Core()
    model = core.read_model(TASK.network)
    model.reshape([TASK.batch, *TASK.shape])
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    inputs, _ = examples(TASK)
    batches = inputs.reshape(BATCHES, TASK.batch, *TASK.shape)
    request = compiled.create_infer_request()

    def advance(steps: int) -> None:
        for step in range(steps):
            request.infer({0: batches[step % BATCHES]})

    return advance


if __name__ == "__main__":
    serve(start)
