"""Small ONNX models, made node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

Arrays = Mapping[str, Any]


def node(operator: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    """A node whose inputs and outputs are written with blanks between them; `-` is none."""
    given = ["" if name == "-" else name for name in inputs.split()]
    name = attributes.pop("name", f"/{outputs.split()[0]}/{operator}")
    return onnx.helper.make_node(operator, given, outputs.split(), name=name, **attributes)


def model(
    path: Path,
    nodes: Sequence[Any],
    arrays: Arrays | None = None,
    *,
    shape: Sequence[int | str] = (1, 4, 8, 8),
    inputs: Sequence[str] = ("x",),
    opset: int = 17,
    domains: Sequence[str] = (),
) -> Path:
    """Writes a model of the input `x`, or of several of one shape, and one output `y`."""
    helper = onnx.helper
    initializers = [
        onnx.numpy_helper.from_array(np.asarray(value), name)
        for name, value in (arrays or {}).items()
    ]
    graph = helper.make_graph(
        list(nodes),
        "small",
        [helper.make_tensor_value_info(name, 1, list(shape)) for name in inputs],
        [helper.make_tensor_value_info("y", 1, None)],
        initializers,
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(each, 1) for each in domains)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    path.write_bytes(made.SerializeToString())
    return path


def random(*shape: int, low: float | None = None) -> Any:
    """Random numbers, the same for the same shape; with ``low`` between it and one above."""
    generator = np.random.default_rng(list(shape))
    if low is not None:
        return generator.uniform(low, low + 1, shape).astype(np.float32)
    return generator.standard_normal(shape).astype(np.float32)
