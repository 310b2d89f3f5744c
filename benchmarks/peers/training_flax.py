"""Flax's side: the loop of its tutorial, with `nnx.jit`, an optimizer and metrics as objects."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from training_serving import BATCHES, Advance, examples, network_class, serve, task

TASK = task()


def loss_fn(model: nnx.Module, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The mean loss, and the scores."""
    logits = model(x)
    loss = optax.softmax_cross_entropy_with_integer_labels(logits=logits, labels=y).mean()
    return loss, logits


@nnx.jit
def train_step(
    model: nnx.Module,
    optimizer: nnx.Optimizer[nnx.Module],
    metrics: nnx.MultiMetric,
    x: jax.Array,
    y: jax.Array,
) -> None:
    """One step, as flax.readthedocs.io/en/latest/mnist_tutorial.html has it."""
    (loss, logits), grads = nnx.value_and_grad(loss_fn, has_aux=True)(model, x, y)
    metrics.update(loss=loss, logits=logits, labels=y)
    optimizer.update(model, grads)


def start() -> Advance:
    """The tutorial's loop."""
    network = network_class(TASK.network, nnx.Module)
    model = network(rngs=nnx.Rngs(0))
    model.train()
    optimizer = nnx.Optimizer(model, optax.sgd(0.01, 0.9), wrt=nnx.Param)
    metrics = nnx.MultiMetric(accuracy=nnx.metrics.Accuracy(), loss=nnx.metrics.Average("loss"))
    inputs, labels = examples(TASK)
    dtype = jnp.bfloat16 if TASK.bfloat16 else jnp.float32
    batches = [
        (jnp.asarray(x, dtype), jnp.asarray(y))
        for x, y in zip(
            inputs.reshape(BATCHES, TASK.batch, *TASK.shape),
            labels.reshape(BATCHES, TASK.batch, *labels.shape[1:]),
            strict=True,
        )
    ]

    def advance(steps: int) -> None:
        for step in range(steps):
            train_step(model, optimizer, metrics, *batches[step % BATCHES])
        jax.block_until_ready(nnx.state(model))

    return advance


def memory() -> int:
    """The most bytes that were in use on the GPU."""
    return int((jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0))


if __name__ == "__main__":
    serve(start, memory if TASK.gpu else None)
