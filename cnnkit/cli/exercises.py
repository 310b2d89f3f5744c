"""``cnnkit exercises``: sheets of questions with worked answers, and what a class made of them."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnkit.exercises import Sheet
    from cnnkit.exercises.grading import Graded


class Topic(StrEnum):
    """What questions are about."""

    sizes = "sizes"
    padding = "padding"
    parameters = "parameters"
    receptive_field = "receptive-field"
    pooling = "pooling"
    metrics = "metrics"


class Language(StrEnum):
    """What a sheet is written in."""

    en = "en"
    fr = "fr"


class SheetFormat(StrEnum):
    """What a sheet is written as."""

    markdown = "markdown"
    html = "html"
    pdf = "pdf"
    moodle = "moodle"
    gift = "gift"
    json = "json"


class GradeFormat(StrEnum):
    """What the grades are written as."""

    table = "table"
    csv = "csv"
    json = "json"


TopicOption = Annotated[
    list[Topic] | None,
    typer.Option("--topic", help="What questions are about; may be given again; all in turn."),
]
CountOption = Annotated[int, typer.Option(min=1, max=1000, help="How many questions.")]
SeedOption = Annotated[int, typer.Option(help="The same seed draws the same sheet.")]
LevelOption = Annotated[int, typer.Option(min=1, max=3, help="From 1, easy, to 3.")]
LanguageOption = Annotated[Language, typer.Option(help="What the sheet is written in.")]

exercises = typer.Typer(help="Draw exercises for a class, with worked answers.")


@exercises.callback(invoke_without_command=True)
def draw(
    context: typer.Context,
    topic: TopicOption = None,
    count: CountOption = 10,
    seed: SeedOption = 0,
    level: LevelOption = 1,
    language: LanguageOption = Language.en,
    answers: Annotated[
        bool, typer.Option("--answers", help="The sheet with the answers worked out.")
    ] = False,
    format_: Annotated[
        SheetFormat | None,
        typer.Option("--format", help="By default what the output's name asks for, or Markdown."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file.")
    ] = None,
) -> None:
    """Draw exercises for a class, with worked answers from the same engine as --explain.

    Example: cnnkit exercises --topic sizes --count 10 --seed 7 --answers
    """
    if context.invoked_subcommand is not None:
        return
    from cnnkit.exercises.sheets import SHEET_FORMATS, render

    ending = output.suffix.lower() if output is not None else ".md"
    asked = next((name for name, suffix in SHEET_FORMATS.items() if suffix == ending), "markdown")
    written = format_.value if format_ is not None else asked
    data = render(_sheet(topic, count, seed, level, language), written, answers=answers)
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror or error}") from error


@exercises.command(no_args_is_help=True)
def grade(
    answers: Annotated[
        Path,
        typer.Argument(
            metavar="ANSWERS.csv",
            help="A header, then a row a student: the name and an answer a question.",
        ),
    ],
    topic: TopicOption = None,
    count: CountOption = 10,
    seed: SeedOption = 0,
    level: LevelOption = 1,
    language: LanguageOption = Language.en,
    format_: Annotated[GradeFormat, typer.Option("--format", help="Table, CSV or JSON.")] = (
        GradeFormat.table
    ),
) -> None:
    """Grade the answers of a class to the sheet that the same options draw.

    Example: cnnkit exercises grade answers.csv --topic sizes --count 10 --seed 7
    """
    from cnnkit.exercises.grading import grade as graded
    from cnnkit.presentation.output import put_text

    sheet = _sheet(topic, count, seed, level, language)
    put_text(_grades(graded(answers, sheet), format_), None)


def _sheet(
    topic: list[Topic] | None, count: int, seed: int, level: int, language: Language
) -> Sheet:
    from cnnkit.exercises import TOPICS, sheet

    topics = [each.value for each in topic] if topic else list(TOPICS)
    return sheet(topics, count=count, seed=seed, level=level, language=language.value)


def _grades(graded: Sequence[Graded], format_: GradeFormat) -> str:
    """The grades as a text."""
    import csv
    import io
    import json

    if format_ is GradeFormat.json:
        rows = [
            {
                "student": each.student,
                "points": each.points,
                "of": len(each.right),
                "right": list(each.right),
                "feedback": list(each.feedback),
            }
            for each in graded
        ]
        return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
    if format_ is GradeFormat.csv:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        numbers = range(1, len(graded[0].right) + 1)
        writer.writerow(["student", "points", *numbers])
        writer.writerows([each.student, each.points, *map(int, each.right)] for each in graded)
        return text.getvalue()
    width = max(len(each.student) for each in graded)
    lines = []
    for each in graded:
        lines.append(f"{each.student:{width}}  {each.points}/{len(each.right)}")
        lines += [f"  {number}: {said}" for number, said in enumerate(each.feedback, 1) if said]
    return "\n".join(lines) + "\n"
