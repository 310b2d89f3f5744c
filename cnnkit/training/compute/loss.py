"""The loss of each example, from the scores that the network gives before its last softmax.

From scores the logarithm of a probability is computed without the probability, log p = s − log Σ eˢ
for a softmax and −log(1 + e⁻ˢ) for a sigmoid, so that neither a large score nor a small one makes
an infinite loss. All in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import jax
import jax.numpy as jnp
from jax import Array

from cnnkit.errors import Finding, SpecError
from cnnkit.spec.model.training import Loss, Train
from cnnkit.spec.model.training.loss import (
    BinaryCrossEntropy,
    Contrastive,
    Focal,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    OfPixels,
    Ssim,
    Term,
    Triplet,
)
from cnnkit.training.compute.maps import counted, of_classes
from cnnkit.training.compute.regions import region_loss
from cnnkit.training.compute.similarity import ssim

_TINY: Final = 1e-30
_ALPHA: Final = Finding(
    "wrong-value",
    "error",
    "`alpha` of `focal` weighs a yes against a no, and this network chooses one of several classes",
    "end it in `sigmoid`, or leave `alpha` out and weigh the classes by `class_weights`",
)
LossFunction = Callable[[Array, Array, Array], Array]
"""``(scores [N, K], targets, weights [N]) -> losses [N]``.

Targets are classes, int32 ``[N]``; probabilities of the classes, or yes and no of each output,
float ``[N, K]``; or the numbers of a regression, float ``[N, K]``.

