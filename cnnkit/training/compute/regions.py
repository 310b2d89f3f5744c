"""Losses of segmentation that compare regions: Dice, Tversky, Lovász-softmax.

Each is of one example: over its pixels that count, and then over the classes. Probabilities are
those of a softmax over the classes, or of a sigmoid; of a single output there is one region, the
yes. Weights multiply the pixels in all sums.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from cnnkit.spec.model.training.loss import Dice, LovaszSoftmax, OfPixels, Tversky
from cnnkit.training.compute.maps import counted


class Regions(NamedTuple):
    """What was said of pixels, and what is true of them.

    Attributes:
        said: Probabilities ``[N, P, K]``.
        true: 0 and 1, ``[N, P, K]``.
        weights: ``[N, P, 1]``, 0 of pixels that do not count.
    """

    said: Array
    true: Array
    weights: Array


def region_loss(loss: OfPixels, *, by_output: bool) -> Callable[[Array, Array, Array], Array]:
    """``(scores [N, *spatial, K], targets int [N, *spatial], weights) -> losses [N]``.

    Args:
        loss: Which of them.
        by_output: Whether each output has a probability of its own, by a sigmoid.
    """

    def losses(scores: Array, targets: Array, weights: Array) -> Array:
        regions = _regions(scores, targets, weights, by_output)
        match loss:
            case Dice():
                return _tversky(regions, 0.5, 0.5, loss.smooth / 2)
            case Tversky():
                return _tversky(regions, loss.alpha, loss.beta, loss.smooth)
            case LovaszSoftmax():
                return _lovasz(regions)
        raise NotImplementedError(loss.kind)

    return losses


def _regions(scores: Array, targets: Array, weights: Array, by_output: bool) -> Regions:
    count, outputs = scores.shape[0], scores.shape[-1]
    flat = scores.astype(jnp.float32).reshape(count, -1, outputs)
    classes = targets.reshape(count, -1)
    named = jnp.arange(outputs) if outputs > 1 else jnp.ones(1, jnp.int32)
    true = classes[..., None] == named
    sigmoid = by_output or outputs == 1
    said = jax.nn.sigmoid(flat) if sigmoid else jax.nn.softmax(flat, axis=-1)
    whole = jnp.broadcast_to(weights, targets.shape).reshape(count, -1)
    counts = jnp.where(counted(classes), whole, 0)
    return Regions(said, true.astype(jnp.float32), counts[..., None])


def _tversky(regions: Regions, alpha: float, beta: float, smooth: float) -> Array:
    """1 − (TP + s) / (TP + α·FP + β·FN + s); with α = β = 1/2 it is that of Dice."""
    said, true, weights = regions
    right = (weights * said * true).sum(1)
    alarms = (weights * said * (1 - true)).sum(1)
    misses = (weights * (1 - said) * true).sum(1)
    whole = right + alpha * alarms + beta * misses + smooth
    # Without smoothing a class that is nowhere, and is said to be nowhere, is right.
    kept = jnp.where(whole > 0, (right + smooth) / jnp.where(whole > 0, whole, 1), 1)
    return 1 - kept.mean(-1)


def _lovasz(regions: Regions) -> Array:
    """The mean over the classes that an example has of the Lovász extension of 1 − IoU.

    The errors of a class, largest first, each times the growth of 1 − IoU where one pixel more is
    wrong (Berman et al., 2018, algorithm 1).
    """
    weights = regions.weights
    true = regions.true * (weights > 0)
    errors = jnp.abs(true - regions.said) * weights
    # Whole numbers go along with the sorted errors; pixels that do not count come last.
    order = jnp.argsort(-jax.lax.stop_gradient(errors), axis=1)
    errors = jnp.take_along_axis(errors, order, 1)
    sorted_true = jnp.take_along_axis(true, order, 1)
    total = true.sum(1, keepdims=True)
    found = jnp.cumsum(sorted_true, 1)
    union = total + jnp.cumsum(1 - sorted_true, 1)
    jaccard = 1 - (total - found) / union
    growth = jnp.diff(jaccard, axis=1, prepend=0)
    of_class = (errors * growth).sum(1)
    if of_class.shape[-1] == 1:
        return of_class[:, 0]
    there = true.sum(1) > 0
    return jnp.where(there, of_class, 0).sum(-1) / jnp.maximum(there.sum(-1), 1)
