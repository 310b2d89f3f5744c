"""Activations as operators of ONNX, from those that opset 13 has."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from cnnkit import layers
from cnnkit.export.onnx.writing import (
    Writer,
    Writing,
    channels_first_axis,
    per_channel,
    reduced,
    reshaped,
    sliced,
)
from cnnkit.spec.site import Site


def _plain(kind: str, **attributes: Any) -> Writer:
    def written(write: Writing, site: Site[Any]) -> str:
        del site
        return write.node(kind, write.x, **attributes)

    return written


def _over_axis(kind: str) -> Writer:
    def written(write: Writing, site: Site[Any]) -> str:
        return write.node(kind, write.x, axis=channels_first_axis(site.layer.over))

    return written


def _relu6(write: Writing, site: Site[Any]) -> str:
    del site
    return write.node("Clip", write.x, write.constant("min", 0.0), write.constant("max", 6.0))


def _leaky_relu(write: Writing, site: Site[layers.LeakyRelu]) -> str:
    return write.node("LeakyRelu", write.x, alpha=float(site.layer.slope))


def _elu(write: Writing, site: Site[layers.Elu]) -> str:
    return write.node("Elu", write.x, alpha=float(site.layer.alpha))


def _prelu(write: Writing, site: Site[Any]) -> str:
    values = write.array("slope")
    slopes = np.moveaxis(values, -1, 0) if values.ndim > 1 else per_channel(values, site.rank)
    slope = write.weight("slope", slopes)
    return write.node("PRelu", write.x, slope)


def _celu(write: Writing, site: Site[layers.Celu]) -> str:
    return write.node("Celu", write.x, alpha=float(site.layer.alpha))


def _hard_tanh(write: Writing, site: Site[layers.HardTanh]) -> str:
    limits = (write.constant(name, getattr(site.layer, name)) for name in ("minimum", "maximum"))
    return write.node("Clip", write.x, *limits)


def _softshrink(write: Writing, site: Site[layers.Softshrink]) -> str:
    threshold = float(site.layer.threshold)
    return write.node("Shrink", write.x, lambd=threshold, bias=threshold)


def _hard_shrink(write: Writing, site: Site[layers.HardShrink]) -> str:
    return write.node("Shrink", write.x, lambd=float(site.layer.threshold), bias=0.0)


def _threshold(write: Writing, site: Site[layers.Threshold]) -> str:
    above = write.node("Greater", write.x, write.constant("threshold", site.layer.threshold))
    return write.node("Where", above, write.x, write.constant("value", site.layer.value))


def _power(write: Writing, site: Site[layers.Power]) -> str:
    return write.node("Pow", write.x, write.constant("exponent", site.layer.exponent))


def _log_sigmoid(write: Writing, site: Site[Any]) -> str:
    del site
    return write.node("Neg", write.node("Softplus", write.node("Neg", write.x)))


def _tanhshrink(write: Writing, site: Site[Any]) -> str:
    del site
    return write.node("Sub", write.x, write.node("Tanh", write.x))


def _gelu(write: Writing, site: Site[layers.Gelu]) -> str:
    return _gelu_of(write, write.x, approximate=site.layer.approximate)


def _gelu_of(write: Writing, x: str, *, approximate: bool) -> str:
    if approximate:
        square = write.node("Mul", x, x)
        cubic = write.node("Mul", square, write.constant("cubic", 0.044715))
        inside = write.node("Mul", x, write.node("Add", cubic, write.constant("one", 1.0)))
        scaled = write.node("Mul", inside, write.constant("factor", math.sqrt(2 / math.pi)))
        gate = write.node("Tanh", scaled)
    else:
        gate = write.node("Erf", write.node("Div", x, write.constant("root", math.sqrt(2))))
    whole = write.node("Add", gate, write.constant("one", 1.0))
    return write.node("Mul", write.node("Mul", x, whole), write.constant("half", 0.5))


def _silu(write: Writing, site: Site[Any]) -> str:
    del site
    return _silu_of(write, write.x)


def _silu_of(write: Writing, x: str) -> str:
    return write.node("Mul", x, write.node("Sigmoid", x))


def _quick_gelu(write: Writing, site: Site[Any]) -> str:
    del site
    scaled = write.node("Mul", write.x, write.constant("factor", 1.702))
    return write.node("Mul", write.x, write.node("Sigmoid", scaled))


def _mish(write: Writing, site: Site[Any]) -> str:
    del site
    return write.node("Mul", write.x, write.node("Tanh", write.node("Softplus", write.x)))


_SIXTH = {"alpha": 1 / 6, "beta": 0.5}


def _hard_silu(write: Writing, site: Site[Any]) -> str:
    del site
    return write.node("Mul", write.x, write.node("HardSigmoid", write.x, **_SIXTH))


def _maxout(write: Writing, site: Site[layers.Maxout]) -> str:
    *extents, channels = site.shape
    pieces = site.layer.pieces
    parts = reshaped(write, write.x, [channels // pieces, pieces, *extents])
    return reduced(write, "ReduceMax", parts, [2], keep=False)


_GATES: Mapping[str, Callable[[Writing, str], str]] = MappingProxyType(
    {
        "sigmoid": lambda write, x: write.node("Sigmoid", x),
        "silu": _silu_of,
        "gelu": lambda write, x: _gelu_of(write, x, approximate=False),
        "relu": lambda write, x: write.node("Relu", x),
        "tanh": lambda write, x: write.node("Tanh", x),
        "linear": lambda _, x: x,
    }
)


def _glu(write: Writing, site: Site[layers.Glu]) -> str:
    half = site.channels // 2
    first = sliced(write, write.x, [0], [half], [1])
    second = sliced(write, write.x, [half], [site.channels], [1])
    return write.node("Mul", first, _GATES[site.layer.gate](write, second))


def _linear(write: Writing, site: Site[Any]) -> str:
    del site
    return write.x


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "relu": _plain("Relu"),
        "relu6": _relu6,
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "selu": _plain("Selu"),
        "prelu": _prelu,
        "gelu": _gelu,
        "silu": _silu,
        "mish": _mish,
        "sigmoid": _plain("Sigmoid"),
        "hard_sigmoid": _plain("HardSigmoid", **_SIXTH),
        "hard_silu": _hard_silu,
        "tanh": _plain("Tanh"),
        "softplus": _plain("Softplus"),
        "celu": _celu,
        "softsign": _plain("Softsign"),
        "hard_tanh": _hard_tanh,
        "quick_gelu": _quick_gelu,
        "softshrink": _softshrink,
        "hard_shrink": _hard_shrink,
        "threshold": _threshold,
        "power": _power,
        "log_sigmoid": _log_sigmoid,
        "tanhshrink": _tanhshrink,
        "softmax": _over_axis("Softmax"),
        "log_softmax": _over_axis("LogSoftmax"),
        "maxout": _maxout,
        "glu": _glu,
        "linear": _linear,
    }
)
