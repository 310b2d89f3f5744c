"""The activations, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code import hole
from cnnkit.export.common import maxout
from cnnkit.export.keras.naming import operation_of
from cnnkit.export.outline import Operation
from cnnkit.export.site import Site, Writer


def _activation(name: str) -> Writer:
    """An activation without fields."""
    return lambda _: operation_of(f'layers.Activation("{name}"')


def _leaky_relu(site: Site[layers.LeakyRelu]) -> Operation:
    return operation_of(f"layers.LeakyReLU({hole('negative_slope', site.layer.slope)}")


def _elu(site: Site[layers.Elu]) -> Operation:
    return operation_of(f"layers.ELU({hole('alpha', site.layer.alpha)}")


def _gelu(site: Site[layers.Gelu]) -> Operation:
    return Operation((f"ops.gelu({{0}}, approximate={site.layer.approximate})",))


def _prelu(site: Site[layers.Prelu]) -> Operation:
    axes = list(range(1, len(site.shape)))
    shared = f", shared_axes={axes}" if axes else ""
    return operation_of(
        f"layers.PReLU(keras.initializers.Constant({hole('init', site.layer.init)}){shared}"
    )


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "relu": _activation("relu"),
        "relu6": _activation("relu6"),
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "selu": _activation("selu"),
        "prelu": _prelu,
        "gelu": _gelu,
        "silu": _activation("silu"),
        "mish": _activation("mish"),
        "sigmoid": _activation("sigmoid"),
        "hard_sigmoid": _activation("hard_sigmoid"),
        "hard_silu": _activation("hard_silu"),
        "tanh": _activation("tanh"),
        "softplus": _activation("softplus"),
        "softmax": _activation("softmax"),
        "log_softmax": _activation("log_softmax"),
        "maxout": maxout,
        "linear": lambda _: Operation(("{0}",)),
    }
)
