"""The activations, in the words of Flax."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code import hole, option
from cnnkit.export.common import function, maxout
from cnnkit.export.outline import Operation
from cnnkit.export.site import Site, Writer


def _leaky_relu(site: Site[layers.LeakyRelu]) -> Operation:
    return Operation((f"nnx.leaky_relu({{0}}, {hole('negative_slope', site.layer.slope)})",))


def _elu(site: Site[layers.Elu]) -> Operation:
    return Operation((f"nnx.elu({{0}}{option('alpha', site.layer.alpha, 1.0)})",))


def _gelu(site: Site[layers.Gelu]) -> Operation:
    return Operation((f"nnx.gelu({{0}}, approximate={site.layer.approximate})",))


def _prelu(site: Site[layers.Prelu]) -> Operation:
    init = option("init", site.layer.init, 0.25)
    return Operation(("{layer}({0})",), f"PReLU({hole('features', site.channels)}{init})")


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "relu": function("nnx.relu"),
        "relu6": function("nnx.relu6"),
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "selu": function("nnx.selu"),
        "prelu": _prelu,
        "gelu": _gelu,
        "silu": function("nnx.silu"),
        "mish": function("jax.nn.mish"),
        "sigmoid": function("nnx.sigmoid"),
        "hard_sigmoid": function("nnx.hard_sigmoid"),
        "hard_silu": function("nnx.hard_silu"),
        "tanh": function("nnx.tanh"),
        "softplus": function("nnx.softplus"),
        "softmax": function("nnx.softmax"),
        "log_softmax": function("nnx.log_softmax"),
        "maxout": maxout,
        "linear": lambda _: Operation(("{0}",)),
    }
)
