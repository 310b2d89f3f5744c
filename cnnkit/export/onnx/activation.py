"""Activations as operators of ONNX, from those that opset 13 has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.onnx.writing import Writer, Writing, per_channel, reduced, reshaped
from cnnkit.export.site import Site


def _plain(kind: str, **attributes: Any) -> Writer:
    def written(write: Writing, site: Site[Any]) -> str:
        del site
        return write.node(kind, write.x, **attributes)

    return written


def _relu6(write: Writing, site: Site[Any]) -> str:
    del site
    return write.node("Clip", write.x, write.constant("min", 0.0), write.constant("max", 6.0))


def _leaky_relu(write: Writing, site: Site[layers.LeakyRelu]) -> str:
    return write.node("LeakyRelu", write.x, alpha=float(site.layer.slope))


def _elu(write: Writing, site: Site[layers.Elu]) -> str:
    return write.node("Elu", write.x, alpha=float(site.layer.alpha))


def _prelu(write: Writing, site: Site[Any]) -> str:
    slope = write.weight("slope", per_channel(write.array("slope"), site.rank))
    return write.node("PRelu", write.x, slope)


def _gelu(write: Writing, site: Site[layers.Gelu]) -> str:
    x = write.x
    if site.layer.approximate:
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
    return write.node("Mul", write.x, write.node("Sigmoid", write.x))


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
        "softmax": _plain("Softmax", axis=1),
        "log_softmax": _plain("LogSoftmax", axis=1),
        "maxout": _maxout,
        "linear": _linear,
    }
)
