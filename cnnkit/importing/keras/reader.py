"""From a configuration of Keras to the graph: each call of a layer, once what it reads is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnkit.errors import Finding, did_you_mean
from cnnkit.importing.graph import INPUT, PLACEHOLDER, Operation, OperationGraph, RefusedError
from cnnkit.importing.keras.call import LayerCall
from cnnkit.importing.keras.file import Stored, load
from cnnkit.importing.keras.functions import ARITHMETIC, FUNCTIONS
from cnnkit.importing.keras.running import KerasRuntime
from cnnkit.importing.keras.windows import WINDOWS
from cnnkit.importing.model import Model
from cnnkit.importing.operators.view import channels_last
from cnnkit.importing.outline import outline_paths, path_of_keras
from cnnkit.layers.shape import Shape

LAYERS = {**WINDOWS, **FUNCTIONS}
_MODELS = ("Functional", "Model", "Sequential")
_NEAR = {
    "LSTM": "the kind is lstm: `--partial` leaves a place for it",
    "GRU": "the kind is gru: `--partial` leaves a place for it",
    "Lambda": "its code is not run: write what it does as a layer of Keras",
    "MultiHeadAttention": "the kind is attention: `--partial` leaves a place for it",
    "Permute": "the kind is transpose: `--partial` leaves a place for it",
}
# What a configuration raises whose fields are missing or of other types than Keras writes.
_MALFORMED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
_HINT = "give the shape of one example with --input: --input 224x224x3"


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
    output = None
    try:
        stored = load(path)
        reader = _Reader(stored, findings, example, partial)
        try:
            output = reader.network()
        except _MALFORMED as error:
            raise RefusedError("its configuration is not one that Keras writes") from error
    except RefusedError as error:
        findings.append(Finding("not-importable", "error", str(error), error.advice))
    if output is None or (findings and not partial):
        return None, tuple(findings)
    graph = reader.graph
    graph.output = output
    outline_paths(graph, lambda operation: path_of_keras(operation.node))
    runtime = KerasRuntime(path, stored.config, stored.store.holds)
    view = channels_last(output, graph.shape(output))
    model = Model(graph, view, (1, *graph.input), True, runtime, stored.store.holds)
    return model, tuple(findings)


class _Reader:
    def __init__(
        self, stored: Stored, findings: list[Finding], example: Shape | None, partial: bool
    ) -> None:
        self.stored = stored
        self.findings = findings
        self.example = example
        self.partial = partial
        self.legacy = stored.version.split(".")[0] in ("1", "2")
        self.graph = OperationGraph("", ())

    def network(self) -> int:
        """The operation whose tensor goes out."""
        config = self.stored.config
        self.graph.input = self._input(config)
        output = self.model(config, INPUT, (), ())
        if output is None and not self.findings:
            raise RefusedError("the output does not depend on the input")
        return INPUT if output is None else output

    def _input(self, config: Mapping[str, Any]) -> Shape:
        """The shape of one example."""
        layers = _layers(config)
        given = [each for each in layers if each["class_name"] == "InputLayer"] or layers[:1]
        if len(given) != 1:
            raise RefusedError(f"the network has {len(given)} inputs: `import` reads those of one")
        own = given[0]["config"]
        batch = own.get("batch_shape") or own.get("batch_input_shape")
        batch = batch or config["config"].get("build_input_shape")
        if not batch:
            raise RefusedError("the input has no shape: the model was never built", _HINT)
        known = [each or 0 for each in batch[1:]]
        if self.example is not None:
            if len(known) != len(self.example) or any(
                extent not in (0, asked) for extent, asked in zip(known, self.example, strict=True)
            ):
                shown = "x".join(str(each or "?") for each in known)
                asked = "x".join(map(str, self.example))
                raise RefusedError(f"--input {asked} does not fit the input, which is {shown}")
            known = list(self.example)
        if not known or min(known) < 1:
            shown = "x".join(str(each or "?") for each in known)
            raise RefusedError(f"the input has open extents: {shown}", _HINT)
        if len(known) > 4:
            raise RefusedError(f"the input has {len(known)} axes, the most are 4")
        return tuple(int(each) for each in known)

    def model(
        self, config: Mapping[str, Any], source: int, place: tuple[str, ...], names: tuple[str, ...]
    ) -> int | None:
        """What a model gives for one tensor; None where some of it cannot be said."""
        layers = _layers(config)
        places = _places(layers, place)
        if config["class_name"] == "Sequential":
            return self._chain(layers, places, source, names)
        values: dict[tuple[str, int], int | None] = {}
        waiting = [
            (layer, where, index, node)
            for layer, where in zip(layers, places, strict=True)
            for index, node in enumerate(layer["inbound_nodes"])
        ]
        for layer in layers:
            if layer["class_name"] == "InputLayer":
                values[_name(layer), 0] = source
        while waiting:
            left = []
            for layer, where, index, node in waiting:
                read, constants = _arguments(node)
                if all(each in values for each in read):
                    inputs = [values[each] for each in read]
                    made = self._called(layer, inputs, constants, where, names)
                    values[_name(layer), index] = made
                else:
                    left.append((layer, where, index, node))
            if len(left) == len(waiting):
                raise RefusedError(f"layer `{_name(left[0][0])}` reads what no layer gives")
            waiting = left
        outputs = _references(config["config"]["output_layers"])
        if len(outputs) != 1:
            raise RefusedError(
                f"the network has {len(outputs)} outputs: `import` reads those of one"
            )
        return values[outputs[0]]

    def _chain(
        self,
        layers: Sequence[Mapping[str, Any]],
        places: Sequence[tuple[str, ...]],
        source: int,
        names: tuple[str, ...],
    ) -> int | None:
        number: int | None = source
        for layer, where in zip(layers, places, strict=True):
            if layer["class_name"] != "InputLayer":
                number = self._called(layer, [number], [], where, names)
        return number

    def _called(
        self,
        layer: Mapping[str, Any],
        inputs: Sequence[int | None],
        constants: Sequence[float],
        place: tuple[str, ...],
        names: tuple[str, ...],
    ) -> int | None:
        """What a layer gives, or a finding that names it."""
        kind, name = layer["class_name"], _name(layer)
        try:
            function = _function(layer, constants)
            known = [each for each in inputs if each is not None]
            if len(known) < len(inputs):
                return None  # what it reads could not be said either
            if function is None:
                (source,) = known
                return self.model(layer, source, place, (*names, name))
            made: int = function(
                LayerCall(
                    kind, layer["config"], known, constants, self.graph, self.stored.store, place,
                    (*names, name), self.legacy,
                )
            )  # fmt: skip
        except RefusedError as error:
            text, advice = str(error), error.advice
        except _MALFORMED:
            text, advice = "its configuration is not one that Keras writes", None
        else:
            return made
        message = f"layer `{'/'.join((*names, name))}`: {kind} cannot be said: {text}"
        self.findings.append(Finding("not-importable", "error", message, advice))
        if not self.partial or not inputs or inputs[0] is None:
            return None
        scope = "/".join((*names, name))
        fields = {"operator": kind, "node": scope}
        return self.graph.add(Operation(PLACEHOLDER, (inputs[0],), fields, {}, scope, scope))


def _function(layer: Mapping[str, Any], constants: Sequence[float]) -> Any:
    """What reads a layer; None of a model within the model.

    Raises:
        RefusedError: Nothing does.
    """
    kind, module = layer["class_name"], str(layer.get("module") or "")
    if kind in _MODELS:
        return None
    # HDF5 does not keep the module: there, arithmetic is told by the number that it reads.
    if kind in ARITHMETIC and (".ops." in module or constants):
        return ARITHMETIC[kind]
    foreign = module and module.partition(".")[0] != "keras"
    if kind not in LAYERS or foreign or ".ops." in module:
        near = did_you_mean(kind, LAYERS)
        advice = _NEAR.get(kind) or (f"near is {near}" if near else None)
        raise RefusedError("`import` does not read it", advice)
    return LAYERS[kind]


def _layers(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The layers of a model; of a `Sequential` of Keras 1, the configuration is their list."""
    if config["class_name"] not in _MODELS:
        raise RefusedError(
            f"it is a {config['class_name']}: a class of its own says what it does only as code",
            "near are Sequential and functional models",
        )
    inner = config["config"]
    found: list[Mapping[str, Any]] = inner if isinstance(inner, list) else inner["layers"]
    if not found:
        raise RefusedError("the model has no layers")
    return found


