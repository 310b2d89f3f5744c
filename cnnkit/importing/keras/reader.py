"""From a configuration of Keras to the graph: each call of a layer, once what it reads is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnkit.errors import Finding
from cnnkit.importing.graph import EACH, INPUT, PLACEHOLDER, Operation, OperationGraph, RefusedError
from cnnkit.importing.keras.arguments import Reference, arguments, leaves, mapped
from cnnkit.importing.keras.call import LayerCall
from cnnkit.importing.keras.dispatch import (
    MODELS,
    OF_ONE_TENSOR,
    SLICES,
    WRAPPERS,
    layer_of,
    layers_of,
    name_of,
    operation_of,
    places,
    scope_of,
)
from cnnkit.importing.keras.ends import input_layers, input_shapes, outputs
from cnnkit.importing.keras.file import Stored, load
from cnnkit.importing.keras.function_call import FunctionCall, plain
from cnnkit.importing.keras.running import KerasRuntime
from cnnkit.importing.model import Model, NamedTensors
from cnnkit.importing.operators.builder import Builder
from cnnkit.importing.operators.traced import TracedNode
from cnnkit.importing.operators.view import View, channels_last
from cnnkit.importing.outline import outline_paths, path_of_keras
from cnnkit.layers.shape import Shape

# What a configuration raises whose fields are missing or of other types than Keras writes.
_MALFORMED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
Values = dict[Reference, View | None]


def read(
    path: Path, example: Shape | None = None, *, partial: bool = False
) -> tuple[Model | None, tuple[Finding, ...]]:
    """The network of a file of Keras, and all that cannot be said of it.

    Args:
        path: The file.
        example: The shape of one example, where the model leaves it open.
        partial: Whether placeholders stand for layers that cannot be said.

    Raises:
        MissingExtraError: The package ``h5py`` is not installed.
        UsageError: There is no such file.
    """
    findings: list[Finding] = []
    model = None
    try:
        stored = load(path)
        reader = _Reader(stored, findings, example, partial)
        try:
            model = reader.network(path)
        except _MALFORMED as error:
            raise RefusedError("its configuration is not one that Keras writes") from error
        except RecursionError as error:
            raise RefusedError("its layers are nested too deep") from error
    except RefusedError as error:
        findings.append(Finding("not-importable", "error", str(error), error.advice))
    return (None if findings and not partial else model), tuple(findings)


class _Reader:
    def __init__(
        self, stored: Stored, findings: list[Finding], example: Shape | None, partial: bool
    ) -> None:
        self.stored = stored
        self.findings = findings
        self.example = example
        self.partial = partial
        self.legacy = stored.version.split(".")[0] in ("1", "2")
        self.build = Builder(OperationGraph("", ()), 1)

    def network(self, path: Path) -> Model | None:
        """The model; None where some of what goes out cannot be said."""
        config, graph = self.stored.config, self.build.graph
        shapes = input_shapes(config, self.example)
        graph.input = next(iter(shapes.values()))
        graph.inputs = shapes if len(shapes) > 1 else {}
        given = {
            name: channels_last(INPUT - at, shape)
            for at, (name, shape) in enumerate(shapes.items())
        }
        made = self.model(config, list(given.values()), (), ())
        if None in made.values():
            if not self.findings:
                raise RefusedError("the output does not depend on the input")
            return None
        node = TracedNode("Output", "the output", "")
        for name, view in made.items():
            if view is not None:
                graph.output = graph.outputs[name] = plain(node, self.build, view)
        outline_paths(graph, lambda operation: path_of_keras(operation.node))
        runtime = KerasRuntime(path, config, self.stored.store.holds, list(made))
        shown = {
            name: channels_last(number, graph.shape(number))
            for name, number in graph.outputs.items()
        }
        several = len(shown) > 1 or graph.inputs
        ends = NamedTensors(given, shown, 1, runtime) if several else None
        if len(shown) == 1:
            graph.outputs = {}
        view = channels_last(graph.output, graph.shape(graph.output))
        holds = self.stored.store.holds
        return Model(graph, view, (1, *graph.input), True, runtime, holds, ends)

    def model(
        self,
        config: Mapping[str, Any],
        sources: Sequence[View | None],
        place: tuple[str, ...],
        names: tuple[str, ...],
    ) -> dict[str, View | None]:
        """What a model gives for tensors, by name; None where some of it cannot be said."""
        layers = layers_of(config)
        where = places(layers, place)
        if config["class_name"] == "Sequential":
            return {"output1": self._chain(layers, where, sources, names)}
        values: Values = {}
        given = input_layers(config)
        if len(given) != len(sources):
            raise RefusedError(f"it takes {len(given)} tensors, {len(sources)} are given")
        for layer, source in zip(given, sources, strict=True):
            values[Reference(name_of(layer), 0, 0)] = source
        waiting = [
            (layer, at, index, *arguments(node))
            for layer, at in zip(layers, where, strict=True)
            for index, node in enumerate(layer["inbound_nodes"])
        ]
        while waiting:
            left = []
            for each in waiting:
                layer, at, index, args, kwargs = each
                read = [leaf for leaf in leaves([args, kwargs]) if isinstance(leaf, Reference)]
                if not all(leaf in values for leaf in read):
                    left.append(each)
                    continue
                read_args, read_kwargs = (mapped(values.__getitem__, one) for one in (args, kwargs))
                lost = any(values[leaf] is None for leaf in read)
                made = self._called(layer, read_args, read_kwargs, at, names, lost=lost)
                for output, view in enumerate(made):
                    values[Reference(name_of(layer), index, output)] = view
            if len(left) == len(waiting):
                raise RefusedError(f"layer `{name_of(left[0][0])}` reads what no layer gives")
            waiting = left
        return {name: values[reference] for name, reference in outputs(config).items()}

    def _chain(
        self,
        layers: Sequence[Mapping[str, Any]],
        where: Sequence[tuple[str, ...]],
        sources: Sequence[View | None],
        names: tuple[str, ...],
    ) -> View | None:
        (view,) = sources
        for layer, at in zip(layers, where, strict=True):
            if layer["class_name"] != "InputLayer":
                (view,) = self._called(layer, [view], {}, at, names, lost=view is None)
        return view

    def _called(
        self,
        layer: Mapping[str, Any],
        args: list[Any],
        kwargs: dict[str, Any],
        place: tuple[str, ...],
        names: tuple[str, ...],
        *,
        lost: bool,
    ) -> list[View | None]:
        """What a layer gives, or a finding that names it.

        Args:
            layer: Its configuration.
            args: What it is given by place, tensors as views.
            kwargs: What it is given by name.
            place: Where the archive has its weights.
            names: The names of the models that it is in.
            lost: Whether some of what it reads could not be said.
        """
        kind, path = layer["class_name"], (*names, name_of(layer))
        try:
            made = self._made(layer, args, kwargs, place, path, lost=lost)
        except RefusedError as error:
            text, advice = str(error), error.advice
        except _MALFORMED:
            text, advice = "its configuration is not one that Keras writes", None
        else:
            return made
        scope = "/".join(path)
        message = f"layer `{scope}`: {kind} cannot be said: {text}"
        self.findings.append(Finding("not-importable", "error", message, advice))
        views = [each for each in leaves([args, kwargs]) if isinstance(each, View)]
        if not self.partial or lost or not views:
            return [None]
        fields = {"operator": kind, "node": scope}
        source = views[0].source
        number = self.build.graph.add(Operation(PLACEHOLDER, (source,), fields, {}, scope, scope))
        return [channels_last(number, self.build.graph.shape(number))]

    def _made(
        self,
        layer: Mapping[str, Any],
        args: list[Any],
        kwargs: dict[str, Any],
        place: tuple[str, ...],
        path: tuple[str, ...],
        *,
        lost: bool,
    ) -> list[View | None]:
        kind, config, scope = layer["class_name"], layer["config"], "/".join(path)
        if kind in MODELS:
            views = [each for each in leaves([args, kwargs]) if isinstance(each, View)]
            return [None] if lost else list(self.model(layer, views, place, path).values())
        if kind in WRAPPERS:
            within = self._slices if kind == SLICES else self._called
            inner = (config["layer"], args, kwargs, (*place, "layer"), path)
            return within(*inner, lost=lost)
        function = operation_of(layer)
        reader = None if function else layer_of(layer)
        if lost:
            return [None]  # what it reads could not be said either
        if function is not None:
            return [function(FunctionCall(kind, config, args, kwargs, self.build, scope))]
        node = TracedNode(kind, scope, scope)
        given = [each for each in leaves([args, kwargs]) if not isinstance(each, bool)]
        call = LayerCall(
            kind,
            config,
            [plain(node, self.build, each) for each in given if isinstance(each, View)],
            [each for each in given if isinstance(each, int | float) or hasattr(each, "dtype")],
            self.build.graph,
            self.stored.store,
            place,
            path,
            self.legacy,
            _numbered(self.build, node, args),
            _numbered(self.build, node, kwargs),
            scope_of(kind, path),
        )
        if kind in OF_ONE_TENSOR and len(call.inputs) > 1:
            raise RefusedError("it is called with a mask", "near is the layer without it")
        assert reader is not None  # noqa: S101 - one of both there is
        number = reader(call)
        return [channels_last(number, self.build.graph.shape(number))]

    def _slices(
        self,
        layer: Mapping[str, Any],
        args: list[Any],
        kwargs: dict[str, Any],
        place: tuple[str, ...],
        path: tuple[str, ...],
        *,
        lost: bool,
    ) -> list[View | None]:
        """A layer that is applied to each slice along the first axis."""
        if lost:
            return [None]
        scope = "/".join(path)
        outer = self.build
        source = plain(TracedNode(SLICES, scope, scope), outer, args[0])
        shape = outer.graph.shape(source)
        if len(shape) < 2:
            raise RefusedError("it goes along an axis of single numbers", "near is each")
        inner = OperationGraph("", shape[1:])
        self.build = Builder(inner, 1)
        try:
            given = channels_last(INPUT, inner.input)
            (made,) = self._called(layer, [given], kwargs, place, path, lost=False)
            if made is None:
                return [None]
            inner.output = plain(TracedNode(SLICES, scope, scope), self.build, made)
        finally:
            self.build = outer
        if any(each.origins == {scope} for each in outer.graph.operations.values()):
            raise RefusedError("it is applied again", "near is each, whose layers are its own")
        operation = Operation(EACH, (source,), {}, {}, scope, scope, inner=inner)
        operation.origins = frozenset([scope])
        number = outer.graph.add(operation)
        return [channels_last(number, outer.graph.shape(number))]


def _numbered(build: Builder, node: TracedNode, value: Any) -> Any:
    """Arguments with the number of an operation in the place of each tensor."""
    if isinstance(value, View):
        return plain(node, build, value)
    if isinstance(value, list):
        return [_numbered(build, node, each) for each in value]
    if isinstance(value, dict):
        return {name: _numbered(build, node, each) for name, each in value.items()}
    return value
