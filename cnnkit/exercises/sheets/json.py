"""A sheet as JSON, for graders of programs and for ``cnnkit exercises grade``."""

from __future__ import annotations

import json

from cnnkit.exercises.sheet import Sheet
from cnnkit.exercises.sheets.numbers import plain

FORMAT = 1


def render(sheet: Sheet, *, answers: bool) -> bytes:  # noqa: ARG001
    """The questions with their answers, steps and mistakes; numbers as JSON has them."""
    document = {
        "format": FORMAT,
        "seed": sheet.seed,
        "level": sheet.level,
        "language": sheet.language,
        "questions": [
            {
                "number": number,
                "topic": question.topic,
                "text": question.text,
                "answer": json.loads(plain(question.answer)),
                "tolerance": json.loads(plain(question.tolerance)),
                "steps": list(question.steps),
                "mistakes": [
                    {"value": json.loads(plain(mistake.value)), "feedback": mistake.feedback}
                    for mistake in question.mistakes
                ],
                "spec": question.spec,
            }
            for number, question in enumerate(sheet.questions, 1)
        ],
    }
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
