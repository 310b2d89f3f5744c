"""What sheets are written as, read again by what reads them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from cnnkit.exercises import sheet
from cnnkit.exercises.sheets import SHEET_FORMATS, render
from cnnkit.exercises.words import LANGUAGES, Language


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("format_", [name for name in SHEET_FORMATS if name != "pdf"])
def test_a_sheet(format_: str, language: Language, golden: Callable[[str, str], None]) -> None:
    made = sheet(count=6, seed=7, level=3, language=language)
    text = render(made, format_, answers=True).decode()
    if format_ == "html":
        text = re.sub(r"<style>.*?</style>", "<style></style>", text, flags=re.DOTALL)
    golden(f"exercises/{language}{SHEET_FORMATS[format_]}", text)


@pytest.mark.parametrize("format_", ["markdown", "html"])
def test_a_sheet_without_answers_has_none(format_: str) -> None:
    made = sheet(["parameters"], count=5, seed=7, level=3)
    text = render(made, format_).decode()
    for question in made.questions:
        assert html.escape(question.text) in text or question.text in text
        assert str(question.answer) not in text
        assert question.steps[-1] not in text


def test_moodle_reads_what_was_asked() -> None:
    made = sheet(count=18, seed=2, level=2, language="fr")
    quiz = ElementTree.fromstring(render(made, "moodle"))  # noqa: S314  our own text
    assert quiz.tag == "quiz"
    category, *questions = quiz
    assert category.get("type") == "category"
    for element, question in zip(questions, made.questions, strict=True):
        assert element.get("type") == "numerical"
        said = html.unescape(element.findtext("questiontext/text") or "")
        assert said == f"<p>{html.escape(question.text)}</p>".replace("&#x27;", "'")
        answers = {
            float(answer.findtext("text") or "nan"): answer.get("fraction")
            for answer in element.findall("answer")
        }
        assert answers.pop(round(float(question.answer), 6)) == "100"
        wrong = {round(float(mistake.value), 6) for mistake in question.mistakes}
        assert answers == dict.fromkeys(wrong, "0")
        for answer in element.findall("answer"):
            assert float(answer.findtext("tolerance") or "nan") == float(question.tolerance)


def test_gift_has_no_sign_of_its_own_in_a_text() -> None:
    made = sheet(count=18, seed=2, level=3)
    questions = render(made, "gift").decode().strip().split("\n\n")
    for written, question in zip(questions, made.questions, strict=True):
        head, body = re.split(r"(?<!\\)\{#\n", written)
        _, _, text = re.split(r"(?<!\\)::", head)
        assert re.sub(r"\\(.)", r"\1", text).strip() == question.text
        answers = re.findall(r"^=%(\d+)%([\d.-]+):([\d.]+)#", body, re.MULTILINE)
        assert answers[0][0] == "100"
        assert float(answers[0][1]) == pytest.approx(float(question.answer), abs=1e-6)
        assert {weight for weight, *_ in answers[1:]} <= {"0"}
        assert len(answers) == 1 + len(question.mistakes)


def test_json_grades() -> None:
    made = sheet(count=6, seed=1)
    found = json.loads(render(made, "json"))
    assert (found["format"], found["seed"], found["level"]) == (1, 1, 1)
    for number, (each, question) in enumerate(zip(found["questions"], made.questions, strict=True)):
        assert each["number"] == number + 1
        assert each["answer"] == pytest.approx(float(question.answer), abs=1e-6)


def test_a_pdf_is_the_same_each_time_and_longer_with_answers() -> None:
    pytest.importorskip("fpdf")
    made = sheet(count=10, seed=7, level=3, language="fr")
    asked, answered = render(made, "pdf"), render(made, "pdf", answers=True)
    assert asked.startswith(b"%PDF-")
    assert asked == render(made, "pdf")
    assert len(answered) > len(asked)
