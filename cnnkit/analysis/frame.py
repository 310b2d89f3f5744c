"""The layers of an analysis as a data frame of pandas or of polars, whichever is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Final, Literal

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.errors import UsageError
from cnnkit.layers.shape import show

Library = Literal["pandas", "polars"]

_LIBRARIES: Final[tuple[Library, ...]] = ("pandas", "polars")
_COUNTS: Final = ("neurons", "parameters", "state", "macs", "flops", "activations")


def frame(
    layers: Sequence[LayerAnalysis],
    library: Library | None = None,
    more: Mapping[str, Sequence[object]] = MappingProxyType({}),
) -> Any:
    """A row a layer; shapes are texts as in reports, and what is not known is missing.

    Args:
        layers: The layers.
        library: Whose data frame it is; by default pandas's, or else polars's.
        more: Further columns.

    Raises:
        UsageError: None is installed, or not the one that is asked for.
    """
    wanted = _LIBRARIES if library is None else (library,)
    found = next((name for name in wanted if find_spec(name)), None)
    if found is None:
        names = " or ".join(wanted)
        raise UsageError(f"a data frame needs {names}: `pip install {wanted[0]}`")
    return import_module(found).DataFrame({**_columns(layers), **more})


def _columns(layers: Sequence[LayerAnalysis]) -> Mapping[str, list[object]]:
    columns: dict[str, list[object]] = {
        "path": [layer.path for layer in layers],
        "kind": [layer.kind for layer in layers],
        "input": [show(layer.input) if layer.input else None for layer in layers],
        "output": [show(layer.output) if layer.output else None for layer in layers],
    }
    for name in _COUNTS:
        columns[name] = [getattr(layer, name) if layer.known else None for layer in layers]
    columns["line"] = [where.line if (where := layer.location) else None for layer in layers]
    return columns
