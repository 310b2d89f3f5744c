"""The operator tests of the package `onnx`, each as a network whose weights are the case's own.

A case is a node, its inputs and what it gives. Which of its inputs are weights it does not say: the
first is taken as the network's input and the others as weights, else all as inputs. Where its first
axis is no batch, one is put before it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import nnx

from cnnkit.errors import SpecError
from cnnkit.importing import Imported, import_model
from cnnkit.importing.onnx.folding import FUNCTIONS
from cnnkit.importing.operators import OPERATORS
from cnnkit.importing.proof import in_order
from cnnkit.network import build

SLOW = ("averagepool", "lppool", "maxpool")
"""Modules of cases whose expected values take seconds to compute, in plain Python."""
_FLOATS = (np.float16, np.float32, np.float64)


class Case(NamedTuple):
    """A case: its model, whose inputs are all graph inputs, and one set of values."""

    name: str
    operator: str
    model: Any
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    rtol: float


def modules(*, slow: bool = False) -> list[str]:
    """The modules that the cases are in, an operator each."""
    from onnx.backend.test.case import node

    names = sorted(module.name for module in pkgutil.iter_modules(node.__path__))
    return [name for name in names if (name in SLOW) == slow]


@cache
def cases(module: str) -> tuple[Case, ...]:
    """The cases of a module, those first that are not written out in other operators."""
    from onnx.backend.test.case import node

    known = {id(case) for case in node._NodeTestCases}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        importlib.import_module(f"{node.__name__}.{module}")
    found = {case.name: case for case in node._NodeTestCases if id(case) not in known}
    return tuple(
        Case(
            name,
            _operator(case),
            case.model,
            _arrays(case.data_sets[0][0]),
            _arrays(case.data_sets[0][1]),
            case.rtol,
        )
        for name, case in sorted(found.items(), key=lambda pair: ("_expanded" in pair[0], pair[0]))
    )


def _arrays(values: Sequence[Any]) -> list[Any]:
    """Values with the floats that are kept as protobuf as arrays."""
    from onnx import TensorProto, numpy_helper

    kinds = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
    return [
        numpy_helper.to_array(value)
        if isinstance(value, TensorProto) and value.data_type in kinds
        else value
        for value in values
    ]


def _operator(case: Any) -> str:
    return str(case.model.graph.node[-1].op_type)


class Said(NamedTuple):
    """A case as a network: its inputs, and whether their first axis is the batch."""

    imported: Imported
    inputs: Mapping[str, Any]
    batched: bool


def said(case: Case, folder: Path) -> Said | str:
    """The case as a network, or why it is none."""
    given = [value for value in case.inputs if isinstance(value, np.ndarray | np.generic)]
    if not any(value.dtype in _FLOATS for value in given):
        return "it reads whole numbers, text or bits"
    if any(not isinstance(value, np.ndarray | np.generic) for value in case.outputs):
        return "it gives whole numbers, text or bits"
    if len(given) < len(case.inputs):
        return "it reads sequences or optional values"
    unread = [
        node.op_type
        for node in case.model.graph.node
        if node.op_type not in {*OPERATORS, *FUNCTIONS, "Constant"}
    ]
    if unread:
        return f"`import` does not read {unread[0]}"
    reasons = []
    for batched, whole in product((True, False), (False, True)):
        try:
            return _imported(case, folder, batched=batched, whole=whole)
        except SpecError as error:
            reasons.append(error.findings[0].message)
    told = max(reasons, key=lambda each: "cannot be said" in each)
    return told.partition("cannot be said: ")[2] or told


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
        if isinstance(value, np.ndarray) and value.dtype in _FLOATS
    ]
    taken = floats if whole else floats[:1]
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
    ours = [""] if ends is None else list(ends.inputs)
    return Said(imported, dict(zip(ours, arrays.values(), strict=True)), batched)


def _put_a_batch_before(graph: Any, taken: Sequence[str]) -> None:
    import onnx

    nodes = list(graph.node)
    del graph.node[:]
    axis = onnx.helper.make_node("Constant", [], ["batch_axis"], value_ints=[0])
    graph.node.append(axis)
    for name in taken:
        graph.node.append(onnx.helper.make_node("Squeeze", [f"{name}_batch", "batch_axis"], [name]))
    graph.node.extend(nodes)
    outputs = [each.name for each in graph.output]
    del graph.output[:]
    for name in outputs:
        graph.node.append(
            onnx.helper.make_node("Unsqueeze", [name, "batch_axis"], [f"{name}_batch"])
        )
        graph.output.append(onnx.helper.make_tensor_value_info(f"{name}_batch", 1, None))


def differences(found: Sequence[tuple[Case, Said]]) -> Iterator[tuple[str, Any, Any, float]]:
    """For each output of each case its name, what the network gives, what is wanted, and rtol.

    All are compiled as one function: that takes a fifth of the time that each alone would.
    """
    networks = [nnx.split(_filled(made.imported)) for _, made in found]
    batches = [_batch(made) for _, made in found]

    def outputs(states: Any, batches: Any) -> list[Any]:
        return [
            nnx.merge(graph, state)(batch)
            for (graph, _), state, batch in zip(networks, states, batches, strict=True)
        ]

    given = ([state for _, state in networks], batches)
    fast: Any = {"xla_backend_optimization_level": 0}
    results = jax.jit(outputs).lower(*given).compile(compiler_options=fast)(*given)
    for (case, made), result in zip(found, results, strict=True):
        model = made.imported.model
        views = [model.output] if model.ends is None else [*model.ends.outputs.values()]
        ours = list(result.values()) if isinstance(result, dict) else [result]
        for view, got, array in zip(views, ours, case.outputs, strict=False):
            wanted = np.asarray(array, np.float32)
            wanted = in_order(wanted if made.batched else wanted[None], view)
            yield case.name, np.asarray(got).reshape(wanted.shape), wanted, case.rtol


def _filled(imported: Imported) -> Any:
    network = nnx.eval_shape(lambda: build(imported.spec, precision="float32"))
    graph, state = nnx.split(network)
    values = dict(nnx.to_flat_state(state))
    for path, variable in values.items():
        variable.set_value(np.asarray(imported.arrays[".".join(map(str, path))]))
    return nnx.merge(graph, nnx.from_flat_state(values))


def _batch(made: Said) -> Any:
    """The inputs with their channels last."""
    model = made.imported.model
    if model.ends is None:
        (array,) = made.inputs.values()
        return array if model.channels_last else np.moveaxis(array, 1, -1)
    batches = {}
    for name, array in made.inputs.items():
        view = model.ends.inputs[name]
        batches[name] = in_order(array, view).reshape(-1, *view.shape)
    return batches if len(batches) > 1 else next(iter(batches.values()))


class Row(NamedTuple):
    """What becomes of the cases of one operator."""

    operator: str
    cases: int
    said: int
    reasons: Sequence[str]

    def line(self) -> str:
        """A row of the table."""
        told = f" {'; '.join(self.reasons)}" if self.reasons else ""
        return f"| {self.operator} | {self.cases} | {self.said} |{told} |"


def row_of(found: Sequence[tuple[Case, Said | str]]) -> Row:
    """The row of the cases of a module, with the reasons that are told most."""
    reasons = Counter(
        re.sub(r"\s+", " ", each).replace("|", "\\|") for _, each in found if isinstance(each, str)
    )
    operator = found[0][0].operator
    most = [reason for reason, _ in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))]
    return Row(operator, len(found), len(found) - reasons.total(), most[:2])


def main() -> None:
    """Runs all cases, compares those that are said, and prints the table of the page."""
    rows = []
    with TemporaryDirectory() as folder:
        for module in [*modules(), *modules(slow=True)]:
            found = [(case, said(case, Path(folder))) for case in cases(module)]
            networks = [(case, made) for case, made in found if isinstance(made, Said)]
            for name, got, wanted, rtol in differences(networks) if networks else ():
                np.testing.assert_allclose(got, wanted, rtol, 1e-6, err_msg=name)
            if found:
                rows.append(row_of(found))
    rows.sort(key=lambda row: row.operator.lower())
    print(f"{sum(row.said for row in rows)} of {sum(row.cases for row in rows)}\n")
    print("\n".join(row.line() for row in rows))


if __name__ == "__main__":
    main()
