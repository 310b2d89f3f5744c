"""The activations, in the words of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import function, power
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.spec.site import Site


def _leaky_relu(site: Site[layers.LeakyRelu]) -> Expression:
    return Expression((f"F.leaky_relu({{0}}, {hole('negative_slope', site.layer.slope)})",))


def _elu(site: Site[layers.Elu]) -> Expression:
    return Expression((f"F.elu({{0}}{option('alpha', site.layer.alpha, 1.0)})",))


def _gelu(site: Site[layers.Gelu]) -> Expression:
    return Expression(
        ('F.gelu({0}, approximate="tanh")' if site.layer.approximate else "F.gelu({0})",)
    )


def _celu(site: Site[layers.Celu]) -> Expression:
    return Expression((f"F.celu({{0}}{option('alpha', site.layer.alpha, 1.0)})",))


def _hard_tanh(site: Site[layers.HardTanh]) -> Expression:
    limits = option("min_val", site.layer.minimum, -1.0) + option(
        "max_val", site.layer.maximum, 1.0
    )
    return Expression((f"F.hardtanh({{0}}{limits})",))


def _shrink(name: str) -> Writer:
    return lambda site: Expression(
        (f"F.{name}({{0}}{option('lambd', site.layer.threshold, 0.5)})",)
    )


def _threshold(site: Site[layers.Threshold]) -> Expression:
    layer = site.layer
    numbers = f"{hole('threshold', layer.threshold)}, {hole('value', layer.value)}"
    return Expression((f"F.threshold({{0}}, {numbers})",))


_GATES = {
    "silu": "F.silu({})",
    "gelu": "F.gelu({})",
    "relu": "F.relu({})",
    "tanh": "torch.tanh({})",
    "linear": "{}",
}


def _glu(site: Site[layers.Glu]) -> Expression:
    if site.layer.gate == "sigmoid":
        return Expression(("F.glu({0}, dim=1)",))
    half = site.channels // 2
    gate = _GATES[site.layer.gate].format(f"{{0}}[:, {hole('half', half)}:]")
    return Expression((f"{{0}}[:, : {hole('half', half)}] * {gate}",))


def _prelu(site: Site[layers.Prelu]) -> Expression:
    init = option("init", site.layer.init, 0.25)
    if site.layer.per == "cell" and site.rank:  # PyTorch's has one slope, or one a channel
        shape = (site.channels, *site.shape[:-1])
        return Expression(("{layer}({0})",), f"PReLUOfCells({hole('shape', shape)}{init})")
    slopes = 1 if site.layer.per == "layer" else site.channels
    return Expression(("{layer}({0})",), f"nn.PReLU({hole('channels', slopes)}{init})")


def _over_axis(name: str) -> Writer:
    def written(site: Site[Any]) -> Expression:
        axis = 1 if site.layer.over == "channels" else site.layer.over + 2
        return Expression((f"F.{name}({{0}}, dim={axis})",))

    return written


def _maxout(site: Site[layers.Maxout]) -> Expression:
    return Expression(
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
        "celu": _celu,
        "softsign": function("F.softsign"),
        "hard_tanh": _hard_tanh,
        "quick_gelu": lambda _: Expression(("{0} * torch.sigmoid(1.702 * {0})",)),
        "softshrink": _shrink("softshrink"),
        "hard_shrink": _shrink("hardshrink"),
        "threshold": _threshold,
        "power": power,
        "log_sigmoid": function("F.logsigmoid"),
        "tanhshrink": function("F.tanhshrink"),
        "softmax": _over_axis("softmax"),
        "log_softmax": _over_axis("log_softmax"),
        "maxout": _maxout,
        "glu": _glu,
        "linear": lambda _: Expression(("{0}",)),
    }
)
