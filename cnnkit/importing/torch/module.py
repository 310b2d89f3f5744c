"""From a module to the graph: each call of its trace in turn."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from cnnkit.errors import Finding, MissingExtraError, UsageError
from cnnkit.importing.ends import examples_of, input_names, output_names
from cnnkit.importing.graph import INPUT, OperationGraph, RefusedError
from cnnkit.importing.model import Model, NamedTensors
from cnnkit.importing.operators.builder import Builder
from cnnkit.importing.operators.traced import TracedNode
from cnnkit.importing.operators.view import View, channels_first
from cnnkit.importing.outline import Classes, is_converted, outline
from cnnkit.importing.torch.attention import ATTENTION
from cnnkit.importing.torch.call import Call
from cnnkit.importing.torch.functions import FUNCTIONS
from cnnkit.importing.torch.recurrence import RECURRENCE
from cnnkit.importing.torch.running import TorchRuntime
from cnnkit.importing.torch.shaping import SHAPING
from cnnkit.importing.torch.windows import WINDOWS
from cnnkit.layers.shape import Shape

OPERATORS = {**WINDOWS, **FUNCTIONS, **SHAPING, **ATTENTION, **RECURRENCE}
_CREATED = ("arange", "eye", "full", "linspace", "ones", "scalar_tensor", "zeros")
"""What makes a tensor of nothing, always the same."""
_OF_TYPE = ("new_full", "new_ones", "new_zeros")
"""What makes a tensor of the type of another, whose numbers it does not read."""
_NEAR = {
    "cond": "write the branch that is taken",
    "while_loop": "write its steps out",
}
# What a call raises whose arguments are of a form that the table did not foresee.
_UNFORESEEN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
# Their results share memory with what they read, so that one changes in place with the other.
_VIEWS = frozenset(SHAPING) - {
    "cat", "clone", "constant_pad_nd", "pad", "channel_shuffle", "roll"
}  # fmt: skip


def read(
    module: Any, example: Any, *, partial: bool = False
) -> tuple[Model | None, tuple[Finding, ...]]:
    """The network of a module, and all that cannot be said of it.

    Args:
        module: A ``torch.nn.Module`` in ``eval()``.
        example: A batch that it takes, channels first: a float32 tensor, or one for each input.
        partial: Whether placeholders stand for nodes that cannot be said.

    Raises:
        MissingExtraError: PyTorch is not installed.
        UsageError: The module or the example is none.
    """
    torch = _torch()
    if not isinstance(module, torch.nn.Module):
        raise UsageError(f"{type(module).__name__} is no torch.nn.Module")
    if module.training:
        raise UsageError("the module is in training: call its `eval()` first")
    examples = examples_of(example)
    for each in examples:
        _check(each, torch)
    if len({each.shape[0] for each in examples}) > 1:
        raise UsageError("the examples of the inputs are of different batches")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # about PyTorch's own ways of tracing
        try:
            program = torch.export.export(module, examples)
        except Exception as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            message = f"torch.export cannot trace {type(module).__name__}: {said}"
            return None, (Finding("not-importable", "error", message),)
        names = input_names(module.forward, len(examples))
        shapes = {name: tuple(each.shape) for name, each in zip(names, examples, strict=True)}
        reader = _Reader(program, shapes, partial=partial)
        try:
            model = reader.model(module)
        except RefusedError as error:
            finding = Finding("not-importable", "error", str(error), error.advice)
            return None, tuple(reader.findings) or (finding,)
    complete = partial or not reader.findings
    return model if complete else None, tuple(reader.findings)


def _check(example: Any, torch: Any) -> None:
    """Refuses what is no batch.

    Raises:
        UsageError: It is none.
    """
    if not isinstance(example, torch.Tensor) or example.dtype != torch.float32:
        raise UsageError("the example must be a tensor of float32: torch.zeros(1, 3, 224, 224)")
    if not 2 <= example.ndim <= 5:
        shape = "x".join(map(str, example.shape))
        raise UsageError(f"the example is {shape}: it must have a batch and 1 to 4 axes more")


def zeros(example: Shape) -> Any:
    """A batch of one example of zeros, channels first.

    Args:
        example: The shape of an example, channels last.

    Raises:
        MissingExtraError: PyTorch is not installed.
    """
    return _torch().zeros(1, example[-1], *example[:-1])


def _torch() -> Any:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "modules of PyTorch need torch, which is not installed: pip install torch"
        ) from error
    return torch


class _Reader:
    def __init__(
        self, program: Any, shapes: Mapping[str, tuple[int, ...]], *, partial: bool
    ) -> None:
        self.program = program
        self.partial = partial
        self.findings: list[Finding] = []
        self.shape, *_ = shapes.values()
        ours = {name: (*shape[2:], shape[1]) for name, shape in shapes.items()}
        graph = OperationGraph("", next(iter(ours.values())))
        if len(ours) > 1:
            graph.inputs = ours
        self.given = {
            name: channels_first(INPUT - place, shape)
            for place, (name, shape) in enumerate(ours.items())
        }
        self.build = Builder(graph, self.shape[0])
        self.values: dict[Any, Any] = {}
        self.shared: dict[Any, Any] = {}  # the tensor whose memory another shares
        self.changed: set[Any] = set()
        self.origins: dict[Any, frozenset[str]] = {}

    def model(self, module: Any) -> Model:
        """The network; what cannot be said is among the findings."""
        graph, shown = self.build.graph, {}
        given = iter(self.given.values())
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                held = self._held(node.name)
                self.values[node] = next(given) if held is None else held
                self.origins[node] = _origins(self.values[node])
            elif node.op == "output":
                shown = self._outputs(node)
            else:
                self._read(node)
        last = TracedNode("output", "output", "")
        for name, view in shown.items():
            if not isinstance(view, View):
                raise RefusedError("the output does not depend on the input")
            graph.output, shown[name] = self.build.output(last, view)
            graph.outputs[name] = graph.output
        running = TorchRuntime(module, list(shown))
        ends = None
        if len(shown) > 1 or len(self.given) > 1:
            ends = NamedTensors(self.given, shown, self.build.batch, running)
        if len(shown) == 1:
            graph.outputs = {}
        if is_converted(module, "forward"):
            classes = {name: type(each) for name, each in module.named_modules()}
            outline(graph, Classes(classes).place)
        output = next(reversed(shown.values()))
        return Model(graph, output, self.shape, False, running, ends=ends)

    def _held(self, name: str) -> Any:
        """The parameter, buffer or constant that a placeholder stands for; None of an input."""
        signature = self.program.graph_signature
        for table in (signature.inputs_to_parameters, signature.inputs_to_buffers):
            if name in table:
                found = self.program.state_dict.get(table[name])
                return self.program.constants[table[name]] if found is None else found
        constants = signature.inputs_to_lifted_tensor_constants
        return self.program.constants[constants[name]] if name in constants else None

    def _outputs(self, node: Any) -> dict[str, Any]:
        """What goes out, by the names that the module gives it."""
        from torch.utils import _pytree

        given = node.args[0]
        whole = _pytree.tree_unflatten(list(range(len(given))), self.program.call_spec.out_spec)
        named = zip(output_names(whole, len(given)), given, strict=True)
        return {name: self._value(each) for name, each in named if each is not None}

    def _value(self, node: Any) -> Any:
        if node in self.changed:
            raise RefusedError(
                f"it reads `{node.name}` after a tensor that shares its memory was changed in place"
            )
        return self.values.get(node)

    def _read(self, node: Any) -> None:
        """Puts what a node gives among the values, or a finding that names it."""
        try:
            self.values[node] = self._made(node)
        except RefusedError as error:
            self._refuse(node, str(error), error.advice)
        except _UNFORESEEN:
            self._refuse(node, "its arguments are of a form that is not known", None)

    def _refuse(self, node: Any, message: str, advice: str | None) -> None:
        where = _scope(node).replace("/", ".")
        place = f"`{where}`, node `{node.name}`" if where else f"node `{node.name}`"
        text = f"{place}: {_name(node)} cannot be said: {message}"
        self.findings.append(Finding("not-importable", "error", text, advice))
        if self.partial:
            self.values[node] = self._placeholder(node)

    def _placeholder(self, node: Any) -> View | None:
        """What stands for a node in a part; None where it reads or gives no single tensor."""
        views = [self.values.get(each) for each in node.all_input_nodes]
        view = next((each for each in views if isinstance(each, View)), None)
        shape = tuple(getattr(node.meta.get("val"), "shape", ()))
        if view is None or len(shape) < 2:
            return None
        stand_in = TracedNode(_name(node), node.name, _scope(node))
        return self.build.placeholder(stand_in, view, (*map(int, shape[2:]), int(shape[1])))

    def _made(self, node: Any) -> Any:
        import torch
        from torch.utils import _pytree

        if node.target is operator.getitem:
            whole = self._value(node.args[0])
            self.shared[node] = node.args[0]
            return None if whole is None else whole[node.args[1]]
        fx = type(node)
        read = [each for each in _pytree.tree_leaves((node.args, node.kwargs))
                if isinstance(each, fx)]  # fmt: skip
        values = {each: self._value(each) for each in read}
        name = _name(node)
        if name in _OF_TYPE and node.args:
            values[node.args[0]] = torch.zeros(())
        known = name.removesuffix("_") if name not in OPERATORS else name
        constant = all(isinstance(value, torch.Tensor) for value in values.values())
        constant = constant and (bool(values) or name in _CREATED)
        if known not in OPERATORS and not constant:
            raise RefusedError("`import` does not read it", _NEAR.get(known))
        if any(value is None for value in values.values()):
            return None  # what it reads could not be said either
        args, kwargs = _pytree.tree_map(
            lambda each: values[each] if isinstance(each, fx) else each, (node.args, node.kwargs)
        )
        origins = frozenset().union(*(self.origins.get(each, frozenset()) for each in read))
        if constant:
            self.origins[node] = origins
            return node.target(*args, **kwargs)
        self.build.origins = origins
        arguments = _arguments(node.target, args, kwargs)
        call = Call(known, node.name, _scope(node), arguments, self.build)
        made = OPERATORS[known](call)
        if known != name:
            self._change(node.args[0], made)
        elif name in _VIEWS:
            self.shared[node] = node.args[0]
        return made

    def _change(self, node: Any, made: Any) -> None:
        """A tensor was changed in place: it is what was made, all that shares its memory is not."""
        root = self._root(node)
        sharing = {each for each in self.values if self._root(each) is root}
        self.changed |= sharing - {node}
        self.values[node] = made

    def _root(self, node: Any) -> Any:
        while node in self.shared:
            node = self.shared[node]
        return node


def _origins(value: Any) -> frozenset[str]:
    """Where a parameter is in memory: modules that share it may have it under several names."""
    return frozenset() if isinstance(value, View) else frozenset([f"array {value.data_ptr()}"])


def _name(node: Any) -> str:
    """An operator without its overload: `conv2d`."""
    packet = getattr(node.target, "overloadpacket", node.target)
    return str(getattr(packet, "__name__", packet))


def _scope(node: Any) -> str:
    """The names of the modules that a node is in."""
    stack = node.meta.get("nn_module_stack") or {}
    path = next(reversed([path for path, _ in stack.values()] or [""]))
    return str(path).replace(".", "/")


def _arguments(target: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments by the names of the schema, tensors of weights as arrays."""
    declared = target._schema.arguments
    found = {each.name: each.default_value for each in declared if each.has_default_value()}
    names = [each.name for each in declared]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    ordered = {name: given.get(name, found.get(name)) for name in names}
    return {name: _plain(value) for name, value in ordered.items()}


def _plain(value: Any) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        numbers = value if value.dtype == torch.bool else value.float()
        return numbers.detach().cpu().numpy()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
