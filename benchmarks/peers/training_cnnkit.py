"""cnnkit's side: the engine of its trainer, with metrics and all, on random examples."""

from __future__ import annotations

import gc

import numpy as np
from training_serving import Advance, examples, serve, task

TASK = task()


def start() -> Advance:
    """What `cnnkit train` runs between two epochs."""
    gc.set_threshold(100_000)  # as the command line does, before it imports what trains
    import jax

    from cnnkit.cli.sources import reading_of
    from cnnkit.data import Dataset, Examples, Splits
    from cnnkit.network import runtime
    from cnnkit.spec.model.training import Train
    from cnnkit.training.compute.step import make_steps
    from cnnkit.training.engine import engine
    from cnnkit.training.prepare.device import replicated
    from cnnkit.training.prepare.material import measured

    for line in runtime.prepare():
        print(line)
    spec = reading_of(str(TASK.network), list(TASK.flags)).spec
    assert spec is not None
    inputs, labels = examples(TASK)
    targets = labels.astype(np.int16) if TASK.maps else labels
    given = Examples((inputs * 255).astype(np.uint8), targets)
    dataset = Dataset("random", given, None, tuple(map(str, range(TASK.classes))))
    train = Train.model_validate(
        {
            "data": "cifar10",
            "optimizer": {"sgd": {"momentum": 0.9}},
            "learning_rate": 0.01,
            "batch_size": TASK.batch,
            "precision": "bfloat16" if TASK.bfloat16 else "float32",
        }
    )
    everything, nothing = np.arange(len(labels)), np.zeros(0, np.int64)
    splits = Splits(everything, nothing, nothing, own_test=False, stratified=False, seed=0)
    material = measured(train, dataset, splits, TASK.classes, seed=0)
    steps = make_steps(spec, train, examples=len(labels), batch_size=TASK.batch)
    devices = jax.local_devices()[:1]
    machine = engine(steps, [material], replicated(devices, None), devices)
    machine.begin_compiling(machine.placed_template())
    state = machine.start()
    machine.compile(state)
    order = machine.order(0)

    def advance(count: int) -> None:
        nonlocal state
        for begin in range(0, count, 8):
            state = machine.advance(state, order, min(8, count - begin))
        jax.block_until_ready(state)

    return advance


def memory() -> int:
    """The most bytes that were in use on the GPU."""
    import jax

    return int((jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0))


if __name__ == "__main__":
    serve(start, memory if TASK.gpu else None)
