"""From an ONNX file to the graph: each node in turn, its inputs views or constants."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnkit.errors import Finding, did_you_mean
from cnnkit.importing.graph import INPUT, OperationGraph, RefusedError, told_apart
from cnnkit.importing.model import Model, NamedTensors
from cnnkit.importing.onnx import file
from cnnkit.importing.onnx.counting import trained
from cnnkit.importing.onnx.folding import FUNCTIONS, folded
from cnnkit.importing.onnx.input_layout import place_of_batch, reads_channels_last
from cnnkit.importing.onnx.node import ProtoNode
from cnnkit.importing.onnx.running import OnnxRuntime
from cnnkit.importing.onnx.tensors import MAX_ELEMENTS, array, check_external
from cnnkit.importing.operators import NEAR, OPERATORS
from cnnkit.importing.operators.activation import FLOATS
from cnnkit.importing.operators.builder import Builder
from cnnkit.importing.operators.view import View, channels_first, channels_last
from cnnkit.importing.outline import outline_paths
from cnnkit.layers.shape import Shape
from cnnkit.spec.language.blocks import NAME

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Value

# What reading a node raises whose inputs, or whose attributes' types and values, ONNX forbids. All
# of a file may be so; a validation error of our layers is a ValueError.
_MALFORMED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
_MOST_COMPUTED = 2 * MAX_ELEMENTS
"""The most elements of all arrays that are computed of constants."""
_MOST_ENDS = 100
"""The most inputs, or outputs, of a network."""
_HINT = (
    "give the shape of one example with --input, channels last: --input 224x224x3; where a model "
    "takes the place of a spec: --set input=224x224x3"
)


def read(
    path: Path, example: Shape | None = None, *, partial: bool = False
) -> tuple[Model | None, tuple[Finding, ...]]:
    """The network of an ONNX file, and all that cannot be said of it.

    Args:
        path: The file.
        example: The shape of one example, channels last, where the model leaves it open.
        partial: Whether placeholders stand for nodes that cannot be said.

    Raises:
        MissingExtraError: The package ``onnx`` is not installed.
        UsageError: There is no such file.
    """
    try:
        reader = _Reader(path, example)
        return reader.model(partial=partial), tuple(reader.findings)
    except RefusedError as error:
        return None, (_finding(str(error), error.advice),)


def _finding(message: str, advice: str | None = None) -> Finding:
    return Finding("not-importable", "error", message, advice)


class _Reader:
    def __init__(self, path: Path, example: Shape | None) -> None:
        self.path = path
        self.proto = file.load(path)
        self.folder = path.parent
        self.opset = file.opset(self.proto)
        self.findings: list[Finding] = []
        self.values: dict[str, Value | None] = {}
        self.origins: dict[str, frozenset[str]] = {}  # of arrays that were computed
        self.batch: int | None = None
        self.computed = 0
        graph = self.proto.graph
        self._constants()
        inputs = [each for each in graph.input if each.name not in self.values]
        if not inputs:
            raise RefusedError("the network has no input")
        for what, listed in (("inputs", inputs), ("outputs", graph.output)):
            if len(listed) > _MOST_ENDS:
                raise RefusedError(
                    f"the network has {len(listed):,} {what}, the most is {_MOST_ENDS:,}"
                )
        if not graph.output:
            raise RefusedError("the network has no output")
        self.nodes = file.in_order(graph, [*(each.name for each in inputs), *self.values])
        if not all(isinstance(each.name, str) for each in (*inputs, *graph.output)):
            raise RefusedError("the name of an input or output is no text")
        self.inputs = _named([each.name for each in inputs])
        self.outputs = _named([each.name for each in graph.output])
        self._inputs(inputs, example)

    def _constants(self) -> None:
        if self.proto.graph.sparse_initializer:
            raise RefusedError("it holds sparse tensors")
        check_external(self.proto.graph.initializer, self.folder)
        for tensor in self.proto.graph.initializer:
            try:
                self.values[tensor.name] = array(tensor, self.folder)
            except RefusedError as error:
                self.values[tensor.name] = None
                self.findings.append(_finding(str(error), error.advice))

    def _inputs(self, inputs: Sequence[Any], example: Shape | None) -> None:
        """The shapes of one example of each input, and how the model shows them."""
        if example is not None and len(inputs) > 1:
            names = ", ".join(f"`{each.name}`" for each in inputs)
            raise RefusedError(
                f"--input {'x'.join(map(str, example))} is of one input, the network has {names}",
                "export the model with the extents of each input",
            )
        views = []
        for number, given in enumerate(inputs):
            shape, last, place = self._input(given, example)
            source = INPUT - number
            view = channels_last(source, shape) if last else channels_first(source, shape)
            views.append(replace(view, batch=place))
            self.values[given.name] = views[-1]
            self.last = last
        self.given = dict(zip(self.inputs, views, strict=True))
        graph = OperationGraph(self.proto.graph.name, views[0].shape)
        if len(views) > 1:
            graph.inputs = {name: view.shape for name, view in self.given.items()}
        self.build = Builder(graph, self.batch or 1)
        self.input_shape = (self.build.batch, *views[0].extents)

    def _input(self, given: Any, example: Shape | None) -> tuple[Shape, bool, int]:
        """The shape of one example, whether the model's channels are last, the batch's axis."""
        kind = given.type.tensor_type
        if kind.elem_type not in (0, *FLOATS):
            raise RefusedError(
                f"the input `{given.name}` is of whole numbers or text, not of floats",
                "import a model that takes floats, such as `cnnkit export RUN --raw` writes",
            )
        dims = [each.dim_value for each in kind.shape.dim]
        if not dims:
            raise RefusedError(f"the input `{given.name}` has no shape", _HINT)
        if len(dims) == 1:
            raise RefusedError(f"the input `{given.name}` has one axis, that of the batch")
        readers = [
            node
            for node in self.nodes
            if given.name in node.input and node.op_type not in ("Shape", "Size")
        ]
        last = reads_channels_last(readers, len(dims))
        place = place_of_batch(readers, len(dims))
        batch = max(dims.pop(place), 1)
        if self.batch not in (None, batch):
            raise RefusedError(
                f"the input `{given.name}` has a batch of {batch}, another one of {self.batch}"
            )
        self.batch = batch
        known = dims if last or len(dims) == 1 else [*dims[1:], dims[0]]
        if example is not None:
            fits = len(example) == len(known) and all(
                extent in (0, asked) for extent, asked in zip(known, example, strict=True)
            )
            if not fits:
                raise RefusedError(
                    f"--input {'x'.join(map(str, example))} does not fit the input "
                    f"`{given.name}`, which is {'x'.join(str(each or '?') for each in known)} "
                    "with its channels last"
                )
            known = list(example)
        if min(known) < 1:
            raise RefusedError(
                f"the input `{given.name}` has open extents: "
                f"{'x'.join(str(each or '?') for each in known)}, channels last",
                _HINT,
            )
        if len(known) > 4:
            raise RefusedError(f"the input `{given.name}` has {len(known)} axes, the most are 4")
        return tuple(known), last, place

    def model(self, *, partial: bool) -> Model | None:
        """The network, where all of it can be said, or with placeholders for the rest."""
        shapes = _known_shapes(self.proto) if partial else {}
        for proto in self.nodes:
            node = ProtoNode(proto, self.folder, self.opset)
            try:
                made = self._made(node)
            except RefusedError as error:
                self._refuse(node, str(error), error.advice)
                made = []
            except _MALFORMED:
                message = "its inputs or attributes are not those of the operator"
                self._refuse(node, message, "`onnx.checker.check_model` says what is wrong")
                made = []
            if partial and not made:
                made = self._placeholders(node, shapes)
            outputs = [*made, *[None] * len(proto.output)]
            self.values.update(zip(proto.output, outputs, strict=False))
        if self.findings and not partial:
            return None
        return self._ended()

    def _ended(self) -> Model:
        """The network with its outputs."""
        graph = self.build.graph
        last = ProtoNode(self.nodes[-1], self.folder, self.opset)
        shown: dict[str, View] = {}
        for name, theirs in self.outputs.items():
            view = self.values.get(theirs)
            if not isinstance(view, View):
                raise RefusedError(f"the output `{theirs}` does not depend on the input")
            graph.output, shown[name] = self.build.output(last, view)
            graph.outputs[name] = graph.output
        running = OnnxRuntime(self.path, self.inputs, self.outputs)
        ends = None
        if len(shown) > 1 or graph.inputs or any(view.batch for view in self.given.values()):
            ends = NamedTensors(self.given, shown, self.build.batch, running)
        if len(shown) == 1:
            graph.outputs = {}
        graph.prune()
        if self.proto.producer_name == "cnnkit":
            outline_paths(graph, lambda operation: operation.node.partition("/")[0])
        output = shown[next(reversed(shown))]
        count = trained(self.nodes, [*self.outputs.values()], self.values)
        return Model(
            graph, output, self.input_shape, self.last, running, ends=ends, parameters=count
        )

    def _placeholders(self, node: ProtoNode, shapes: Mapping[str, Shape]) -> Sequence[Value]:
        """What stands for all that a node gives."""
        read = (self.values.get(name) for name in node.proto.input)
        view = next((value for value in read if isinstance(value, View)), None)
        if view is None:
            return []
        shown = [shapes.get(name) for name in node.proto.output]
        return [self.build.placeholder(node, view, shape) for shape in shown]

    def _refuse(self, node: ProtoNode, message: str, advice: str | None) -> None:
        """A finding that names the node, its operator and what is near."""
        text = f"node `{node.label}`: {node.operator} cannot be said: {message}"
        self.findings.append(_finding(text, advice))

    def _made(self, node: ProtoNode) -> Sequence[Value]:
        """What a node gives; nothing where what it reads could not be said either."""
        proto = node.proto
        if not file.is_standard(proto.domain):
            raise RefusedError(
                f"it is of the domain `{proto.domain}`, which is not ONNX's own",
                "export the model with ONNX's own operators",
            )
        if proto.op_type == "Constant":
            return [self._constant(node)]
        given = [self.values.get(name) if name else None for name in proto.input]
        unread = any(value is None and name for name, value in zip(proto.input, given, strict=True))
        if proto.op_type not in OPERATORS and proto.op_type not in FUNCTIONS:
            near = did_you_mean(proto.op_type, OPERATORS)
            advice = NEAR.get(proto.op_type) or (f"near is {near}" if near else None)
            raise RefusedError("`import` does not read it", advice)
        if unread:
            return []
        known = [value for value in given if value is not None and not isinstance(value, View)]
        origins = frozenset().union(*map(self._origins, proto.input))
        if known and len(known) == sum(value is not None for value in given):
            computed = folded(node, known)
            if computed is not None:
                self._count(computed)
                self.origins.update(dict.fromkeys(proto.output, origins))
                return computed
        if proto.op_type not in OPERATORS:
            raise RefusedError(
                "it computes with what depends on the input", NEAR.get(proto.op_type)
            )
        self.build.origins = origins
        made = OPERATORS[proto.op_type](node, self.build, given)
        return made if isinstance(made, (list, tuple)) else [made]  # type: ignore[list-item]

    def _count(self, computed: Sequence[Array]) -> None:
        """Notes how much was computed of constants: of little in a file much can be made.

        Raises:
            RefusedError: It is more than any network has.
        """
        self.computed += sum(each.size for each in computed if each.base is None)
        if self.computed > _MOST_COMPUTED:
            raise RefusedError(
                f"what is computed of constants up to it has {self.computed:,} elements, the most "
                f"is {_MOST_COMPUTED:,}"
            )

    def _origins(self, name: str) -> frozenset[str]:
        """The arrays of the file that a constant is, or was computed from, by their names.

        An array of ones or zeros is of no layer: exporters write it once for all that have such.
        """
        value = self.values.get(name)
        if not name or value is None or isinstance(value, View):
            return frozenset()
        own = frozenset([name]) if value.size and told_apart(value) else frozenset()
        return self.origins.get(name, own)

    def _constant(self, node: ProtoNode) -> Value:
        import numpy as np

        value = node.get("value")
        if value is not None:
            return node.array(value)
        for name, kind in (
            ("value_float", np.float32),
            ("value_floats", np.float32),
            ("value_int", np.int64),
            ("value_ints", np.int64),
        ):
            if node.get(name) is not None:
                return np.asarray(node.get(name), kind)
        raise RefusedError("it holds no numbers")


def _named(theirs: Sequence[str]) -> dict[str, str]:
    """Names of inputs or outputs by names that a spec may have."""
    found: dict[str, str] = {}
    for name in theirs:
        ours = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-") or "tensor"
        ours = ours if NAME.fullmatch(ours) else f"tensor_{ours}"
        while ours in found:
            ours += "_"
        found[ours] = name
    return found


def _known_shapes(proto: Any) -> dict[str, Shape]:
    """The shapes that ONNX infers, as ours: without the batch, channels last."""
    from onnx import shape_inference

    try:
        graph = shape_inference.infer_shapes(proto).graph
    except Exception:  # of a model that its checker refuses; then no shape is known
        graph = proto.graph
    found = {}
    for each in (*graph.value_info, *graph.output):
        dims = [dim.dim_value for dim in each.type.tensor_type.shape.dim[1:]]
        if 1 <= len(dims) <= 4 and min(dims) > 0:
            found[each.name] = (*dims[1:], dims[0])
    return found
