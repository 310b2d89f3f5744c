"""How examples are cut into batches, all of one shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array


@dataclass(frozen=True)
class Batches:
    """Batches of one size, the last of them filled up.

    Attributes:
        size: The examples of each, B.
    """

    size: int

    def count(self, examples: int) -> int:
        """The batches in which so many examples are all seen.

        >>> Batches(4).count(10)
        3
        """
        return math.ceil(examples / self.size)

    def wrapped(self, order: Array, number: Array | int) -> tuple[Array, Array]:
        """A batch to train on; the last one is filled up from the beginning of the order.

        Args:
            order: The examples of an epoch, int32 ``[N]``.
            number: The batch within it, from 0.

        Returns:
            Its examples, int32 ``[B]``, and bool ``[B]``, which of them are seen for the first
            time.
        """
        examples = order.shape[0]
        positions = self._positions(number)
        return order[positions % examples], positions < examples

    def clipped(self, indices: Array, number: Array | int) -> tuple[Array, Array]:
        """A batch to judge; the last one is filled up with the last example.

        Args:
            indices: The examples of a split, int32 ``[N]``.
            number: The batch within it, from 0; beyond the last one nothing counts.

        Returns:
            Its examples, int32 ``[B]``, and bool ``[B]``, which of them count.
        """
        examples = indices.shape[0]
        positions = self._positions(number)
        return indices[jnp.minimum(positions, examples - 1)], positions < examples

    def _positions(self, number: Array | int) -> Array:
        return number * self.size + jnp.arange(self.size, dtype=jnp.int32)
