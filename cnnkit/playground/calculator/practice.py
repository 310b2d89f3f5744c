"""Practice: a question of the exercises, and each number that is given for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cnnkit.exercises import TOPICS, Question, sheet
from cnnkit.exercises.reading import readings
from cnnkit.exercises.words import Language, speaker

# What goes on behind a number that is asked for, such as the stride of a receptive field.
_FURTHER = re.compile(r", (?=[^\W\d])")
_ROUNDED = Fraction(1, 2000)
"""Half of the third decimal."""


@dataclass(frozen=True)
class PracticeStep:
    """One line of a worked answer.

    Attributes:
        line: The whole line.
        shown: What of it is shown before its number is known.
        values: What the number may be; none of a line without one.
    """

    line: str
    shown: str
    values: tuple[Fraction, ...]

    def is_right(self, given: tuple[Fraction, ...]) -> bool:
        """Whether a number is the one that the line comes to."""
        near = _ROUNDED if any(value.denominator > 1 for value in self.values) else 0
        return any(abs(each - value) <= near for each in given for value in self.values)


def practice(
    topic: str,
    level: int,
    seed: int,
    language: Language,
    given: Mapping[str, str],
    told: bool = False,
) -> dict[str, Any]:
    """A question, and what is to be said of the numbers that are given.

    Args:
        topic: What it is about.
        level: From 1, easy, to 3.
        seed: What it is drawn by: the same draws the same.
        language: What it is asked in.
        given: Texts by where they stand: ``answer``, or the number of a step, from 0.
        told: Whether the whole answer is asked for.
    """
    (question,) = sheet([topic], count=1, seed=seed, level=level, language=language).questions
    steps = [_step(line) for line in question.steps]
    said = _judged(question, given.get("answer", ""))
    done = told or bool(said and said["right"])
    say = speaker(language)
    return {
        "topics": [{"name": name, "said": say(f"topic.{name}")} for name in TOPICS],
        "text": question.text,
        "answer": said,
        "steps": [
            {
                "shown": step.line if done or not step.values else step.shown,
                "asked": bool(step.values),
                "right": _right(step, given.get(str(number), "")),
            }
            for number, step in enumerate(steps)
        ],
        "worked": list(question.steps) if done else [],
        "spec": question.spec,
    }


def _step(line: str) -> PracticeStep:
    shown, equals, value = _FURTHER.split(line)[0].rpartition(" = ")
    try:
        return (
            PracticeStep(line, f"{shown} =", readings(value))
            if equals
            else PracticeStep(line, line, ())
        )
    except ValueError:
        return PracticeStep(line, line, ())


def _right(step: PracticeStep, text: str) -> bool | None:
    """Whether the number of a step is right; None where none is given."""
    if not text.strip():
        return None
    try:
        return step.is_right(readings(text))
    except ValueError:
        return False


def _judged(question: Question, text: str) -> dict[str, Any] | None:
    """Whether an answer is right, and of a usual mistake which it is; None where none is given."""
    if not text.strip():
        return None
    try:
        given = readings(text)
    except ValueError:
        return {"right": False, "number": False, "feedback": None}
    right = any(map(question.is_right, given))
    feedback = None if right else next(filter(None, map(question.feedback, given)), None)
    return {"right": right, "number": True, "feedback": feedback}
