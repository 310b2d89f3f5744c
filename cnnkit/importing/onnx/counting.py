"""How many trained numbers a file holds, counted from its nodes, not from what became of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import told_apart

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Value

_WEIGHTED: Mapping[str, Sequence[int]] = {
    "BatchNormalization": (1, 2),
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "Einsum": (0, 1),
    "GRU": (1, 2, 3),
    "Gemm": (1, 2),
    "GroupNormalization": (1, 2),
    "InstanceNormalization": (1, 2),
    "LSTM": (1, 2, 3),
    "LayerNormalization": (1, 2),
    "MatMul": (0, 1),
    "PRelu": (1,),
    "RMSNormalization": (1,),
}
"""Which inputs of operators are trained where they are constants. Running averages are not."""
_ARITHMETIC = ("Add", "Concat", "Div", "Mul", "Sub")
"""Operators whose constants are trained, but for single numbers, which are written out formulas."""


def trained(
    nodes: Sequence[Any], outputs: Sequence[str], values: Mapping[str, Value | None]
) -> int:
    """The trained numbers that outputs depend on, each array once however often it is used.

    Of the two biases of an LSTM, which are added, one counts. An array that is ones or zeros alone
    counts for each layer: exporters write it once for all.

    Args:
        nodes: All nodes, each behind what it reads.
        outputs: The names of the tensors that go out.
        values: What is known of each tensor; a constant is an array.
    """
    import numpy as np

    wanted = set(outputs)
    counted: dict[Hashable, int] = {}
    for node in reversed(nodes):
        if not wanted.intersection(node.output):
            continue
        wanted.update(node.input)
        for place, name in enumerate(node.input):
            value = values.get(name)
            if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
                continue
            arithmetic = node.op_type in _ARITHMETIC and value.size > 1
            if not arithmetic and place not in _WEIGHTED.get(node.op_type, ()):
                continue
            folded = all(isinstance(values.get(each), np.ndarray) for each in node.input if each)
            if folded:  # what comes of it counts, where it is used
                continue
            halved = node.op_type == "LSTM" and place == 3
            key = name if told_apart(value) else (name, id(node))
            counted[key] = value.size // 2 if halved else value.size
    return sum(counted.values())
