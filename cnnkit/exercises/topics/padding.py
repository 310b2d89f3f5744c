"""The padding that a size needs: P = (O − 1)·S + F − D, F dilated."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from cnnkit.exercises.network import analysed, equations, written
from cnnkit.exercises.question import Question, mistakes
from cnnkit.exercises.words import Say


def question(draw: Random, level: int, say: Say) -> Question:
    """The padding that keeps a map, at level 2 that gives it a size, at level 3 with dilation."""
    kernel = draw.choice((3, 5, 7))
    dilation = draw.choice((2, 3, 4)) if level > 2 else 1
    stride = draw.choice((2, 3)) if level == 2 else 1
    reach = dilation * (kernel - 1) + 1
    # At level 2 any padding up to half of the kernel is the answer to some size.
    each = draw.randint(1, kernel // 2) if level == 2 else (reach - 1) // 2
    output = draw.randint(6, 14) if level == 2 else draw.randint(reach + 1, reach + 20)
    extent = (output - 1) * stride + reach - 2 * each
    fields = {"filters": 1, "kernel": kernel, "stride": stride}
    if dilation > 1:
        fields["dilation"] = dilation
    said = ", ".join(f"{name}: {value}" for name, value in {**fields, "padding": each}.items())
    spec = written(f"{extent}x{extent}x1", [f"conv: {{{said}}}"])
    analysis = analysed(spec)
    answer = Fraction(each)
    found: list[tuple[Fraction | None, str]] = [
        (Fraction(2 * each), say("padding.total")),
        (Fraction((kernel - 1) // 2) if level > 2 else None, say("padding.no_dilation")),
        (Fraction(kernel), say("padding.kernel")),
    ]
    return Question(
        "padding",
        " ".join(
            [
                say("padding.conv", kernel=kernel, stride=stride, extent=extent),
                *([say("padding.dilated", dilation=dilation)] if dilation > 1 else []),
                say("padding.asked", output=output),
            ]
        ),
        answer,
        (
            f"P = ({output}−1)·{stride} + {reach} − {extent} = {2 * each}",
            f"{2 * each}/2 = {each}",
            *equations(analysis, "height and width", say),
        ),
        mistakes(answer, found),
        spec=spec,
    )
