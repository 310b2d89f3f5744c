"""From a model's file to its spec, its weights and the proof that they are the same network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnkit.errors import Finding, SpecError, UsageError
from cnnkit.importing.graph import Graph, RefusedError
from cnnkit.importing.layer import Layer
from cnnkit.importing.onnx import Model
from cnnkit.importing.onnx import read as read_onnx
from cnnkit.importing.patterns import PATTERNS
from cnnkit.importing.structure import layers_of
from cnnkit.importing.weights import MismatchError, arrays_of
from cnnkit.importing.writing.activations import fold_activations
from cnnkit.importing.writing.document import written
from cnnkit.importing.writing.squeeze_excite import name_gates
from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import graph_of
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import load

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.proof import Proof


@dataclass(frozen=True)
class Imported:
    """A model as a spec.

    Attributes:
        path: The model's file.
        model: What was read of it.
        text: The spec, as YAML.
        spec: The same, read.
        arrays: The weights, by the paths of the spec joined by dots.
    """

    path: Path
    model: Model
    text: str
    spec: Spec
    arrays: Mapping[str, Array]

    @property
    def parameters(self) -> int:
        """The trained weights that the model holds, by the layers that they became."""
        state = (".mean", ".variance")
        kept = [array for path, array in self.arrays.items() if not path.endswith(state)]
        return sum(math.prod(array.shape) for array in kept)

    def prove(self) -> Proof:
        """Compares what both compute."""
        from cnnkit.importing.proof import compare

        return compare(self.path, self.model, self.spec, self.arrays)


def import_model(path: Path, example: Shape | None = None) -> Imported:
    """The spec of a model.

    Args:
        path: A file of ONNX.
        example: The shape of one example, channels last, where the model leaves it open.

    Raises:
        MissingExtraError: The package that reads the format is not installed.
        SpecError: The file cannot be read, or not all of it can be said.
        UsageError: There is no such file, or it is of another format.
    """
    if path.suffix.lower() != ".onnx":
        raise UsageError(f"{path} is of no format that can be imported: they end in .onnx")
    model, findings = read_onnx(path, example)
    if model is None:
        raise SpecError(findings, str(path))
    try:
        return _imported(path, model)
    except RefusedError as error:
        raise SpecError(
            [Finding("not-importable", "error", str(error), error.advice)], str(path)
        ) from error
    except SpecError as error:
        message = f"the spec that comes out has a fault: {error.findings[0].message}"
        raise SpecError([Finding("not-importable", "error", message)], str(path)) from error
    except RecursionError as error:
        message = "its branches are nested too deep"
        raise SpecError([Finding("not-importable", "error", message)], str(path)) from error


def _imported(path: Path, model: Model) -> Imported:
    for pattern in PATTERNS:
        pattern(model.graph)
    layers = name_gates(fold_activations(layers_of(model.graph)))
    text = _text(path, model.graph, layers)
    spec = load(text)
    try:
        arrays = arrays_of(spec, layers)
    except MismatchError as error:
        raise RefusedError(f"the spec that came out is not the model: {error}") from error
    return Imported(path, model, text, spec, arrays)


def _text(path: Path, graph: Graph, layers: list[Layer]) -> str:
    """The spec, with `rounding: floor` where a size is floored."""
    name = path.stem
    text = written(name, path.name, graph.input, layers, floors=False)
    spec = load(text)
    found = graph_of(spec).findings
    if any(finding.rule == "invalid-stride" for finding in found):
        return written(name, path.name, graph.input, layers, floors=True)
    return text
