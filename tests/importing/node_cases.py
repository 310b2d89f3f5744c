"""The operator tests of the package `onnx`, each as a network whose weights are the case's own.

A case is a node, its inputs and what it gives. Which of its inputs are weights it does not say: the
first is taken as the network's input and the others as weights, else all as inputs. Where its first
axis is no batch, one is put before it.
"""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cnnkit.errors import SpecError
from cnnkit.importing import Imported, import_model

SLOW = ("averagepool", "lppool", "maxpool")
"""Modules of cases whose expected values take seconds to compute, in plain Python."""


class Case(NamedTuple):
    """A case: its model, whose inputs are all graph inputs, and one set of values."""

    name: str
    operator: str
    model: Any
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    rtol: float
    atol: float


@cache
def cases(*, slow: bool = False) -> tuple[Case, ...]:
    """The cases of the package, those of slow modules where they are asked for."""
    from onnx.backend.test.case import node

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for module in pkgutil.iter_modules(node.__path__):
            if slow or module.name not in SLOW:
                importlib.import_module(f"{node.__name__}.{module.name}")
    found = {case.name: case for case in node._NodeTestCases}
    return tuple(
        Case(name, operator_of(case.model), case.model, *case.data_sets[0], case.rtol, case.atol)
        for name, case in sorted(found.items())
    )


def operator_of(model: Any) -> str:
    """The operator that a case is of."""
    return str(model.graph.node[-1].op_type)


class Said(NamedTuple):
    """A case as a network."""

    imported: Imported
    inputs: Mapping[str, Any]
    unbatched: bool


def said(case: Case, folder: Path) -> Said | str:
    """The case as a network, or why it is none."""
    reasons = []
    for batched in (True, False):
        for whole in (False, True):
            try:
                return _imported(case, folder, batched=batched, whole=whole)
            except SpecError as error:
                reasons.append(error.findings[0].message)
            except _NoneError as error:
                reasons.append(str(error))
    return max(reasons, key=lambda each: "cannot be said" in each)


class _NoneError(Exception):
    """A case that no network takes."""


def _imported(case: Case, folder: Path, *, batched: bool, whole: bool) -> Said:
    import onnx

    made = onnx.ModelProto()
    made.CopyFrom(case.model)
    graph = made.graph
    names = [each.name for each in graph.input]
    given = {
        name: np.asarray(value) if isinstance(value, np.generic) else value
        for name, value in zip(names, case.inputs, strict=True)
    }
    floats = [
        name
        for name, value in given.items()
        if isinstance(value, np.ndarray) and value.dtype in (np.float32, np.float64, np.float16)
    ]
    if not floats:
        raise _NoneError("it has no input of floats")
    taken = floats if whole else floats[:1]
    if any(not isinstance(given[name], np.ndarray) for name in names):
        raise _NoneError("it takes sequences or optional values")
    for name in names:
        if name not in taken:
            graph.initializer.append(onnx.numpy_helper.from_array(given[name], name))
    if case.operator in ("Dropout", "LayerNormalization"):  # what is beside is for training
        del graph.output[1:]
        del graph.node[-1].output[1:]
    kept = [each for each in graph.input if each.name in taken]
    del graph.input[:]
    for each in kept:
        shape = given[each.name].shape
        renamed = each.name if batched else f"{each.name}_batch"
        dims = shape if batched else (1, *shape)
        graph.input.append(onnx.helper.make_tensor_value_info(renamed, 1, dims))
    if not batched:
        _put_a_batch_before(graph, taken)
    path = folder / f"{case.name}.onnx"
    path.write_bytes(made.SerializeToString())
    arrays = {
        name: np.asarray(given[name] if batched else given[name][None], np.float32)
        for name in taken
    }
    imported = import_model(path)
    ends = imported.model.ends
    ours = ["input"] if ends is None else list(ends.inputs)
    return Said(imported, dict(zip(ours, arrays.values(), strict=True)), not batched)


def _put_a_batch_before(graph: Any, taken: Sequence[str]) -> None:
    import onnx

    nodes = list(graph.node)
    del graph.node[:]
    axis = onnx.helper.make_node("Constant", [], ["batch_axis"], value_ints=[0])
    graph.node.append(axis)
    for name in taken:
        graph.node.append(
            onnx.helper.make_node("Squeeze", [f"{name}_batch", "batch_axis"], [name])
        )
    graph.node.extend(nodes)
    outputs = [each.name for each in graph.output]
    del graph.output[:]
    for name in outputs:
        graph.node.append(
            onnx.helper.make_node("Unsqueeze", [name, "batch_axis"], [f"{name}_batch"])
        )
        graph.output.append(onnx.helper.make_tensor_value_info(f"{name}_batch", 1, None))
