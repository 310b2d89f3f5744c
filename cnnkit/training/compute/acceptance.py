"""A step is accepted where its numbers are finite, else the state stays what it was before.

A network has hundreds of small arrays: norms have four for each layer. XLA for CPUs compiles a
loop for every array that is summed or chosen by itself, and these were nine tenths of the loops of
MobileNetV2's step. Here small ones are looked at together, and chosen by a copy.
"""

from __future__ import annotations

from typing import TypeVar

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

from cnnkit.network.kernels import by_platform
from cnnkit.training.compute.state import Tree

T = TypeVar("T")
SMALL = 1 << 16
"""Values of an array up to which a copy of it is nothing beside a step."""


def size(*trees: Tree, whole: bool = True) -> Array:
    """The sum of the norms of trees of arrays, float32 ``[]``: finite where all values are.

    A norm above the root of float32's largest value, 1.8e19, is infinite.

    Args:
        trees: The arrays.
        whole: Whether each device has all of them; what is cut would be gathered to be joined.
    """
    norms = [jnp.zeros(())]
    for tree in trees:
        small, large = _parted(jax.tree.leaves(tree), whole=whole)
        joined = [jnp.concatenate([leaf.reshape(-1) for leaf in small])] if small else []
        norms.append(optax.tree.norm([*joined, *large]))
    return jnp.sum(jnp.stack(norms))


def chosen(accepted: Array, after: T, before: T, *, whole: bool = True) -> T:
    """One of two states of the same shapes, by a bool ``[]``.

    On a CPU a branch copies the small arrays of one of them. A GPU would wait for the host to take
    it, and large arrays would all be there twice.

    Args:
        accepted: Whether it is the one after.
        after: The one.
        before: The other.
        whole: As of ``size``.
    """

    def by_value(after: list[Array], before: list[Array]) -> list[Array]:
        pairs = zip(after, before, strict=True)
        return [jnp.where(accepted, new, old) for new, old in pairs]

    def by_branch(after: list[Array], before: list[Array]) -> list[Array]:
        found: list[Array] = lax.cond(accepted, lambda: after, lambda: before)
        return found

    new, form = jax.tree.flatten(after)
    old = jax.tree.leaves(before)
    (small, large), (small_old, large_old) = (_parted(each, whole=whole) for each in (new, old))
    found = iter(by_platform(small, small_old, cpu=by_branch, default=by_value))
    others = iter(by_value(large, large_old))
    both = [next(found if whole and _is_small(leaf) else others) for leaf in new]
    taken: T = jax.tree.unflatten(form, both)
    return taken


def _parted(leaves: list[Array], *, whole: bool) -> tuple[list[Array], list[Array]]:
    """Those that are looked at together, the small ones, and the others."""
    if not whole:
        return [], leaves
    small = [leaf for leaf in leaves if _is_small(leaf)]
    return small, [leaf for leaf in leaves if not _is_small(leaf)]


def _is_small(leaf: Array) -> bool:
    return leaf.size <= SMALL