Of maps, scores ``[N, *spatial, K]``, targets are the class of each pixel, int ``[N, *spatial]``, or
its numbers, float ``[N, *spatial, K]``; weights may be of each pixel, ``[N, *spatial]``.
"""


def make_loss(train: Train, final: str | None) -> LossFunction:
    """The loss of a recipe that each example has as a whole, whose mean is over the examples.

    Args:
        train: The recipe.
        final: What the network ends in, ``softmax``, ``log_softmax``, ``sigmoid`` or None; scores
            are those before it.
    """
    if isinstance(train.loss, Contrastive):
        return _contrastive(train.loss)
    if isinstance(train.loss, Triplet):
        return _triplet(train.loss)
    of_pixels = _terms_of_pixels(train)
    whole = [each for each in train.loss.terms if each not in of_pixels]
    return _sum([(_of_example(_made(each, train, final)), by) for each, by in whole])


def make_pixel_loss(train: Train, final: str | None) -> LossFunction | None:
    """The loss of a recipe that each pixel has, as sums over the pixels of each example that count.

    Its mean is over all pixels of a batch that count, as that of PyTorch's ``CrossEntropyLoss``
    with ``ignore_index`` is: a pixel weighs the same whatever is ignored beside it.

    Args:
        train: The recipe of a network whose output is known.
        final: As of ``make_loss``.

    Returns:
        None where there is none: targets are no classes of pixels, or regions alone are compared.
    """
    terms = _terms_of_pixels(train)
    if not terms:
        return None
    return _sum([(_over_pixels(_made(each, train, final)), by) for each, by in terms])


def _terms_of_pixels(train: Train) -> list[Term]:
    if not (train.of_maps and train.loss.of_classes):
        return []
    return [each for each in train.loss.terms if not isinstance(each.loss, OfPixels)]


def _sum(terms: Sequence[tuple[LossFunction, float]]) -> LossFunction:
    """Losses, each times its factor; of none it is 0."""
    if len(terms) == 1 and terms[0][1] == 1:
        return terms[0][0]

    def total(scores: Array, targets: Array, weights: Array) -> Array:
        losses = jnp.zeros(scores.shape[0])
        for function, factor in terms:
            losses += factor * function(scores, targets, weights)
        return losses

    return total


def _of_example(function: LossFunction) -> LossFunction:
    """A loss of each value of a map as that of each example, the mean; others as they are."""

    def losses(scores: Array, targets: Array, weights: Array) -> Array:
        found = function(scores, targets, _beside(weights, scores))
        return found if found.ndim == 1 else found.mean(axis=range(1, found.ndim))

    return losses


def _over_pixels(function: LossFunction) -> LossFunction:
    """A loss of each pixel as sums over those of each example that count."""

    def losses(scores: Array, targets: Array, weights: Array) -> Array:
        found = function(scores, targets, _beside(weights, scores))
        return jnp.where(counted(targets), found, 0).sum(axis=range(1, found.ndim))

    return losses


def _beside(weights: Array, scores: Array) -> Array:
    """Weights of examples or of pixels with as many axes as the scores have before the last."""
    return weights.reshape(*weights.shape, *(1,) * (scores.ndim - 1 - weights.ndim))


def _made(loss: Loss, train: Train, final: str | None) -> LossFunction:
    """One loss of a recipe, of each example or of each pixel."""
    smoothing = train.label_smoothing
    if isinstance(loss, OfPixels):
        return region_loss(loss, by_output=_by_output(train, final))
    if isinstance(loss, Ssim):
        return _dissimilarity(final)
    if isinstance(loss, MeanSquaredError | MeanAbsoluteError | Huber):
        return _regression(loss, final)
    if isinstance(loss, BinaryCrossEntropy):
        return _binary(0.0, None, smoothing)
    if isinstance(loss, Focal):
        by_output = _binary(loss.gamma, loss.alpha, smoothing)
        by_class = _categorical(loss.gamma, smoothing)

        def focal(scores: Array, targets: Array, weights: Array) -> Array:
            of_outputs = final == "sigmoid" or scores.shape[-1] == 1
            if loss.alpha is not None and not of_outputs:
                raise SpecError([_ALPHA])
            return (by_output if of_outputs else by_class)(scores, targets, weights)

        return focal
    return _categorical(0.0, smoothing)


def probabilities(scores: Array, train: Train, final: str | None) -> Array:
    """What the network says, from its scores ``[N, K]``: probabilities, or the numbers themselves.

    A network without a last softmax or sigmoid has them from its loss.
    """
    if final in ("softmax", "log_softmax"):
        return jax.nn.softmax(scores, axis=-1)
    if final == "sigmoid":
        return jax.nn.sigmoid(scores)
    if train.loss.compares > 1:
        return jax.nn.sigmoid(likeness(scores, train.loss))
    if not train.loss.of_classes:
        return scores
    if _by_output(train, final) or scores.shape[-1] == 1:
        return jax.nn.sigmoid(scores)
    return jax.nn.softmax(scores, axis=-1)


def _by_output(train: Train, final: str | None) -> bool:
    """Whether each output has a probability of its own, by a sigmoid."""
    if final is not None:
        return final == "sigmoid"
    return any(isinstance(term.loss, BinaryCrossEntropy) for term in train.loss.terms)


def dense(targets: Array, outputs: int) -> Array:
    """Targets as float32 ``[N, K]``: classes become one-hot, or 0 and 1 of a single output.

    Of maps ``[N, *spatial, K]``.
    """
    if targets.ndim > 1 and not of_classes(targets):
        return targets.astype(jnp.float32)
    if outputs == 1:
        return targets.astype(jnp.float32)[..., None]
    return jax.nn.one_hot(targets, outputs, dtype=jnp.float32)


def _categorical(gamma: float, smoothing: float) -> LossFunction:
    """−Σ t·(1 − p)^γ·log p over the classes; γ = 0 is the cross-entropy."""

    def losses(scores: Array, targets: Array, weights: Array) -> Array:
        scores = scores.astype(jnp.float32)
        classes = scores.shape[-1]
        wanted = dense(targets, classes) * (1 - smoothing) + smoothing / classes
        log_p = jax.nn.log_softmax(scores, axis=-1)
        terms = wanted * log_p
        if gamma:
            terms *= _power(1 - jnp.exp(log_p), gamma)
        return -terms.sum(axis=-1) * weights

    return losses


def _binary(gamma: float, alpha: float | None, smoothing: float) -> LossFunction:
    """The mean over the outputs of −t·log p − (1 − t)·log(1 − p), focal where γ > 0."""

    def losses(scores: Array, targets: Array, weights: Array) -> Array:
        scores = scores.astype(jnp.float32)
        wanted = dense(targets, scores.shape[-1]) * (1 - smoothing) + smoothing / 2
        yes = wanted * jax.nn.log_sigmoid(scores)
        no = (1 - wanted) * jax.nn.log_sigmoid(-scores)
        if gamma:
            p = jax.nn.sigmoid(scores)
            yes, no = yes * _power(1 - p, gamma), no * _power(p, gamma)
        if alpha is not None:
            yes, no = alpha * yes, (1 - alpha) * no
        return -(yes + no).mean(axis=-1) * weights

    return losses


def _power(base: Array, exponent: float) -> Array:
    """A power whose gradient is finite at 0 too, where 0^(γ−1) is not."""
    return jnp.maximum(base, _TINY) ** exponent


def _regression(
    loss: MeanSquaredError | MeanAbsoluteError | Huber, final: str | None
) -> LossFunction:
    """The mean over the outputs; behind a softmax or sigmoid of what comes out of it."""

    def losses(scores: Array, targets: Array, weights: Array) -> Array:
        outputs = _given(scores, final)
        error = outputs - dense(targets, outputs.shape[-1])  # of classes it is the Brier score
        return _penalty(loss, error).mean(axis=-1) * weights

    return losses


def _dissimilarity(final: str | None) -> LossFunction:
    """1 − SSIM of each image."""

    def losses(scores: Array, targets: Array, weights: Array) -> Array:
        return (1 - ssim(_given(scores, final), targets)) * weights.reshape(-1)

    return losses


def _given(scores: Array, final: str | None) -> Array:
    """What comes out of the network."""
    outputs = scores.astype(jnp.float32)
    if final in ("softmax", "log_softmax"):
        return jax.nn.softmax(outputs, axis=-1)
    return jax.nn.sigmoid(outputs) if final == "sigmoid" else outputs


def distances(scores: Array) -> tuple[Array, ...]:
    """The Euclidean distance of each later output from the first, ``[N]`` each.

    Args:
        scores: ``[N, outputs, K]``.
    """
    first, *others = jnp.moveaxis(scores.astype(jnp.float32), 1, 0)
    return tuple(_root(jnp.square(first - other).sum(axis=-1)) for other in others)


def likeness(scores: Array, loss: Loss) -> Array:
    """Above 0 where compared outputs say yes: a pair is of one kind, a triplet in order; [N, 1]."""
    near, *far = distances(scores)
    if isinstance(loss, Contrastive):
        return (loss.margin / 2 - near)[:, None]
    return (far[0] - near)[:, None]


def _contrastive(loss: Contrastive) -> LossFunction:
    """½·t·D² + ½·(1 − t)·max(0, margin − D)², of scores ``[N, 2, K]``."""

    def losses(scores: Array, targets: Array, weights: Array) -> Array:
        (distance,) = distances(scores)
        same = dense(targets, 1)[:, 0]
        apart = jnp.square(jnp.maximum(loss.margin - distance, 0))
        return (same * jnp.square(distance) + (1 - same) * apart) / 2 * weights

    return losses


def _triplet(loss: Triplet) -> LossFunction:
    """max(0, D⁺ − D⁻ + margin), of scores ``[N, 3, K]``; of squared distances where it says so."""

    def losses(scores: Array, targets: Array, weights: Array) -> Array:  # noqa: ARG001
        near, far = distances(scores)
        if loss.squared:
            near, far = jnp.square(near), jnp.square(far)
        return jnp.maximum(near - far + loss.margin, 0) * weights

    return losses


def _root(squares: Array) -> Array:
    """A square root whose gradient is finite at 0 too, where it is taken to be 0."""
    positive = squares > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squares, 1)), 0)


def _penalty(loss: MeanSquaredError | MeanAbsoluteError | Huber, error: Array) -> Array:
    if isinstance(loss, MeanSquaredError):
        return jnp.square(error)
    size = jnp.abs(error)
    if isinstance(loss, MeanAbsoluteError):
        return size
    inner = jnp.minimum(size, loss.delta)
    return inner * (size - inner / 2)


def example_weights(class_weights: Array, targets: Array) -> Array:
    """The weight of each example, ``[N]``: that of its class, or the mean over its classes.

    Of maps that of each pixel, ``[N, *spatial]``.
    """
    if targets.ndim == 1 or of_classes(targets):
        return class_weights[targets]
    return targets @ class_weights / jnp.maximum(targets.sum(-1), 1)
