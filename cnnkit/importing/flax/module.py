"""From a module to the graph: each step of its trace in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnkit.errors import Finding, MissingExtraError, SpecError, UsageError
from cnnkit.importing.ends import examples_of, input_names
from cnnkit.importing.flax.equation import Equation, NoElements, UndividedSum
from cnnkit.importing.flax.functions import FUNCTIONS
from cnnkit.importing.flax.recurrence import scan
from cnnkit.importing.flax.running import FlaxRuntime
from cnnkit.importing.flax.shaping import SHAPING
from cnnkit.importing.flax.tracing import LAYER, TracedModule, trace
from cnnkit.importing.flax.whole import function_of
from cnnkit.importing.flax.windows import WINDOWS
from cnnkit.importing.graph import INPUT, OperationGraph, RefusedError
from cnnkit.importing.model import Model, NamedTensors
from cnnkit.importing.operators.builder import Builder
from cnnkit.importing.operators.traced import TracedNode
from cnnkit.importing.operators.view import View, channels_last
from cnnkit.importing.outline import Classes, is_converted, outline

if TYPE_CHECKING:
    from cnnkit.importing.flax.steps import FlatCall, Reference

OPERATORS = {**WINDOWS, **FUNCTIONS, **SHAPING, "scan": scan}
_NEAR = {
    "cond": "write the branch that is taken",
    "exp": "near are softmax, softplus and the other activations of jax.nn",
    "rsqrt": "near are nnx.BatchNorm, nnx.LayerNorm, nnx.GroupNorm and nnx.RMSNorm",
    "while": "write its steps out",
}
# What a step raises whose parameters are of a form that the tables did not foresee.
_UNFORESEEN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


def read(module: Any, example: Any) -> Model:
    """The network of a module.

    Args:
        module: A module of Flax NNX in ``eval()``.
        example: A batch that it takes, channels last: a float32 array, or one for each input.

    Raises:
        MissingExtraError: Flax is not installed.
        SpecError: It cannot be traced, or not all of it can be said.
        UsageError: The module or the example is none.
    """
    try:
        from flax import nnx
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"modules of Flax need {error.name}, which is not installed: "
            "pip install 'cnnkit[train]'"
        ) from error
    if not isinstance(module, nnx.Module):
        raise UsageError(f"{type(module).__name__} is no flax.nnx.Module")
    examples = examples_of(example)
    shapes = [_shape(each) for each in examples]
    if len({shape[0] for shape in shapes}) > 1:
        raise UsageError("the examples of the inputs are of different batches")
    name = type(module).__name__
    try:
        traced = trace(module, examples, lambda each: function_of(each) is not None)
    except Exception as error:  # the code is the user's own
        said = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"JAX cannot trace {name}: {said}"
        raise SpecError([Finding("not-importable", "error", message)], name) from error
    names = input_names(module.__call__, len(shapes))
    reader = _Reader(traced, dict(zip(names, shapes, strict=True)))
    try:
        return reader.model(module)
    except RefusedError as error:
        finding = Finding("not-importable", "error", str(error), error.advice)
        raise SpecError([*reader.findings, finding], name) from error
    finally:
        if reader.findings:
            raise SpecError(reader.findings, name)


def _shape(example: Any) -> tuple[int, ...]:
    """The shape of a batch.

    Raises:
        UsageError: It is none.
    """
    shape = tuple(getattr(example, "shape", ()))
    if str(getattr(example, "dtype", "")) != "float32":
        raise UsageError("the example must be an array of float32: jnp.zeros((1, 224, 224, 3))")
    if not 2 <= len(shape) <= 5:
        shown = "x".join(map(str, shape))
        raise UsageError(f"the example is {shown}: it must have a batch and 1 to 4 axes more")
    return shape


class _Reader:
    def __init__(self, traced: TracedModule, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.traced = traced
        self.shapes = shapes
        self.findings: list[Finding] = []
        (batch, *ours), *_ = shapes.values()
        graph = OperationGraph("", tuple(ours))
        if len(shapes) > 1:
            graph.inputs = {name: shape[1:] for name, shape in shapes.items()}
        self.build = Builder(graph, batch)
        constants = traced.whole.constants
        self.values: dict[int, Any] = {number: _plain(each) for number, each in constants.items()}
        self.counts: dict[str, int] = {}
        self.origins = {number: frozenset([f"array {number}"]) for number in constants}

    def model(self, module: Any) -> Model:
        """The network; what cannot be said is among the findings."""
        whole, graph = self.traced.whole, self.build.graph
        given = {
            name: channels_last(INPUT - place, shape[1:])
            for place, (name, shape) in enumerate(self.shapes.items())
        }
        self.values.update(zip(whole.inputs, given.values(), strict=True))
        for step in self.traced.steps:
            self._read(step)
        shown: dict[str, View] = {}
        for name, reference in zip(self.traced.outputs, whole.outputs, strict=True):
            graph.output, shown[name] = self._output(reference)
            graph.outputs[name] = graph.output
        running = FlaxRuntime(module, self.traced.outputs)
        ends = None
        if len(shown) > 1 or len(given) > 1:
            ends = NamedTensors(given, shown, self.build.batch, running)
        if len(shown) == 1:
            graph.outputs = {}
        if is_converted(module, "__call__"):
            outline(graph, Classes(self.traced.classes).place)
        shape = next(iter(self.shapes.values()))
        return Model(graph, next(reversed(shown.values())), shape, True, running, ends=ends)

    def _output(self, reference: Reference) -> tuple[int, View]:
        """The operation whose tensor goes out, and how the module shows it."""
        out = self._value(reference)
        if isinstance(out, UndividedSum):
            raise RefusedError("the output is a sum", "near are the means of windows and of maps")
        if not isinstance(out, View):
            raise RefusedError("the output does not depend on the input")
        return self.build.output(TracedNode("output", "output", ""), out)

    def _value(self, reference: Reference) -> Any:
        return self.values.get(reference) if isinstance(reference, int) else reference

    def _read(self, step: FlatCall) -> None:
        """Puts what a step gives among the values, or a finding that names it."""
        label = self._label(step)
        made: Sequence[Any] = [None] * len(step.outputs)
        try:
            made = self._made(step, label)
        except RefusedError as error:
            self._refuse(step, label, str(error), error.advice)
        except _UNFORESEEN:
            self._refuse(step, label, "its parameters are of a form that is not known", None)
        self.values.update(zip(step.outputs, made, strict=True))

    def _label(self, step: FlatCall) -> str:
        """A name of the step that no other has: `conv_general_dilated_2`."""
        name = self._name(step)
        count = self.counts[name] = self.counts.get(name, -1) + 1
        return f"{name}_{count}" if count else name

    def _name(self, step: FlatCall) -> str:
        if step.name == LAYER:
            return type(self.traced.calls[step.params["call"]].module).__name__
        return step.name

    def _refuse(self, step: FlatCall, label: str, message: str, advice: str | None) -> None:
        where = self.traced.scope(step).replace("/", ".")
        place = f"`{where}`, step `{label}`" if where else f"step `{label}`"
        text = f"{place}: {self._name(step)} cannot be said: {message}"
        self.findings.append(Finding("not-importable", "error", text, advice))

    def _made(self, step: FlatCall, label: str) -> Sequence[Any]:
        """What a step gives: an array of arrays, else a tensor; None where it reads such."""
        inputs = [self._value(each) for each in step.inputs]
        if any(value is None for value in inputs):
            return [None] * len(step.outputs)  # what it reads could not be said either
        if step.primitive is not None and not any(
            isinstance(value, View | UndividedSum | NoElements) for value in inputs
        ):
            self.origins.update(dict.fromkeys(step.outputs, self._origins(step)))
            return self._computed(step, inputs)
        shapes = [
            self.traced.whole.shapes[each] if isinstance(each, int) else each.shape
            for each in step.inputs
        ]
        params = {
            name: self._argument(value) if step.primitive is None else value
            for name, value in step.params.items()
        }
        equation = Equation(
            step.name, label, self.traced.scope(step), params, inputs, shapes, step.shapes,
            self.build,
        )  # fmt: skip
        self.build.origins = self._origins(step)
        if step.name == LAYER:
            call = self.traced.calls[params["call"]]
            function = function_of(call.module)
            self.build.origins = frozenset([f"module {params['module']}"])
            if function is not None:
                return [function(equation, call.module, call.options)]
        if step.name not in OPERATORS:
            raise RefusedError("`import` does not read it", _NEAR.get(step.name))
        made = OPERATORS[step.name](equation)
        return made if isinstance(made, list) else [made]

    def _origins(self, step: FlatCall) -> frozenset[str]:
        """The arrays of the module that a step reads, or that what it reads was computed from."""
        read = [each for each in step.inputs if isinstance(each, int)]
        if step.primitive is None:  # of a known function, whose arguments may be arrays
            read += [each for each in step.params.values() if isinstance(each, int)]
        return frozenset().union(*(self.origins.get(each, frozenset()) for each in read))

    def _argument(self, value: Any) -> Any:
        """An argument of a known function: a number of the code, or an array of the module."""
        import numpy as np

        if isinstance(value, np.ndarray):
            return float(value)
        if isinstance(value, int) and not isinstance(value, bool) and value in self.values:
            return self._value(value)
        return value

    def _computed(self, step: FlatCall, inputs: Sequence[Any]) -> Sequence[Any]:
        """What a step gives for arrays."""
        import numpy as np

        if step.name in ("reshape", "squeeze") and step.params.get("dimensions") is None:
            return [np.reshape(inputs[0], step.shapes[0])]
        if step.name == "broadcast_in_dim":
            return [self._stretched(step, inputs[0])]
        full = [
            np.broadcast_to(value, self.traced.whole.shapes[each])
            if isinstance(each, int)
            else value
            for each, value in zip(step.inputs, inputs, strict=True)
        ]
        given = step.primitive.bind(*full, **step.params)
        many = step.primitive.multiple_results
        return [np.asarray(each) for each in (given if many else [given])]

    @staticmethod
    def _stretched(step: FlatCall, value: Any) -> Any:
        """An array with axes more, of one cell where it would be the same along them."""
        import numpy as np

        places = dict(zip(step.params["broadcast_dimensions"], np.shape(value), strict=True))
        return np.reshape(value, [places.get(axis, 1) for axis in range(len(step.shapes[0]))])


def _plain(constant: Any) -> Any:
    """An array of the module, out of JAX's hands; keys of random numbers stay what they are."""
    import jax
    import numpy as np

    extended = isinstance(constant, jax.Array) and jax.numpy.issubdtype(
        constant.dtype, jax.dtypes.extended
    )
    return constant if extended else np.asarray(constant)
