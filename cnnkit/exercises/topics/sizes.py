"""The extent of a map behind a convolution: (D − F + P)/S + 1."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from cnnkit.exercises.network import analysed, equations, extent_of, written
from cnnkit.exercises.question import Question, mistakes
from cnnkit.exercises.words import Say


def question(draw: Random, level: int, say: Say) -> Question:
    """One convolution, at level 2 padded and not always fitting, at level 3 with a pooling."""
    kernel, stride = draw.choice((3, 5, 7)), draw.choice((1, 2, 3))
    padding = draw.randint(1, kernel // 2) if level > 1 else 0
    middle = draw.randint(4, 14) * (2 if level > 2 else 1)
    extent = (middle - 1) * stride + kernel - 2 * padding
    if level == 2 and stride > 1 and draw.random() < 0.5:
        extent += draw.randint(1, stride - 1)  # the windows do not reach the last cells
    field = f", padding: {padding}" if padding else ""
    layers = [f"conv: {{filters: 1, kernel: {kernel}, stride: {stride}{field}}}"]
    if level > 2:
        layers.append("max_pool: {size: 2}")
    spec = written(f"{extent}x{extent}x1", layers)
    analysis = analysed(spec)
    answer = extent_of(analysis) if analysis.ok else Fraction(0)
    found = [
        (Fraction(extent - kernel + 2 * padding, stride), say("sizes.one_more")),
        (Fraction(extent - kernel + padding, stride) + 1, say("sizes.both_sides")),
        (Fraction(extent - kernel, stride) + 1, say("sizes.no_padding")),
        (Fraction(extent - kernel + 2 * padding + 1), say("sizes.no_stride")),
    ]
    steps = equations(analysis, "height and width", say)
    if not analysis.ok:
        exact = Fraction(extent - kernel + 2 * padding, stride) + 1
        found = [(Fraction(int(exact)), say("sizes.floored")), *found]
        equation = f"({extent}+{2 * padding}−{kernel})/{stride} + 1 = {float(exact):.6g}"
        steps = (f"{equation.replace('.', say('point'))}, {say('sizes.not_whole')}",)
    if level > 2:
        found = [(Fraction(middle), say("sizes.no_pool"))]
    return Question(
        "sizes",
        " ".join(
            [
                say("sizes.conv", kernel=kernel, stride=stride, extent=extent),
                *([say("sizes.padded", padding=padding)] if padding else []),
                *([say("sizes.pooled")] if level > 2 else []),
                say("sizes.asked"),
                *([say("sizes.or_none")] if level == 2 else []),
            ]
        ),
        answer,
        steps,
        mistakes(
            answer, [(value if value.denominator == 1 else None, said) for value, said in found]
        ),
        spec=spec,
    )
