"""The weights of layers: filters times the kernel times the channels that it reads, and biases."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from cnnkit.exercises.network import analysed, equations, written
from cnnkit.exercises.question import Question, mistakes
from cnnkit.exercises.words import Say


def question(draw: Random, level: int, say: Say) -> Question:
    """Those of a convolution, at level 2 of a dense layer, at level 3 of a whole network."""
    return (_of_a_convolution, _of_a_dense_layer, _of_a_network)[level - 1](draw, say)


def _of_a_convolution(draw: Random, say: Say) -> Question:
    filters, kernel, channels = draw.randint(2, 32), draw.choice((3, 5, 7)), draw.choice((3, 8, 16))
    spec = written(f"32x32x{channels}", [f"conv: {{filters: {filters}, kernel: {kernel}}}"])
    weights = filters * kernel * kernel * channels
    found = [
        (weights, say("parameters.no_bias")),
        (filters * kernel * kernel + filters, say("parameters.no_channels")),
        (kernel * kernel * channels + 1, say("parameters.one_filter")),
        (filters * kernel * channels + filters, say("parameters.one_axis")),
    ]
    text = say("parameters.conv", filters=filters, kernel=kernel, channels=channels)
    return _asked(text, spec, found, say)


def _of_a_dense_layer(draw: Random, say: Say) -> Question:
    extent, channels, units = draw.randint(4, 12), draw.choice((4, 8, 16)), draw.randint(3, 20)
    spec = written(f"{extent}x{extent}x{channels}", ["flatten", f"dense: {{units: {units}}}"])
    inputs = extent * extent * channels
    found = [
        (inputs * units, say("parameters.no_bias")),
        (inputs * units + 1, say("parameters.one_bias")),
        ((extent * extent + 1) * units, say("parameters.no_channels")),
    ]
    shape = f"{extent}×{extent}×{channels}"
    return _asked(say("parameters.dense", shape=shape, units=units), spec, found, say)


def _of_a_network(draw: Random, say: Say) -> Question:
    filters, kernel, units = draw.randint(4, 16), draw.choice((3, 5)), draw.randint(3, 10)
    extent = 2 * draw.randint(4, 8) + kernel - 1
    layers = [
        f"conv: {{filters: {filters}, kernel: {kernel}}}",
        "max_pool: {size: 2}",
        "flatten",
        f"dense: {{units: {units}}}",
    ]
    spec = written(f"{extent}x{extent}x3", layers)
    pooled = (extent - kernel + 1) // 2
    weights = filters * kernel * kernel * 3 + pooled * pooled * filters * units
    unpooled = (extent - kernel + 1) ** 2 * filters * units
    found = [
        (weights, say("parameters.no_bias")),
        (filters * (kernel * kernel * 3 + 1) + unpooled + units, say("parameters.no_pool")),
    ]
    text = say("parameters.network", extent=extent, filters=filters, kernel=kernel, units=units)
    return _asked(text, spec, found, say)


def _asked(text: str, spec: str, found: list[tuple[int, str]], say: Say) -> Question:
    analysis = analysed(spec)
    answer = Fraction(analysis.totals.parameters)
    return Question(
        "parameters",
        text,
        answer,
        equations(analysis, "parameters", say),
        mistakes(answer, [(Fraction(value), said) for value, said in found]),
        spec=spec,
    )
