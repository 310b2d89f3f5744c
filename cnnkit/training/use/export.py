"""A network with weights as a file for other tools, proven before it is said to be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from cnnkit.data.preprocessing import Preprocessing
from cnnkit.errors import ExportError, MissingExtraError, SpecError, UsageError
from cnnkit.network.weights_file import read_weights, written
from cnnkit.training.compute.inputs import scaled, standardized
from cnnkit.training.store.files import write_atomic
from cnnkit.training.use.weights import Weights

TOLERANCE = 1e-5
"""How far an output may be from ours, of outputs up to 1; of larger ones in proportion."""
_EXAMPLES = 2  # more than one: the batch is open


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: The file.
        nodes: The operators of a model of ONNX; 0 of weights alone.
        opset: Their version.
        arrays: How many arrays it holds.
        difference: The largest difference from our own output, of outputs up to 1.
    """

    path: Path
    arrays: int
    nodes: int = 0
    opset: int = 0
    difference: float = 0.0


def export_safetensors(weights: Weights, path: Path) -> Exported:
    """Writes the weights as a file of safetensors, and reads it again.

    Raises:
        ExportError: What is read is not what was written.
    """
    write(path, written(weights.arrays, weights.metadata()))
    found = read_weights(path, weights.graph).arrays
    if any(not np.array_equal(found[name], array) for name, array in weights.arrays.items()):
        raise ExportError(f"{path} does not hold what was written to it: look at the disk")
    return Exported(path, len(found))


def export_onnx(
    weights: Weights,
    path: Path,
    *,
    name: str,
    opset: int | None = None,
    raw: bool = False,
    optimize: bool = False,
) -> Exported:
    """Writes the network as a model of ONNX whose output was compared with our own.

    Args:
        weights: The network.
        path: The file.
        name: What the model is called.
        opset: The version of the operators; None for the usual one.
        raw: Whether the model takes what the first layer reads, not the values of files.
        optimize: Whether batch norms are put into the layers before them.

    Raises:
        SpecError: ONNX cannot say the network.
        UsageError: There is no such version.
        ExportError: ONNX refuses the model, or it gives something else than the network.
        MissingExtraError: ``onnx`` or ``onnxruntime`` is not installed.
    """
    from cnnkit.export.onnx import OPSET, Standardization, model_of

    record = weights.of_files(raw=raw)
    standardization = None
    if record is not None:
        standardization = Standardization(
            record.dtype, record.value_range, record.mean, record.deviation
        )
    version = OPSET if opset is None else opset
    model = model_of(
        weights.graph,
        weights.arrays,
        name,
        opset=version,
        standardization=standardization,
        optimize=optimize,
        metadata=weights.metadata(),
    )
    if isinstance(model, tuple):
        raise SpecError(model)
    content = model.SerializeToString()
    difference = compared(weights, content, record, version)
    write(path, content)
    return Exported(path, len(model.graph.initializer), len(model.graph.node), version, difference)


def compared(weights: Weights, model: bytes, record: Preprocessing | None, opset: int) -> float:
    """How far the output of a model is from ours, the runtime being the judge.

    Raises:
        ExportError: Too far, or the runtime does not run the model.
    """
    session = _session(model, opset)
    inputs = batches(weights, record)
    doors = [door.name for door in session.get_inputs()]
    given = session.run(None, dict(zip(doors, inputs.values(), strict=True)))
    found = dict(zip(weights.graph.outputs, given, strict=True))
    return distances(found, answers(weights, inputs, record), "the model of ONNX")


def distances(
    found: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[np.float32]], what: str
) -> float:
    """How far outputs are from ours, of outputs above 1 in proportion; the largest.

    Raises:
        ExportError: Too far.
    """
    return max(_distance(found[name], expected[name], what) for name in expected)


def _distance(found: NDArray[Any], expected: NDArray[np.float32], what: str) -> float:
    if found.shape != expected.shape or not np.isfinite(found).all():
        raise ExportError(
            f"{what} gives {found.shape} and the network {expected.shape}, or values "
            f"that are not finite: nothing is written"
        )
    difference = float(np.abs(found - expected).max() / max(1.0, float(np.abs(expected).max())))
    if difference > TOLERANCE:
        raise ExportError(
            f"{what} differs from the network by {difference:.2g}, and at most "
            f"{TOLERANCE:g} is rounding: nothing is written"
        )
    return difference


def answers(
    weights: Weights, inputs: Mapping[str, NDArray[Any]], record: Preprocessing | None
) -> dict[str, NDArray[np.float32]]:
    """What the network gives: compiled, though not for speed, since it runs once."""
    graphdef, params, stats = weights.network.parts()

    def forward(params: Any, stats: Any, x: Any) -> Any:
        return nnx.merge(graphdef, params, stats)(x)

    once = {"xla_backend_optimization_level": "0"}
    values: dict[str, Any] = {
        name: each if record is None else prepared(each, record) for name, each in inputs.items()
    }
    given = jax.jit(forward, compiler_options=once)(params, stats, alone(values))
    return {name: np.asarray(each) for name, each in by_name(weights, given).items()}


def alone(values: Mapping[str, Any]) -> Any:
    """What a network of these inputs is called with: the one array, or all by their names."""
    return dict(values) if len(values) > 1 else next(iter(values.values()))


def by_name(weights: Weights, given: Any) -> dict[str, Any]:
    """What a network gives, by the names of its outputs."""
    outputs = weights.graph.outputs
    return dict(given) if len(outputs) > 1 else dict.fromkeys(outputs, given)


def write(path: Path, content: bytes) -> None:
    """Writes a file.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        write_atomic(path, content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def _session(model: bytes, opset: int) -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "a model of ONNX is run before it is written, which needs onnxruntime: "
            "pip install 'cnnkit[export]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors: what fails is raised
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors are of many types
        reason = str(error).partition("\n")[0]
        raise ExportError(
            f"onnxruntime {onnxruntime.__version__} does not run the model, of opset {opset}: "
            f"{reason}; try an older --opset"
        ) from error


def batches(weights: Weights, record: Preprocessing | None) -> dict[str, NDArray[Any]]:
    """A batch of each input, of the kind that the model reads, of the range that training saw."""
    return {name: _examples(shape, record) for name, shape in weights.graph.inputs.items()}


def _examples(shape: Sequence[int], record: Preprocessing | None) -> NDArray[Any]:
    random = np.random.default_rng(0)
    size = (_EXAMPLES, *shape)
    if record is None:
        return random.normal(0, 1, size).astype(np.float32)
    low, high = (record.found.minimum, record.found.maximum) if record.found else (0.0, 1.0)
    values = random.uniform(low, high, size)
    dtype = np.dtype(record.dtype)
    return values.astype(np.float32 if dtype.kind == "f" else dtype)


def prepared(inputs: NDArray[Any], record: Preprocessing) -> Any:
    """Values of files as training prepared them."""
    return standardized(scaled(jnp.asarray(record.values(inputs))), record.statistics)
