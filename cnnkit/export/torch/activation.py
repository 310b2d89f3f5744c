"""The activations, in the words of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code import hole, option
from cnnkit.export.common import function
from cnnkit.export.outline import Operation
from cnnkit.export.site import Site, Writer


def _leaky_relu(site: Site[layers.LeakyRelu]) -> Operation:
    return Operation((f"F.leaky_relu({{0}}, {hole('negative_slope', site.layer.slope)})",))


def _elu(site: Site[layers.Elu]) -> Operation:
    return Operation((f"F.elu({{0}}{option('alpha', site.layer.alpha, 1.0)})",))


def _gelu(site: Site[layers.Gelu]) -> Operation:
    return Operation(
        ('F.gelu({0}, approximate="tanh")' if site.layer.approximate else "F.gelu({0})",)
    )


def _prelu(site: Site[layers.Prelu]) -> Operation:
    init = option("init", site.layer.init, 0.25)
    return Operation(("{layer}({0})",), f"nn.PReLU({hole('channels', site.channels)}{init})")


def _over_channels(name: str) -> Writer:
    return lambda _: Operation((f"F.{name}({{0}}, dim=1)",))


def _maxout(site: Site[layers.Maxout]) -> Operation:
    return Operation(
        (f"{{0}}.unflatten(1, (-1, {hole('pieces', site.layer.pieces)})).amax(dim=2)",)
    )


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "relu": function("F.relu"),
        "relu6": function("F.relu6"),
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "selu": function("F.selu"),
        "prelu": _prelu,
        "gelu": _gelu,
        "silu": function("F.silu"),
        "mish": function("F.mish"),
        "sigmoid": function("torch.sigmoid"),
        "hard_sigmoid": function("F.hardsigmoid"),
        "hard_silu": function("F.hardswish"),
        "tanh": function("torch.tanh"),
        "softplus": function("F.softplus"),
        "softmax": _over_channels("softmax"),
        "log_softmax": _over_channels("log_softmax"),
        "maxout": _maxout,
        "linear": lambda _: Operation(("{0}",)),
    }
)
