"""What layers with weights share: whether training changes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import Field

from cnnkit.layers.base import Effect, Layer, Weight
from cnnkit.layers.field import Flag

ALIASES: Final[Mapping[str, str]] = {"trainable": "learnt", "requires_grad": "learnt"}
"""What frameworks call ``learnt``."""


class Learner(Layer):
    """A layer whose weights are learnt, unless ``learnt: false`` says that they are not.

    Those are state then: they have neither gradients nor an optimizer's slots. A batch norm keeps
    its running statistics, too, and norms by them in training, as Keras's with
    ``trainable=False``.
    """

    field_aliases = ALIASES

    learnt: Flag = Field(True, description="train the weights; else they stay as they start")

    def kept(self, effect: Effect) -> Effect:
        """An effect whose weights are as ``learnt`` says."""
        if self.learnt:
            return effect
        return effect._replace(weights=tuple(map(_frozen, effect.weights)))


def _frozen(weight: Weight) -> Weight:
    return weight._replace(trainable=False, frozen=True) if weight.trainable else weight
