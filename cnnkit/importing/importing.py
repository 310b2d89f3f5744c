"""From a model's file to its spec, its weights and the proof that they are the same network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cnnkit.errors import Finding, SpecError, UsageError
from cnnkit.importing.graph import OperationGraph, RefusedError
from cnnkit.importing.keras import read as read_keras
from cnnkit.importing.layer import WrittenLayer
from cnnkit.importing.model import Model
from cnnkit.importing.onnx import read as read_onnx
from cnnkit.importing.patterns import PATTERNS
from cnnkit.importing.patterns.enclosing import enclosed
from cnnkit.importing.structure import layers_of
from cnnkit.importing.weights import MismatchError, arrays_of
from cnnkit.importing.writing.document import written
from cnnkit.importing.writing.fusion import fold_activations
from cnnkit.importing.writing.sharing import name_shared
from cnnkit.importing.writing.squeeze_excite import name_gates
from cnnkit.layers.shape import Shape
from cnnkit.spec.model.spec import Spec, shape
from cnnkit.spec.operations import same_operations
from cnnkit.spec.reading import load
from cnnkit.spec.tracing import graph_of

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.proof import Proof


class FormatReader(Protocol):
    """Reads a file of one format."""

    def __call__(
        self, path: Path, example: Shape | None, *, partial: bool = False
    ) -> tuple[Model | None, tuple[Finding, ...]]:
        """The network, where there is enough of one, and what cannot be said of it."""


_READERS: Mapping[str, FormatReader] = {
    ".onnx": read_onnx,
    ".keras": read_keras,
    ".h5": read_keras,
    ".json": read_keras,
}


@dataclass(frozen=True)
class Imported:
    """A model as a spec.

    Attributes:
        model: What was read of it.
        text: The spec, as YAML.
        spec: The same, read.
        arrays: The weights, by the paths of the spec joined by dots.
    """

    model: Model
    text: str
    spec: Spec
    arrays: Mapping[str, Array]

    @property
    def parameters(self) -> int:
        """The trained numbers of the model, without those that were folded into others.

        They are counted in its file where that is read node by node, else by the layers that they
        became.
        """
        if self.model.parameters is not None:
            return self.model.parameters - self.model.graph.folded
        state = (".mean", ".variance")
        kept = [array for path, array in self.arrays.items() if not path.endswith(state)]
        return sum(math.prod(array.shape) for array in kept)

    def prove(self) -> Proof:
        """Compares what both compute."""
        from cnnkit.importing.proof import compare

        return compare(self.model, self.spec, self.arrays)


def example_of(text: str, option: str) -> Shape:
    """The shape of one example, as an option gives it.

    Raises:
        UsageError: It is none.
    """
    try:
        given = shape(text)
    except ValueError:
        given = None
    if not isinstance(given, tuple) or not all(isinstance(e, int) and e > 0 for e in given):
        raise UsageError(f"{option}{text} is no shape: 224x224x3")
    return given


def import_model(path: Path, example: Shape | None = None) -> Imported:
    """The spec of a model.

    Args:
        path: A file of ONNX or Keras.
        example: The shape of one example, channels last, where the model leaves it open.

    Raises:
        MissingExtraError: The package that reads the format is not installed.
        SpecError: The file cannot be read, or not all of it can be said.
        UsageError: There is no such file, or it is of another format.
    """
    model, findings = _reader_of(path)(path, example)
    if model is None:
        raise SpecError(findings, str(path))
    return imported(model, path.stem, f"{path.name} by `cnnkit import`", str(path))


def _reader_of(path: Path) -> FormatReader:
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        ends = ", ".join(_READERS)
        raise UsageError(f"{path} is of no format that can be imported: they end in {ends}")
    return _READERS[suffix]


def from_flax(module: Any, example: Any, name: str | None = None) -> Imported:
    """The spec of a module of Flax NNX, which is traced by JAX.

    Args:
        module: A ``flax.nnx.Module`` in ``eval()``.
        example: A batch that it takes, such as ``jnp.zeros((1, 224, 224, 3))``.
        name: What the network is called; else the name of the module's class.

    Raises:
        MissingExtraError: Flax is not installed.
        SpecError: It cannot be traced, or not all of it can be said.
        UsageError: The module or the example is none.
    """
    from cnnkit.importing.flax import read

    called = name or type(module).__name__
    model = read(module, example)
    return imported(model, called, f"{type(module).__name__} by `cnnkit.from_flax`", called)


def from_torch(module: Any, example: Any, name: str | None = None) -> Imported:
    """The spec of a module of PyTorch, which is traced by ``torch.export``.

    Args:
        module: A ``torch.nn.Module`` in ``eval()``.
        example: A batch that it takes, such as ``torch.zeros(1, 3, 224, 224)``.
        name: What the network is called; else the name of the module's class.

    Raises:
        MissingExtraError: PyTorch is not installed.
        SpecError: It cannot be traced, or not all of it can be said.
        UsageError: The module or the example is none.
    """
    from cnnkit.importing.torch import read

    called = name or type(module).__name__
    model, findings = read(module, example)
    if model is None:
        raise SpecError(findings, type(module).__name__)
    return imported(model, called, f"{type(module).__name__} by `cnnkit.from_torch`", called)


def import_torch(name: str, example: Shape) -> Imported:
    """The spec of the module that a callable gives, whose code is run.

    Args:
        name: ``package.module:callable``.
        example: The shape of one example, channels last.

    Raises:
        MissingExtraError: PyTorch is not installed.
        SpecError: It cannot be traced, or not all of it can be said.
        UsageError: There is no such callable, or it gives no module.
    """
    from cnnkit.importing.torch import load_module, read, zeros

    model, findings = read(load_module(name), zeros(example))
    if model is None:
        raise SpecError(findings, name)
    return imported(model, name.partition(":")[2], f"{name} by `cnnkit import`", name)


def imported(model: Model, name: str, origin: str, source: str) -> Imported:
    """The spec of a model that was read.

    Args:
        model: The model.
        name: What the network is called.
        origin: Where it comes from and by what, for the first line of the spec.
        source: What findings call it.

    Raises:
        SpecError: Not all of it can be said.
    """
    try:
        return _imported(model, name, origin)
    except RefusedError as error:
        raise SpecError([_finding(error)], source) from error
    except SpecError as error:
        if model.graph.refused:
            raise SpecError(error.findings, source) from error
        message = f"the spec that comes out has a fault: {error.findings[0].message}"
        raise SpecError([Finding("not-importable", "error", message)], source) from error
    except RecursionError as error:
        message = "its branches are nested too deep"
        raise SpecError([Finding("not-importable", "error", message)], source) from error


def partial_text(path: Path, example: Shape | None = None) -> tuple[str, tuple[Finding, ...]]:
    """What of a file can be said, with a `placeholder` for each node that cannot.

    Args:
        path: As for ``import_model``.
        example: As for ``import_model``.

    Returns:
        The text, which `check` refuses for its placeholders, and the findings.

    Raises:
        MissingExtraError: The package that reads the format is not installed.
        SpecError: Nothing of it can be said.
        UsageError: There is no such file, or it is of another format.
    """
    read = _reader_of(path)(path, example, partial=True)
    return _partial_text(read, path.stem, path.name, str(path))


def partial_torch(name: str, example: Shape) -> tuple[str, tuple[Finding, ...]]:
    """What of the module that a callable gives can be said, as ``partial_text``.

    Args:
        name: As for ``import_torch``.
        example: As for ``import_torch``.

    Raises:
        MissingExtraError: PyTorch is not installed.
        SpecError: Nothing of it can be said.
        UsageError: There is no such callable, or it gives no module.
    """
    from cnnkit.importing.torch import load_module, read, zeros

    found = read(load_module(name), zeros(example), partial=True)
    return _partial_text(found, name.partition(":")[2], name, name)


def _partial_text(
    read: tuple[Model | None, tuple[Finding, ...]], name: str, origin: str, source: str
) -> tuple[str, tuple[Finding, ...]]:
    model, findings = read
    if model is None:
        raise SpecError(findings, source)
    layers = _layers(model)
    found = (*findings, *map(_finding, model.graph.refused))
    origin = f"{origin} by `cnnkit import --partial`"
    return written(name, origin, model.graph.given, layers, floors=True), found


def _finding(error: RefusedError) -> Finding:
    return Finding("not-importable", "error", str(error), error.advice)


def _layers(model: Model) -> list[WrittenLayer]:
    """The tree of a graph, in which patterns are layers."""
    _name_patterns(model.graph)
    return _tree(model.graph)


def _tree(graph: OperationGraph) -> list[WrittenLayer]:
    layers = name_gates(fold_activations(layers_of(graph)))
    name_shared(layers)
    return layers


def _name_patterns(graph: OperationGraph) -> None:
    """Finds the patterns of a graph, first of those within it."""
    for inner in [each.inner for each in graph.operations.values() if each.inner is not None]:
        _name_patterns(inner)
        graph.refused += inner.refused
    graph.prune()
    for pattern in PATTERNS:
        pattern(graph)


def _imported(model: Model, name: str, origin: str) -> Imported:
    layers = _layers(model)
    if model.graph.refused:
        raise SpecError([_finding(error) for error in model.graph.refused], name)
    text = _text(name, origin, model.graph, layers)
    spec = load(text)
    written_from = _as_it_was(name, origin, model.graph, spec)
    if written_from is not None:
        text, spec, layers = written_from
    try:
        arrays = arrays_of(spec, layers)
    except MismatchError as error:
        raise RefusedError(f"the spec that came out is not the model: {error}") from error
    return Imported(model, text, spec, arrays)


def _text(
    name: str,
    origin: str,
    graph: OperationGraph,
    layers: list[WrittenLayer],
    *,
    outlined: bool = False,
) -> str:
    """The spec, with `rounding: floor` where a size is floored."""
    text = written(name, origin, graph.given, layers, floors=False, outlined=outlined)
    found = graph_of(load(text)).findings
    if any(finding.rule == "invalid-stride" for finding in found):
        return written(name, origin, graph.given, layers, floors=True, outlined=outlined)
    return text


def _as_it_was(
    name: str, origin: str, graph: OperationGraph, found: Spec
) -> tuple[str, Spec, list[WrittenLayer]] | None:
    """The spec with the blocks, repeats and names of the one that the model was written from.

    These are hints of names alone: None where they do not lead to the network that was read.
    """
    if not any(operation.place for operation in graph.operations.values()):
        return None
    layers = _tree(enclosed(graph))
    try:
        text = _text(name, origin, graph, layers, outlined=True)
        spec = load(text)
    except SpecError:
        return None
    return (text, spec, layers) if same_operations(graph_of(found), graph_of(spec)) else None
