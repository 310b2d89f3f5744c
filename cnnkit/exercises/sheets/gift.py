"""A sheet in Moodle's GIFT: numerical questions with feedback for usual mistakes.

The format is that of https://docs.moodle.org/en/GIFT_format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnnkit.exercises.question import Question
from cnnkit.exercises.sheet import Sheet
from cnnkit.exercises.sheets.numbers import plain
from cnnkit.exercises.words import Say, speaker

_SPECIAL = re.compile(r"[~=#{}:\\]")


def render(sheet: Sheet, *, answers: bool) -> bytes:  # noqa: ARG001
    """The quiz, which holds the answers as it must."""
    say = speaker(sheet.language)
    questions = [
        "\n".join(_lines(question, number, say))
        for number, question in enumerate(sheet.questions, 1)
    ]
    return ("\n\n".join(questions) + "\n").encode()


def _lines(question: Question, number: int, say: Say) -> Iterator[str]:
    name = f"{number:02d} {say(f'topic.{question.topic}')}"
    yield f"::{_escaped(name)}::{_escaped(question.text)} {{#"
    tolerance = plain(question.tolerance)
    yield f"=%100%{plain(question.answer)}:{tolerance}#{_escaped(say('right'))}"
    for mistake in question.mistakes:
        yield f"=%0%{plain(mistake.value)}:{tolerance}#{_escaped(mistake.feedback)}"
    yield f"####{_escaped('; '.join(question.steps))}"
    yield "}"


def _escaped(text: str) -> str:
    """A text without what GIFT takes for a sign of its own."""
    return _SPECIAL.sub(r"\\\g<0>", text)
