"""A question with one number as its answer."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Mistake:
    """A usual mistake: the number it leads to, and what to say to who made it."""

    value: Fraction
    feedback: str


@dataclass(frozen=True)
class Question:
    """A question with one number as its answer.

    Attributes:
        topic: What it is about.
        text: What is asked.
        answer: The number.
        steps: How it comes about, a line each.
        mistakes: Numbers that usual mistakes lead to; none is right.
        tolerance: How far from the answer is right too: 0 where the number is whole.
        spec: A network whose analysis shows the answer, where there is one.
    """

    topic: str
    text: str
    answer: Fraction
    steps: tuple[str, ...]
    mistakes: tuple[Mistake, ...] = ()
    tolerance: Fraction = Fraction(0)
    spec: str | None = None

    def is_right(self, given: Fraction) -> bool:
        """Whether a number answers the question."""
        return abs(given - self.answer) <= self.tolerance

    def feedback(self, given: Fraction) -> str | None:
        """What to say of a wrong number, if a usual mistake leads to it."""
        return next(
            (
                mistake.feedback
                for mistake in self.mistakes
                if abs(given - mistake.value) <= self.tolerance
            ),
            None,
        )


def mistakes(
    answer: Fraction, found: list[tuple[Fraction | None, str]], tolerance: Fraction = Fraction(0)
) -> tuple[Mistake, ...]:
    """The mistakes that lead to a number above 0, to another than the answer, and each once.

    Args:
        answer: The right number.
        found: What each mistake leads to, None where it leads to none, and its feedback.
        tolerance: How far apart two numbers are told apart.
    """
    kept: list[Mistake] = []
    for value, feedback in found:
        if value is None or value <= 0:
            continue
        taken = (answer, *(mistake.value for mistake in kept))
        if all(abs(value - other) > 2 * tolerance for other in taken):
            kept.append(Mistake(value, feedback))
    return tuple(kept)
