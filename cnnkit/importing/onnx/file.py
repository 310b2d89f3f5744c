"""An ONNX file as its graph, with no trust in it: nothing is run, nothing outside is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnkit.errors import MissingExtraError, UsageError
from cnnkit.importing.graph import RefusedError

if TYPE_CHECKING:
    import onnx

OLDEST_OPSET = 7
MAX_NODES = 50_000
_DOMAINS = ("", "ai.onnx")


def load(path: Path) -> onnx.ModelProto:
    """The model of a file, the values of its external tensors not yet read.

    Raises:
        MissingExtraError: The package ``onnx`` is not installed.
        RefusedError: The file is no ONNX model, or one that cannot be read.
        UsageError: There is no such file.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"ONNX files need {error.name}, which is not installed: pip install 'cnnkit[import]'"
        ) from error
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(data)
    except (DecodeError, RecursionError, MemoryError) as error:
        raise RefusedError(
            "the file is no ONNX model, or it is cut off", "export the model again"
        ) from error
    _check(model)
    return model


def _check(model: onnx.ModelProto) -> None:
    graph = model.graph
    if not graph.node:
        raise RefusedError(
            "the file has no graph, or one without nodes: it is no ONNX model, or it is cut off",
            "export the model again",
        )
    if model.training_info:
        raise RefusedError(
            f"the file has {1 + len(model.training_info)} graphs, of which one is the network's: "
            "the others train it",
            "export the model for inference",
        )
    if len(graph.node) > MAX_NODES:
        raise RefusedError(f"the graph has {len(graph.node):,} nodes, the most is {MAX_NODES:,}")
    opsets = {each.domain: each.version for each in model.opset_import}
    version = opsets.get("", opsets.get("ai.onnx", 0))
    if version < OLDEST_OPSET:
        raise RefusedError(
            f"the model is of opset {version}, before {OLDEST_OPSET}: its operators meant other "
            "things",
            f"`onnx.version_converter.convert_version(model, {OLDEST_OPSET})` brings it up",
        )


def opset(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators."""
    return int(max(each.version for each in model.opset_import if each.domain in _DOMAINS))


def is_standard(domain: str) -> bool:
    """Whether a domain is ONNX's own."""
    return domain in _DOMAINS


def in_order(graph: Any, given: Sequence[str]) -> list[Any]:
    """The nodes, each behind what it reads.

    Raises:
        RefusedError: Nodes read one another in a circle, or a tensor that nothing makes.
    """
    made = {"", *given}
    waiting: dict[str, list[int]] = {}
    missing = [0] * len(graph.node)
    ready = []
    for index, node in enumerate(graph.node):
        missing[index] = len(set(node.input) - made)
        for name in set(node.input) - made:
            waiting.setdefault(name, []).append(index)
        if not missing[index]:
            ready.append(index)
    ordered = []
    for index in ready:
        ordered.append(graph.node[index])
        for name in set(graph.node[index].output) - made:
            made.add(name)
            for reader in waiting.get(name, ()):
                missing[reader] -= 1
                if not missing[reader]:
                    ready.append(reader)
    if len(ordered) == len(graph.node):
        return ordered
    outputs = {name for node in graph.node for name in node.output}
    left = next(node for node, count in zip(graph.node, missing, strict=True) if count)
    name = next(name for name in left.input if name not in made)
    raise RefusedError(
        f"node `{left.name or left.output[0]}` reads `{name}`, which "
        + ("depends on it in turn" if name in outputs else "nothing makes")
    )
