"""Pooling: sizes, numbers of elements, and the maximum or mean of a window."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from cnnkit.exercises.network import analysed, equations, extent_of, written
from cnnkit.exercises.question import Question, mistakes
from cnnkit.exercises.words import Say

_HUNDREDTH = Fraction(1, 100)


def question(draw: Random, level: int, say: Say) -> Question:
    """The extent behind a pool, at level 2 the elements, at level 3 the value of one window."""
    return _value(draw, say) if level > 2 else _size(draw, say, of_elements=level > 1)


def _size(draw: Random, say: Say, *, of_elements: bool) -> Question:
    size, stride = draw.choice(((2, 2), (3, 3), (3, 2)))
    output, channels = draw.randint(4, 16), draw.choice((4, 8, 16, 32))
    extent = (output - 1) * stride + size
    spec = written(
        f"{extent}x{extent}x{channels}", [f"max_pool: {{size: {size}, stride: {stride}}}"]
    )
    analysis = analysed(spec)
    said = {"size": size, "stride": stride, "shape": f"{extent}×{extent}×{channels}"}
    steps = equations(analysis, "height and width", say)
    if of_elements:
        answer = Fraction(analysis.totals.activations)
        steps += (f"{output}×{output}×{channels} = {int(answer)}",)
        found: list[tuple[Fraction | None, str]] = [
            (Fraction(output * output), say("pooling.channels_stay")),
            (Fraction(extent * extent * channels, size), say("pooling.both_axes")),
        ]
        text = say("pooling.elements", **said)
    else:
        answer = extent_of(analysis)
        found = [
            (answer - 1, say("sizes.one_more")),
            (Fraction(extent), say("pooling.not_shrunk")),
            (Fraction(extent - size + 1), say("sizes.no_stride")),
        ]
        text = say("pooling.extent", **said)
    whole = [(value if value and value.denominator == 1 else None, why) for value, why in found]
    return Question("pooling", text, answer, steps, mistakes(answer, whole), spec=spec)


def _value(draw: Random, say: Say) -> Question:
    cells = [draw.randint(-9, 9) for _ in range(4)]
    while len(set(cells)) < 4 or max(cells) <= 0 or sum(cells) <= 0:
        cells = [draw.randint(-9, 9) for _ in range(4)]
    greatest, mean = Fraction(max(cells)), Fraction(sum(cells), 4)
    of_mean = draw.random() < 0.5
    answer, other = (mean, greatest) if of_mean else (greatest, mean)
    shown = [str(cell).replace("-", "−") for cell in cells]
    window = f"[{shown[0]} {shown[1]}; {shown[2]} {shown[3]}]"
    step = (
        f"({' + '.join(f'({each})' if each.startswith('−') else each for each in shown)})/4 = "
        f"{float(mean):g}".replace(".", say("point"))
        if of_mean
        else f"max({', '.join(shown)}) = {int(greatest)}"
    )
    found: list[tuple[Fraction | None, str]] = [
        (other, say("pooling.other_mean" if of_mean else "pooling.other_max")),
        (Fraction(sum(cells)), say("pooling.sum")),
        (Fraction(max(map(abs, cells))), say("pooling.absolute")),
    ]
    text = say("pooling.mean" if of_mean else "pooling.max", window=window)
    tolerance = _HUNDREDTH if of_mean else Fraction(0)
    return Question("pooling", text, answer, (step,), mistakes(answer, found, tolerance), tolerance)
