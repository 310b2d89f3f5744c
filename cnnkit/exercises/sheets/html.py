"""A sheet as a page, on a screen or on paper."""

from __future__ import annotations

from cnnkit.exercises.sheet import Sheet
from cnnkit.exercises.sheets.numbers import shown
from cnnkit.exercises.words import speaker
from cnnkit.pages import page


def render(sheet: Sheet, *, answers: bool) -> bytes:
    """The questions with a place for each answer, or with the answers worked out."""
    say = speaker(sheet.language)
    questions = [
        {
            "text": question.text,
            "answer": shown(question, sheet.language) if answers else None,
            "steps": question.steps,
            "spec": question.spec,
        }
        for question in sheet.questions
    ]
    return page.write(
        "sheet",
        language=sheet.language,
        title=say("answers" if answers else "title"),
        flow=say("seed", seed=sheet.seed, level=sheet.level),
        asked=say("answer") + say("colon"),
        tried=say("try"),
        questions=questions,
    ).encode()
