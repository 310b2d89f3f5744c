"""The activations, in the words of Flax."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import function, maxout, power
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.spec.site import Site


def _leaky_relu(site: Site[layers.LeakyRelu]) -> Expression:
    return Expression((f"nnx.leaky_relu({{0}}, {hole('negative_slope', site.layer.slope)})",))


def _elu(site: Site[layers.Elu]) -> Expression:
    return Expression((f"nnx.elu({{0}}{option('alpha', site.layer.alpha, 1.0)})",))


def _gelu(site: Site[layers.Gelu]) -> Expression:
    return Expression((f"nnx.gelu({{0}}, approximate={site.layer.approximate})",))


def _celu(site: Site[layers.Celu]) -> Expression:
    return Expression((f"nnx.celu({{0}}{option('alpha', site.layer.alpha, 1.0)})",))


def _hard_tanh(site: Site[layers.HardTanh]) -> Expression:
    limits = f"{hole('minimum', site.layer.minimum)}, {hole('maximum', site.layer.maximum)}"
    return Expression((f"jnp.clip({{0}}, {limits})",))


def _shrink(site: Site[Any]) -> Expression:
    return Expression((f"{site.layer.kind}({{0}}, {hole('threshold', site.layer.threshold)})",))


def _threshold(site: Site[layers.Threshold]) -> Expression:
    layer = site.layer
    above = f"{{0}} > {hole('threshold', layer.threshold)}"
    return Expression((f"jnp.where({above}, {{0}}, {hole('value', layer.value)})",))


_GATES = {
    "silu": "nnx.silu",
    "gelu": "exact_gelu",
    "relu": "nnx.relu",
    "tanh": "nnx.tanh",
    "linear": "nnx.identity",
}


def _glu(site: Site[layers.Glu]) -> Expression:
    if site.layer.gate == "sigmoid":
        return Expression(("nnx.glu({0})",))
    return Expression((f"gated({{0}}, {_GATES[site.layer.gate]})",))


def _prelu(site: Site[layers.Prelu]) -> Expression:
    init = option("init", site.layer.init, 0.25)
    (slope,) = site.node.effect.weights
    features = slope.size if len(slope.shape) == 1 else slope.shape
    return Expression(("{layer}({0})",), f"PReLU({hole('features', features)}{init})")


def _over_axis(name: str) -> Writer:
    def written(site: Site[Any]) -> Expression:
        over = site.layer.over
        axis = "" if over == "channels" else f", axis={over + 1}"
        return Expression((f"nnx.{name}({{0}}{axis})",))

    return written


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
        "celu": _celu,
        "softsign": function("nnx.soft_sign"),
        "hard_tanh": _hard_tanh,
        "quick_gelu": lambda _: Expression(("{0} * nnx.sigmoid(1.702 * {0})",)),
        "softshrink": _shrink,
        "hard_shrink": _shrink,
        "threshold": _threshold,
        "power": power,
        "log_sigmoid": function("nnx.log_sigmoid"),
        "tanhshrink": lambda _: Expression(("{0} - nnx.tanh({0})",)),
        "softmax": _over_axis("softmax"),
        "log_softmax": _over_axis("log_softmax"),
        "maxout": maxout,
        "glu": _glu,
        "linear": lambda _: Expression(("{0}",)),
    }
)
