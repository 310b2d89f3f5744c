"""A sheet as a page, on a screen or on paper."""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.exercises.sheet import Sheet
from cnnkit.exercises.sheets.numbers import shown
from cnnkit.exercises.words import speaker
from cnnkit.presentation.page import page, prose, text

_STYLE = """\
ol { padding-left: 1.4em; }
ol > li { margin: 0 0 28px; break-inside: avoid; }
.blank { display: inline-block; width: 9em; border-bottom: 1px solid var(--quiet); }
.steps { margin: 8px 0; padding: 0; list-style: none; }
"""


def render(sheet: Sheet, *, answers: bool) -> bytes:
    """The questions with a place for each answer, or with the answers worked out."""
    say = speaker(sheet.language)
    title = say("answers" if answers else "title")
    body = _body(sheet, title, answers=answers)
    return page(title, body, style=_STYLE, language=sheet.language).encode()


def _body(sheet: Sheet, title: str, *, answers: bool) -> Iterator[str]:
    say = speaker(sheet.language)
    yield f"<h1>{text(title)}</h1>"
    yield f'<p class="flow">{text(say("seed", seed=sheet.seed, level=sheet.level))}</p>'
    asked = text(say("answer") + say("colon"))
    yield "<ol>"
    for question in sheet.questions:
        yield f"<li><p>{text(question.text)}</p>"
        if not answers:
            yield f'<p>{asked} <span class="blank">&nbsp;</span></p></li>'
            continue
        yield f"<p>{asked} <strong>{shown(question, sheet.language)}</strong></p>"
        steps = "".join(f"<li><code>{text(step)}</code></li>" for step in question.steps)
        yield f'<ul class="steps">{steps}</ul>'
        if question.spec is not None:
            yield f"<details><summary>{prose(say('try'))}</summary>"
            yield f"<pre>{text(question.spec)}</pre></details>"
        yield "</li>"
    yield "</ol>"
