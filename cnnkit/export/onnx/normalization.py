"""Normalizations as operators of ONNX, at inference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from cnnkit import layers
from cnnkit.export.onnx.writing import Writer, Writing, per_channel, reduced, reshaped
from cnnkit.spec.site import Site


def _batch_norm(write: Writing, site: Site[layers.BatchNorm]) -> str:
    plain = {"scale": np.ones, "shift": np.zeros}
    affine = [
        write.weight(name, write.array(name))
        if write.has(name)
        else write.constant(name, made(site.channels))
        for name, made in plain.items()
    ]
    state = [write.weight(name, write.array(name)) for name in ("mean", "variance")]
    epsilon = float(site.layer.epsilon)
    momentum = float(site.layer.momentum)
    return write.node(
        "BatchNormalization", write.x, *affine, *state, epsilon=epsilon, momentum=momentum
    )


def _standardized(write: Writing, x: str, axes: Sequence[int], epsilon: float) -> str:
    """The elements over some axes with mean 0 and variance 1."""
    around = write.node("Sub", x, reduced(write, "ReduceMean", x, axes))
    variance = reduced(write, "ReduceMean", write.node("Mul", around, around), axes)
    added = write.node("Add", variance, write.constant("epsilon", epsilon))
    return write.node("Div", around, write.node("Sqrt", added))


def _affine(write: Writing, x: str, rank: int) -> str:
    """Times the learnt factors, plus what is learnt to be added, where the layer has them.

    There is one of each a channel, or one an element.
    """
    for name, kind in (("scale", "Mul"), ("shift", "Add")):
        if write.has(name):
            array = write.array(name)
            placed = per_channel(array, rank) if array.ndim == 1 else np.moveaxis(array, -1, 0)
            x = write.node(kind, x, write.weight(name, placed))
    return x


def _layer_norm(write: Writing, site: Site[layers.LayerNorm]) -> str:
    axes = range(1, site.rank + 2) if site.layer.over == "all" else [1]
    return _affine(write, _standardized(write, write.x, axes, site.layer.epsilon), site.rank)


def _instance_norm(write: Writing, site: Site[layers.InstanceNorm]) -> str:
    axes = range(2, site.rank + 2)
    return _affine(write, _standardized(write, write.x, axes, site.layer.epsilon), site.rank)


def _group_norm(write: Writing, site: Site[layers.GroupNorm]) -> str:
    *extents, channels = site.shape
    groups = site.layer.groups
    sets = reshaped(write, write.x, [groups, math.prod(site.shape) // groups])
    y = _standardized(write, sets, [2], site.layer.epsilon)
    return _affine(write, reshaped(write, y, [channels, *extents]), site.rank)


def _rms_norm(write: Writing, site: Site[layers.RmsNorm]) -> str:
    squares = reduced(write, "ReduceMean", write.node("Mul", write.x, write.x), [1])
    added = write.node("Add", squares, write.constant("epsilon", site.layer.epsilon))
    return _affine(write, write.node("Div", write.x, write.node("Sqrt", added)), site.rank)


def _global_response_norm(write: Writing, site: Site[layers.GlobalResponseNorm]) -> str:
    norms = reduced(write, "ReduceL2", write.x, range(2, site.rank + 2))
    mean = reduced(write, "ReduceMean", norms, [1])
    added = write.node("Add", mean, write.constant("epsilon", site.layer.epsilon))
    responses = write.node("Mul", write.x, write.node("Div", norms, added))
    return write.node("Add", _affine(write, responses, site.rank), write.x)


def _local_response_norm(write: Writing, site: Site[layers.LocalResponseNorm]) -> str:
    layer = site.layer
    if site.rank == 2 and layer.size % 2:  # runtimes have it for pictures and odd sizes alone
        values = {"alpha": float(layer.alpha), "beta": float(layer.beta), "bias": float(layer.k)}
        return write.node("LRN", write.x, size=layer.size, **values)
    *extents, channels = site.shape
    squares = reshaped(
        write, write.node("Mul", write.x, write.x), [1, channels, math.prod(extents)]
    )
    before, after = layer.size // 2, (layer.size - 1) // 2
    widths = write.constant("pads", [0, 0, before, 0, 0, 0, after, 0], np.int64)
    framed = write.node("Pad", squares, widths, mode="constant")
    means = write.node("AveragePool", framed, kernel_shape=[layer.size, 1])
    scaled = write.node("Mul", means, write.constant("alpha", layer.alpha))
    base = write.node("Add", scaled, write.constant("k", layer.k))
    power = write.node("Pow", base, write.constant("beta", layer.beta))
    return write.node("Div", write.x, reshaped(write, power, [channels, *extents]))


def _rescale(write: Writing, site: Site[layers.Rescale]) -> str:
    mean, deviation = (
        write.constant(name, per_channel(vars(site.layer)[name], site.rank))
        for name in ("mean", "deviation")
    )
    return write.node("Div", write.node("Sub", write.x, mean), deviation)


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "batch_norm": _batch_norm,
        "layer_norm": _layer_norm,
        "group_norm": _group_norm,
        "instance_norm": _instance_norm,
        "rms_norm": _rms_norm,
        "local_response_norm": _local_response_norm,
        "global_response_norm": _global_response_norm,
        "rescale": _rescale,
    }
)
