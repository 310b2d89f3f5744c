"""The sums that all metrics follow from, added up on the device batch by batch."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array

from cnnkit.spec.model.training import Train
from cnnkit.training.compute import metrics
from cnnkit.training.compute.loss import LossFunction, likeness, probabilities
from cnnkit.training.compute.maps import counted as pixels_counted
from cnnkit.training.compute.state import MetricSums


@dataclass(frozen=True)
class Accumulator:
    """What adds the examples of batches to totals.

    Attributes:
        train: The recipe, whose loss says what the targets are.
        loss: ``(scores, targets, weights) -> losses [N]``, of each example as a whole.
        outputs: The outputs of the network, K.
        final: What the network ends in, ``softmax``, ``log_softmax``, ``sigmoid`` or None.
        multi_label: Whether each output is a yes or no of its own, with targets ``[N, K]``.
        pixel_loss: The loss that single pixels have, as sums over those of each example; None of
            what has none.
    """

    train: Train
    loss: LossFunction
    outputs: int
    final: str | None
    multi_label: bool = False
    pixel_loss: LossFunction | None = None

    def mean_loss(self, scores: Array, targets: Array, weights: Array) -> Array:
        """What training lowers, ``[]``: the mean over the examples and that over the pixels.

        Args:
            scores: As of ``added``.
            targets: As of ``added``.
            weights: ``[B]``; of maps ``[B]`` or ``[B, *spatial]``.
        """
        found = self.loss(scores, targets, weights).mean()
        if self.pixel_loss is None:
            return found
        pixels = jnp.maximum(pixels_counted(targets).sum(), 1)
        return found + self.pixel_loss(scores, targets, weights).sum() / pixels

    def empty(self) -> MetricSums:
        """The totals of no examples."""
        zero = jnp.zeros((), jnp.int32)
        confusion = metrics.empty(self.train, self.outputs, multi_label=self.multi_label)
        none = jnp.zeros((), jnp.float32)
        return MetricSums(zero, none, confusion, zero, None if self.pixel_loss is None else none)

    def added(
        self, totals: MetricSums, scores: Array, targets: Array, counted: Array
    ) -> MetricSums:
        """The totals with a batch added.

        Args:
            totals: Those before.
            scores: ``[B, K]`` or ``[B, *spatial, K]``, before a last softmax or sigmoid.
            targets: ``[B]`` or ``[B, K]``; of maps ``[B, *spatial]`` or ``[B, *spatial, K]``.
            counted: bool ``[B]``, which of the examples are added.
        """
        # Class weights pull at the weights alone: a loss that is shown counts every example once,
        # so that it is the same whatever the classes of the examples beside it.
        ones = jnp.ones(targets.shape[0])
        losses, of_pixels = self.loss(scores, targets, ones), totals.pixel_loss
        if self.pixel_loss is not None:
            of_pixels += jnp.where(counted, self.pixel_loss(scores, targets, ones), 0).sum()
        said = self._said(scores)
        return MetricSums(
            examples=totals.examples + counted.sum(dtype=jnp.int32),
            loss=totals.loss + jnp.where(counted, losses, 0).sum(),
            confusion=metrics.update(totals.confusion, said, targets, counted),
            top5=totals.top5 + self._among_best(said, targets, counted),
            pixel_loss=of_pixels,
        )

    def _among_best(self, scores: Array, targets: Array, counted: Array) -> Array:
        """How many have their class among the five largest scores; of maps it is not asked."""
        if scores.ndim > 2:
            return jnp.zeros((), jnp.int32)
        return (metrics.among_best(scores, targets) & counted).sum(dtype=jnp.int32)

    def _said(self, scores: Array) -> Array:
        """What the metrics read: the scores, or of a regression what the network gives."""
        if self.train.loss.compares > 1:
            return likeness(scores, self.train.loss)
        if self.train.loss.of_classes:
            return scores
        return probabilities(scores, self.train, self.final)
