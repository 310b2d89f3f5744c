"""What training works on, as explicit pytrees: the data that a step reads, the state it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

Tree = Any
"""A pytree of arrays."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ExamplePool:
    """Examples on the device, of which index arrays name those of a split.

    Attributes:
        inputs: ``[M, *spatial, C]``, uint8 or float32; of several inputs a mapping of names.
        targets: int32 ``[M]``, or float32 ``[M, K]``; of maps int16 ``[M, *spatial]``, or uint8 or
            float32 ``[M, *spatial, K]``; of several outputs a mapping of names.
    """

    inputs: Tree
    targets: Tree

    def at(self, indices: Array) -> ExamplePool:
        """Some of the examples."""
        some: ExamplePool = jax.tree.map(lambda array: array[indices], self)
        return some


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Feed:
    """Everything of one run that a step reads and does not change.

    Nothing of it is closed over by the steps, so that they can be mapped over several runs.

    Attributes:
        pool: The examples.
        train: int32 ``[N]``, which of them are trained on.
        mean: float32 ``[C]``, taken off each input after the scaling of uint8 to 0..1; of several
            inputs a mapping of names.
        deviation: The same of what the difference is divided by.
        class_weights: float32 ``[K]``, the weight of the loss at each class; of 1 where the
            recipe says none.
        seed: uint32 ``[]``: what all random numbers come from, together with the step.
    """

    pool: ExamplePool
    train: Array
    mean: Tree
    deviation: Tree
    class_weights: Array
    seed: Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MetricSums:
    """Sums over examples, from which all metrics follow; no mean of means of batches.

    Attributes:
        examples: int32 ``[]``, how many were counted.
        loss: float32 ``[]``, the sum of their losses; of several outputs of their weighted sums.
            What each pixel loses is not in it.
        confusion: The counts of ``metrics``: int32 ``[K, K]`` of classes, row the true one; int32
            ``[K, 2, 2]`` of labels; float32 ``[2]``, sums of errors, of a regression; uint32
            ``[2, K, K]`` of pixels; float32 ``[4]``, sums of errors and likenesses, of images.
        top5: int32 ``[]``, how many had their class among the five largest scores.
        pixel_loss: float32 ``[]``, the sum of what their pixels lose that count, each one by
            itself; None where there is no such loss.
        outputs: Of several outputs the totals of each, which has what is None here.
    """

    examples: Array
    loss: Array
    confusion: Any
    top5: Any
    pixel_loss: Any = None
    outputs: Mapping[str, MetricSums] = field(default_factory=dict)

    @property
    def whole_loss(self) -> Any:
        """The examples times their mean loss: that of pixels is the mean over the pixels."""
        if self.pixel_loss is None:
            return self.loss
        low, high = jnp.asarray(self.confusion, jnp.float32)
        pixels = jnp.maximum(low.sum() + 2.0**32 * high.sum(), 1)
        return self.loss + self.examples * (self.pixel_loss / pixels)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """Everything that training changes; a checkpoint holds exactly this.

    Attributes:
        step: int32 ``[]``, the steps done since the start.
        params: The weights.
        stats: The running statistics of the norms.
        optimizer: What Optax keeps.
        average: The running means of ``(params, stats)`` where the recipe has `ema`, else None.
        totals: Sums over the examples of the current epoch, as the network saw them in training.
        failed: int32 ``[]``, the step whose loss or gradient was no number, or −1. All else is
            then the state before that step.
    """

    step: Array
    params: Tree
    stats: Tree
    optimizer: Tree
    average: Tree
    totals: MetricSums
    failed: Array
