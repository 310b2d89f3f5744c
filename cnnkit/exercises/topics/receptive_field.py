"""The receptive field: r = 1 + Σ (F − 1)·(the strides before), by Araujo et al., 2019."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from random import Random

from cnnkit.exercises.network import analysed, equations, written
from cnnkit.exercises.question import Question, mistakes
from cnnkit.exercises.words import Say


def question(draw: Random, level: int, say: Say) -> Question:
    """Three convolutions of stride 1; then two with strides; at level 3 with a pool between."""
    kernels = [draw.choice((3, 5, 7, 9)) for _ in range(2 if level > 1 else 3)]
    strides = [draw.choice((1, 2, 3)) if level > 1 else 1 for _ in kernels]
    if level > 1 and strides[0] == 1:
        strides[0] = 2  # a stride that changes nothing is no question of this level
    layers = [
        f"conv: {{filters: 1, kernel: {kernel}, stride: {stride}, padding: {kernel // 2}}}"
        for kernel, stride in zip(kernels, strides, strict=True)
    ]
    said = [
        say("receptive_field.conv", kernel=kernel, stride=stride)
        for kernel, stride in zip(kernels, strides, strict=True)
    ]
    if level > 2:
        layers.insert(1, "max_pool: {size: 2}")
        said.insert(1, say("receptive_field.pool"))
        kernels.insert(1, 2)
    spec = written("127x127x1" if level < 3 else "129x129x1", layers)
    spec = spec.replace("input:", "rounding: floor\ninput:")
    analysis = analysed(spec)
    fields = analysis.tree.fields or ()
    answer = Fraction(max(ceil(field.size) for field in fields))
    alone = 1 + sum(kernel - 1 for kernel in kernels)
    found: list[tuple[Fraction | None, str]] = [
        (Fraction(alone), say("receptive_field.no_strides")),
        (Fraction(sum(kernels)), say("receptive_field.sum")),
        (Fraction(max(kernels)), say("receptive_field.last")),
    ]
    return Question(
        "receptive-field",
        say("receptive_field.asked", layers=", ".join(said)),
        answer,
        equations(analysis, "receptive field", say),
        mistakes(answer, found),
        spec=spec,
    )
