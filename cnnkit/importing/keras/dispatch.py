"""What reads each layer of Keras, by the names of its classes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cnnkit.errors import did_you_mean
from cnnkit.importing.graph import RefusedError
from cnnkit.importing.keras.attention import ATTENTION
from cnnkit.importing.keras.converted import PACKAGE, converted
from cnnkit.importing.keras.functions import FUNCTIONS, MERGES, LayerReader
from cnnkit.importing.keras.normalization import NORMALIZATIONS
from cnnkit.importing.keras.ops import OPS
from cnnkit.importing.keras.recurrence import RECURRENCE
from cnnkit.importing.keras.shaping import Function
from cnnkit.importing.keras.windows import WINDOWS

LAYERS: Mapping[str, LayerReader] = MappingProxyType(
    {**WINDOWS, **FUNCTIONS, **MERGES, **NORMALIZATIONS, **RECURRENCE, **ATTENTION}
)
OF_ONE_TENSOR = frozenset({**WINDOWS, **FUNCTIONS, **NORMALIZATIONS})
"""Layers for which a second tensor is a mask."""
MODELS = ("Functional", "Model", "Sequential")
SLICES = "TimeDistributed"
WRAPPERS = (SLICES, "SpectralNormalization")
"""Layers around another: at inference the second is the one that it is around."""
_NEAR = {
    "Attention": "near is attention, whose queries, keys and values are projections",
    "AdditiveAttention": "near is attention, by products of queries and keys",
    "AlphaDropout": "near is dropout",
    "Dot": "near is attention",
    "GaussianDropout": "near are dropout and gaussian_noise",
    "Lambda": "its code is not run: write what it does as a layer of Keras",
    "Masking": "near is attention or lstm, of all positions",
    "Resizing": "near is upsample",
    "SimpleRNN": "near are lstm and gru",
}


def operation_of(layer: Mapping[str, Any]) -> Function | None:
    """What reads a function of `keras.ops`; None of a layer.

    HDF5 does not keep the module: there, a layer is told by what its configuration always says.
    """
    kind, module = layer["class_name"], str(layer.get("module") or "")
    bare = not module and "trainable" not in layer["config"] and "dtype" not in layer["config"]
    if ".ops." in module or (bare and kind in OPS):
        if kind not in OPS:
            raise _unread(kind, OPS)
        return OPS[kind]
    return None


def layer_of(layer: Mapping[str, Any]) -> LayerReader:
    """What reads a layer.

    Raises:
        RefusedError: Nothing does.
    """
    kind, module = layer["class_name"], str(layer.get("module") or "")
    registered = str(layer.get("registered_name") or kind)
    if registered.startswith(PACKAGE):
        return converted(registered, LAYERS)
    if kind not in LAYERS or (module and module.partition(".")[0] != "keras"):
        raise _unread(kind, LAYERS)
    return LAYERS[kind]


def _unread(kind: str, known: Mapping[str, Any]) -> RefusedError:
    near = did_you_mean(kind, known)
    advice = _NEAR.get(kind) or (f"near is {near}" if near else None)
    return RefusedError("`import` does not read it", advice)


def layers_of(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The layers of a model; of a `Sequential` of Keras 1, the configuration is their list.

    Raises:
        RefusedError: It is none, or has none.
    """
    if config["class_name"] not in MODELS:
        raise RefusedError(
            f"it is a {config['class_name']}: a class of its own says what it does only as code",
            "near are Sequential and functional models",
        )
    inner = config["config"]
    found: list[Mapping[str, Any]] = inner if isinstance(inner, list) else inner["layers"]
    if not found:
        raise RefusedError("the model has no layers")
    return found


def name_of(layer: Mapping[str, Any]) -> str:
    """What a layer is called."""
    return str(layer.get("name") or layer["config"]["name"])


def scope_of(kind: str, path: Sequence[str]) -> str:
    """The names of the models that a layer is in, and its own, where Keras did not make that."""
    made = re.fullmatch(rf"{re.escape(_snake(kind))}(_\d+)?", path[-1])
    return "/".join(path[:-1] if made else path)


def places(layers: Sequence[Mapping[str, Any]], place: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Where the archive has each layer: by its class, and a number from the second on."""
    return [(*place, "layers", name) for name in _numbered(layers)]


def _numbered(layers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    counted: dict[str, int] = {}
    for layer in layers:
        name = _snake(str(layer["class_name"]))
        count = counted[name] = counted.get(name, -1) + 1
        yield f"{name}_{count}" if count else name


def _snake(name: str) -> str:
    """`SeparableConv2D` as Keras has it: `separable_conv2d`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
