"""A sheet as Moodle XML: numerical questions with feedback for usual mistakes.

The format is that of https://docs.moodle.org/en/Moodle_XML_format.
"""

from __future__ import annotations

from html import escape
from xml.etree import ElementTree

from cnnkit.exercises.question import Question
from cnnkit.exercises.sheet import Sheet
from cnnkit.exercises.sheets.numbers import plain
from cnnkit.exercises.words import Say, speaker


def render(sheet: Sheet, *, answers: bool) -> bytes:  # noqa: ARG001
    """The quiz, which holds the answers as it must."""
    say = speaker(sheet.language)
    quiz = ElementTree.Element("quiz")
    category = ElementTree.SubElement(quiz, "question", type="category")
    _text(category, "category", f"$course$/cnnkit/{say('title')} {sheet.seed}")
    for number, question in enumerate(sheet.questions, 1):
        quiz.append(_question(question, number, say))
    ElementTree.indent(quiz)
    text: bytes = ElementTree.tostring(quiz, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _question(question: Question, number: int, say: Say) -> ElementTree.Element:
    element = ElementTree.Element("question", type="numerical")
    _text(element, "name", f"{number:02d} {say(f'topic.{question.topic}')}")
    _html(element, "questiontext", question.text)
    _html(element, "generalfeedback", *question.steps)
    _plain(element, "defaultgrade", "1")
    _plain(element, "penalty", "0.3333333")
    tolerance = plain(question.tolerance)
    _answer(element, "100", plain(question.answer), tolerance, say("right"))
    for mistake in question.mistakes:
        _answer(element, "0", plain(mistake.value), tolerance, mistake.feedback)
    return element


def _answer(
    parent: ElementTree.Element, fraction: str, value: str, tolerance: str, feedback: str
) -> None:
    answer = ElementTree.SubElement(
        parent, "answer", fraction=fraction, format="moodle_auto_format"
    )
    _plain(answer, "text", value)
    _plain(answer, "tolerance", tolerance)
    _html(answer, "feedback", feedback)


def _html(parent: ElementTree.Element, name: str, *paragraphs: str) -> None:
    """A text of HTML, which XML then escapes once more."""
    said = "".join(f"<p>{escape(each)}</p>" for each in paragraphs)
    _plain(ElementTree.SubElement(parent, name, format="html"), "text", said)


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    _plain(ElementTree.SubElement(parent, name), "text", text)


def _plain(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text