def _name(layer: Mapping[str, Any]) -> str:
    return str(layer.get("name") or layer["config"]["name"])


def _places(layers: Sequence[Mapping[str, Any]], place: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Where the archive has each layer: by its class, and a number from the second on."""
    counted: dict[str, int] = {}
    found = []
    for layer in layers:
        name = _snake(str(layer["class_name"]))
        count = counted[name] = counted.get(name, -1) + 1
        found.append((*place, "layers", f"{name}_{count}" if count else name))
    return found


def _snake(name: str) -> str:
    """`SeparableConv2D` as Keras has it: `separable_conv2d`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _arguments(node: Any) -> tuple[list[tuple[str, int]], list[float]]:
    """The tensors and the numbers that a call reads."""
    if isinstance(node, dict):
        leaves = list(_leaves(node["args"])) + list(_leaves(node.get("kwargs") or {}))
        tensors = [tuple(leaf["config"]["keras_history"][:2]) for leaf in leaves if _tensor(leaf)]
        numbers = [
            leaf for leaf in leaves
            if isinstance(leaf, int | float) and not isinstance(leaf, bool)
        ]  # fmt: skip
        return [(str(name), int(index)) for name, index in tensors], numbers
    return _references(node), []


def _tensor(leaf: Any) -> bool:
    return isinstance(leaf, dict) and leaf.get("class_name") == "__keras_tensor__"


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif isinstance(value, dict) and not _tensor(value):
        for each in value.values():
            yield from _leaves(each)
    else:
        yield value


def _references(value: Any) -> list[tuple[str, int]]:
    """Tensors as `[layer, call, output]`, one or a list of them."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [(value[0], int(value[1]))]
    if not isinstance(value, list):
        raise TypeError
    return [reference for each in value for reference in _references(each)]
