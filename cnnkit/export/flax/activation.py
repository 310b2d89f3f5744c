"""The activations, in the words of Flax."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code import hole, option
from cnnkit.export.outline import Operation
from cnnkit.export.site import Site, Writer


def _function(name: str) -> Writer:
    """An activation without fields."""
    return lambda _: Operation((f"{name}({{0}})",))


def _leaky_relu(site: Site[layers.LeakyRelu]) -> Operation:
    return Operation((f"nnx.leaky_relu({{0}}, {hole('negative_slope', site.layer.slope)})",))


def _elu(site: Site[layers.Elu]) -> Operation:
    return Operation((f"nnx.elu({{0}}{option('alpha', site.layer.alpha, 1.0)})",))


def _gelu(site: Site[layers.Gelu]) -> Operation:
    return Operation((f"nnx.gelu({{0}}, approximate={site.layer.approximate})",))


def _prelu(site: Site[layers.Prelu]) -> Operation:
    init = option("init", site.layer.init, 0.25)
    return Operation(("{layer}({0})",), f"PReLU({hole('features', site.channels)}{init})")


def _maxout(site: Site[layers.Maxout]) -> Operation:
    return Operation((f"maxout({{0}}, {hole('pieces', site.layer.pieces)})",))


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "relu": _function("nnx.relu"),
        "relu6": _function("nnx.relu6"),
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "selu": _function("nnx.selu"),
        "prelu": _prelu,
        "gelu": _gelu,
        "silu": _function("nnx.silu"),
        "mish": _function("jax.nn.mish"),
        "sigmoid": _function("nnx.sigmoid"),
        "hard_sigmoid": _function("nnx.hard_sigmoid"),
        "hard_silu": _function("nnx.hard_silu"),
        "tanh": _function("nnx.tanh"),
        "softplus": _function("nnx.softplus"),
        "softmax": _function("nnx.softmax"),
        "log_softmax": _function("nnx.log_softmax"),
        "maxout": _maxout,
        "linear": lambda _: Operation(("{0}",)),
    }
)
