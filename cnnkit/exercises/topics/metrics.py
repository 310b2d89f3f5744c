"""What a test comes to, from the four counts of a confusion matrix of two classes."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from cnnkit.exercises.question import Question, mistakes
from cnnkit.exercises.words import Say

_THOUSANDTH = Fraction(1, 1000)


def question(draw: Random, level: int, say: Say) -> Question:
    """The accuracy, at level 2 a recall, specificity or precision, at level 3 F1."""
    positives = draw.randint(20, 60)
    found = draw.randint(positives // 2, positives - 3)
    negatives = draw.randint(100, 400)
    alarms = draw.randint(5, 40)
    missed, rest = positives - found, negatives - alarms
    figures = {
        "accuracy": Fraction(found + rest, positives + negatives),
        "recall": Fraction(found, positives),
        "specificity": Fraction(rest, negatives),
        "precision": Fraction(found, found + alarms),
        "F1": Fraction(2 * found, 2 * found + alarms + missed),
    }
    name = ("accuracy", draw.choice(("recall", "specificity", "precision")), "F1")[level - 1]
    answer = figures[name]
    steps = {
        "accuracy": f"({found} + {rest})/({positives} + {negatives})",
        "recall": f"{found}/({found} + {missed})",
        "specificity": f"{rest}/({rest} + {alarms})",
        "precision": f"{found}/({found} + {alarms})",
        "F1": f"2·{found}/(2·{found} + {alarms} + {missed})",
    }
    others: list[tuple[Fraction | None, str]] = [
        (value, say("metrics.other", name=say(f"metrics.{other}")))
        for other, value in figures.items()
        if other != name
    ]
    return Question(
        "metrics",
        say(
            "metrics.asked",
            found=found,
            missed=missed,
            alarms=alarms,
            rest=rest,
            name=say(f"metrics.{name}"),
        ),
        answer,
        (f"{steps[name]} = {float(answer):.4f}".replace(".", say("point")),),
        mistakes(answer, others, _THOUSANDTH),
        _THOUSANDTH,
    )
