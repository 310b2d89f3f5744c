"""A sheet in Markdown, to print or to hand on."""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.exercises.sheet import Sheet
from cnnkit.exercises.sheets.numbers import shown
from cnnkit.exercises.words import speaker


def render(sheet: Sheet, *, answers: bool) -> bytes:
    """The questions with a place for each answer, or with the answers worked out."""
    return "\n".join(_lines(sheet, answers=answers)).encode()


def _lines(sheet: Sheet, *, answers: bool) -> Iterator[str]:
    say = speaker(sheet.language)
    yield f"# {say('answers' if answers else 'title')}"
    yield ""
    yield f"*{say('seed', seed=sheet.seed, level=sheet.level)}*"
    for number, question in enumerate(sheet.questions, 1):
        yield ""
        yield f"**{number}.** {question.text}"
        yield ""
        if not answers:
            yield f"{say('answer')}{say('colon')} ________"
            continue
        yield f"{say('answer')}{say('colon')} **{shown(question, sheet.language)}**"
        yield ""
        yield from (f"- `{step}`" for step in question.steps)
        if question.spec is not None:
            yield ""
            yield f"{say('try')}{say('colon')}"
            yield ""
            yield f"```yaml\n{question.spec}```"
    yield ""
