"""Weights as a file of safetensors: arrays by name, and what they are in its metadata.

Layouts are those of the network: channels last, a kernel ``[*cells, channels / groups, filters]``.
Nothing in a file is run, and no array is read before its type and shape are known to be right.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit import __version__
from cnnkit.errors import DataError, Finding, MissingExtraError, SpecError, UsageError
from cnnkit.layers.shape import show
from cnnkit.network.weights import Arrays
from cnnkit.spec.graph import Graph, Node
from cnnkit.spec.text.scalars import shortened

try:
    import safetensors
    from safetensors.numpy import save
except ModuleNotFoundError as error:
    raise MissingExtraError(
        "weights as a file need safetensors, which is not installed: pip install 'cnnkit[export]'"
    ) from error

Described = Mapping[str, tuple[str, tuple[int, ...]]]
"""The type and the shape of each array of a file."""

_SHOWN = 5
"""How many findings of one kind are shown: a file of another network would fill pages."""


@dataclass(frozen=True)
class WeightsFile:
    """What a file of weights holds.

    Attributes:
        path: The file.
        arrays: float32, by name.
        metadata: What it says of them: `cnnkit.spec`, `cnnkit.classes` and so on.
    """

    path: Path
    arrays: Arrays
    metadata: Mapping[str, str] = field(default_factory=dict)

    def said(self, key: str) -> Any:
        """What the metadata hold under `cnnkit.` and a key, as JSON; None where they do not.

        Raises:
            DataError: It is no JSON.
        """
        text = self.metadata.get(f"cnnkit.{key}")
        try:
            return None if text is None else json.loads(text)
        except ValueError as error:
            raise DataError(f"{self.path}: `cnnkit.{key}` is damaged: {error}") from error


def metadata_of(spec: str, **more: object) -> dict[str, str]:
    """What a file says of its network: texts, all but the spec and the version as JSON.

    Args:
        spec: The resolved spec.
        more: Whatever else is known; None is left out.
    """
    known = {key: value for key, value in more.items() if value is not None}
    return {
        "cnnkit.spec": spec,
        "cnnkit.version": __version__,
        **{f"cnnkit.{key}": json.dumps(value, ensure_ascii=False) for key, value in known.items()},
    }


def written(arrays: Arrays, metadata: Mapping[str, str]) -> bytes:
    """The bytes of a file."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return save(contiguous, dict(metadata))


def read_weights(path: Path, graph: Graph) -> WeightsFile:
    """The weights in a file, which are those of a network.

    Raises:
        UsageError: There is no such file.
        SpecError: It cannot be read, or its arrays are not those of the network.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise UsageError(f"{path} {what}: give the weights as --weights FILE.safetensors")
    with _opened(path) as (file, found):
        findings = list(_findings(path, graph, found))
        if findings:
            raise SpecError(findings)
        arrays = {name: np.asarray(file.get_tensor(name)) for name in found}
        metadata = file.metadata() or {}
    _require_finite(path, arrays)
    return WeightsFile(path, arrays, metadata)


def read_arrays(path: Path) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """The float32 arrays in a file, whatever network they are of; the types of all others.

    Raises:
        SpecError: It cannot be read, or an array holds what is no number.
    """
    with _opened(path) as (file, found):
        others = {name: dtype for name, (dtype, _) in found.items() if dtype != "F32"}
        arrays = {name: np.asarray(file.get_tensor(name)) for name in found if name not in others}
    _require_finite(path, arrays)
    return arrays, others


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Described]]:
    """A file, and the type and the shape of each of its arrays, none of which is read yet."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            yield (
                file,
                {
                    name: (str(each.get_dtype()), tuple(each.get_shape()))
                    for name, each in slices.items()
                },
            )
    except (safetensors.SafetensorError, OSError) as error:
        message = f"{path} is no file of safetensors that can be read: {error}"
        advice = "it may be cut off, or of another kind; export it again"
        raise SpecError([Finding("unreadable-file", "error", message, advice)]) from None


def _require_finite(path: Path, arrays: Arrays) -> None:
    bad = next((name for name, array in arrays.items() if not np.isfinite(array).all()), None)
    if bad:
        message = f"{path}: `{bad}` holds NaN or infinite values"
        raise SpecError([Finding("wrong-value", "error", message, "train it again")])


def _findings(path: Path, graph: Graph, found: Described) -> Iterator[Finding]:
    """Arrays that are missing, of another shape or type, or left over; some of each."""
    wanted = {
        f"{node.path}.{weight.name}": (node, weight.shape)
        for node in graph.nodes
        for weight in node.effect.weights
    }
    missing = [
        _finding("missing-field", f"{path} has no `{name}`, which has {show(shape)}", node)
        for name, (node, shape) in wanted.items()
        if name not in found
    ]
    others = []
    for name, (node, shape) in wanted.items():
        dtype, given = found.get(name, ("F32", shape))
        if given != shape:
            message = f"`{name}` has the shape {show(given) or 'of a number'} in {path}, the layer "
            others.append(_finding("shape-mismatch", f"{message}needs {show(shape)}", node))
        elif dtype != "F32":
            message = f"`{name}` is of type {dtype} in {path}; weights are float32, F32"
            others.append(_finding("wrong-type", message, node))
    strays = [
        Finding(
            "unknown-name", "error", f"{path} has `{shortened(name)}`, the spec does not", _ADVICE
        )
        for name in found
        if name not in wanted
    ]
    for listed in (missing, others, strays):
        yield from listed[:_SHOWN]
        if len(listed) > _SHOWN:
            more = f"{path}: {len(listed) - _SHOWN:,} more arrays like these"
            yield Finding(listed[0].rule, "error", more)


_ADVICE = "give the spec that the weights were exported with: the metadata have it, `cnnkit.spec`"


def _finding(rule: str, message: str, node: Node) -> Finding:
    place = node.layer.place
    return Finding(rule, "error", message, _ADVICE, place.find(()) if place else None, node.path)
