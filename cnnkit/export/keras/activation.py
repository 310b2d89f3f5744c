"""The activations, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import power
from cnnkit.export.keras.naming import operation_of
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.spec.site import Site


def _activation(name: str) -> Writer:
    """An activation without fields."""
    return lambda _: operation_of(f'layers.Activation("{name}"')


def _leaky_relu(site: Site[layers.LeakyRelu]) -> Expression:
    return operation_of(f"layers.LeakyReLU({hole('negative_slope', site.layer.slope)}")


def _elu(site: Site[layers.Elu]) -> Expression:
    return operation_of(f"layers.ELU({hole('alpha', site.layer.alpha)}")


def _gelu(site: Site[layers.Gelu]) -> Expression:
    return Expression((f"ops.gelu({{0}}, approximate={site.layer.approximate})",))


def _celu(site: Site[layers.Celu]) -> Expression:
    return Expression((f"ops.celu({{0}}{option('alpha', site.layer.alpha, 1.0)})",))


def _hard_tanh(site: Site[layers.HardTanh]) -> Expression:
    layer = site.layer
    if (layer.minimum, layer.maximum) == (-1, 1):
        return operation_of('layers.Activation("hard_tanh"')
    limits = f"{hole('minimum', layer.minimum)}, {hole('maximum', layer.maximum)}"
    return Expression((f"ops.clip({{0}}, {limits})",))


def _shrink(name: str) -> Writer:
    return lambda site: Expression(
        (f"ops.{name}({{0}}{option('threshold', site.layer.threshold, 0.5)})",)
    )


def _threshold(site: Site[layers.Threshold]) -> Expression:
    layer = site.layer
    numbers = f"{hole('threshold', layer.threshold)}, {hole('value', layer.value)}"
    return Expression((f"ops.threshold({{0}}, {numbers})",))


_GATES = {
    "silu": "ops.silu({})",
    "gelu": "ops.gelu({}, approximate=False)",
    "relu": "ops.relu({})",
    "tanh": "ops.tanh({})",
    "linear": "{}",
}


def _glu(site: Site[layers.Glu]) -> Expression:
    if site.layer.gate == "sigmoid":
        return operation_of('layers.Activation("glu"')
    half = hole("half", site.channels // 2)
    gate = _GATES[site.layer.gate].format(f"{{0}}[..., {half}:]")
    return Expression((f"{{0}}[..., :{half}] * {gate}",))


def _prelu(site: Site[layers.Prelu]) -> Expression:
    shared_axes = {"channel": len(site.shape), "layer": len(site.shape) + 1, "cell": 1}
    axes = list(range(1, shared_axes[site.layer.per]))
    shared = f", shared_axes={axes}" if axes else ""
    return operation_of(
        f"layers.PReLU(keras.initializers.Constant({hole('init', site.layer.init)}){shared}"
    )


def _maxout(site: Site[layers.Maxout]) -> Expression:
    return operation_of(f"Maxout(pieces={hole('pieces', site.layer.pieces)}")


def _over_axis(name: str) -> Writer:
    def written(site: Site[Any]) -> Expression:
        if site.layer.over == "channels":
            return _activation(name)(site)
        return Expression((f"ops.{name}({{0}}, axis={site.layer.over + 1})",))

    return written


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
        "celu": _celu,
        "softsign": _activation("softsign"),
        "hard_tanh": _hard_tanh,
        "quick_gelu": lambda _: Expression(("{0} * ops.sigmoid(1.702 * {0})",)),
        "softshrink": _shrink("soft_shrink"),
        "hard_shrink": _shrink("hard_shrink"),
        "threshold": _threshold,
        "power": power,
        "log_sigmoid": _activation("log_sigmoid"),
        "tanhshrink": _activation("tanh_shrink"),
        "softmax": _over_axis("softmax"),
        "log_softmax": _over_axis("log_softmax"),
        "maxout": _maxout,
        "glu": _glu,
        "linear": lambda _: Expression(("{0}",)),
    }
)
