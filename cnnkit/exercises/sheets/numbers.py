"""Answers as they are written: for people in their language, for machines with a point."""

from __future__ import annotations

from fractions import Fraction

from cnnkit.exercises.question import Question
from cnnkit.exercises.words import Language


def plain(value: Fraction) -> str:
    """A number with a point: whole, or with at most six decimals.

    >>> plain(Fraction(26)), plain(Fraction(1, 4))
    ('26', '0.25')
    """
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.6f}".rstrip("0").rstrip(".")


def shown(question: Question, language: Language) -> str:
    """The answer of a question as people write it; with three decimals where it is rounded.

    >>> shown(Question("metrics", "", Fraction(2, 3), (), tolerance=Fraction(1, 1000)), "fr")
    '0,667'
    """
    value = question.answer
    text = plain(value) if value.denominator == 1 else f"{float(value):.3f}"
    return text.replace(".", ",") if language == "fr" else text
