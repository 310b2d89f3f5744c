"""How a model lays its input out, told from the nodes that read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_RECURRENT = ("LSTM", "GRU")
_ELEMENTWISE = ("Add", "Cast", "Dropout", "Identity", "Mul", "Sub")
_OF_LAST = ("Attention", "LayerNormalization", "MatMul", "RMSNormalization")
"""Operators that work along the last axis of what they read first."""


def reads_channels_last(readers: Sequence[Any], rank: int) -> bool:
    """Whether all that read an input take its last axis as the channels.

    They move it to the place of the channels, or multiply along it, or it is a sequence that a
    recurrent layer reads. What works element by element takes no axis for anything.

    Args:
        readers: The nodes.
        rank: How many axes the input has, the batch among them.
    """
    orders = [[0, rank - 1, *range(1, rank - 1)]]
    if rank == 3:
        orders.append([1, 0, 2])  # the steps before the batch
    telling = [node for node in readers if node.op_type not in _ELEMENTWISE]
    return rank > 2 and bool(telling) and all(_last(node, orders, rank) for node in telling)


def place_of_batch(readers: Sequence[Any], rank: int) -> int:
    """Which axis of an input is its batch: the second where a recurrent layer reads it so."""
    directly = bool(readers) and all(
        node.op_type in _RECURRENT and _attribute(node, "layout") != 1 for node in readers
    )
    return 1 if rank == 3 and directly else 0


def _last(node: Any, orders: Sequence[list[int]], rank: int) -> bool:
    if node.op_type == "Transpose":
        return [list(each.ints) for each in node.attribute if each.name == "perm"] in (
            [order] for order in orders
        )
    return node.op_type in _OF_LAST or (rank == 3 and node.op_type in _RECURRENT)


def _attribute(node: Any, name: str) -> int:
    return next((int(each.i) for each in node.attribute if each.name == name), 0)
