"""The answers of a class, from a table, held to a sheet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from cnnkit.errors import UsageError
from cnnkit.exercises.question import Question
from cnnkit.exercises.reading import readings
from cnnkit.exercises.sheet import Sheet


@dataclass(frozen=True)
class Graded:
    """What one student answered.

    Attributes:
        student: The first field of the row.
        right: Whether each answer is right.
        feedback: What to say of each, empty where it is right or there is nothing to say.
    """

    student: str
    right: tuple[bool, ...]
    feedback: tuple[str, ...]

    @property
    def points(self) -> int:
        """The right answers."""
        return sum(self.right)


def grade(path: Path, sheet: Sheet) -> tuple[Graded, ...]:
    """Grades a table: a header, then a row a student, the name and an answer a question.

    Raises:
        UsageError: The file is no such table, with the line and the column of what is wrong.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not in UTF-8"
        raise UsageError(f"cannot read {path}: {reason}") from error
    delimiter = ";" if text.count(";") > text.count(",") else ","
    rows = csv.reader(text.splitlines(), delimiter=delimiter)
    header = next(rows, [])
    wanted = len(sheet.questions) + 1
    if len(header) != wanted:
        raise UsageError(
            f"{path}:1: the header has {len(header)} columns, where the sheet of seed "
            f"{sheet.seed} needs {wanted}: the student and {wanted - 1} answers"
        )
    graded = []
    for row in rows:
        if not any(field.strip() for field in row):
            continue
        if len(row) != wanted:
            raise UsageError(f"{path}:{rows.line_num}: {len(row)} columns in place of {wanted}")
        graded.append(_graded(path, rows.line_num, row, sheet.questions))
    if not graded:
        raise UsageError(f"{path} has no row of answers below its header")
    return tuple(graded)


def _graded(path: Path, line: int, row: Sequence[str], questions: Sequence[Question]) -> Graded:
    student, *fields = row
    right, feedback = [], []
    for column, (field, question) in enumerate(zip(fields, questions, strict=True), 2):
        given = _number(path, line, column, field)
        right.append(any(map(question.is_right, given)))
        said = () if right[-1] else filter(None, map(question.feedback, given))
        feedback.append(next(iter(said), ""))
    return Graded(student.strip(), tuple(right), tuple(feedback))


def _number(path: Path, line: int, column: int, field: str) -> tuple[Fraction, ...]:
    """What a number may mean; nothing where nothing was answered."""
    if not field.strip():
        return ()
    try:
        return readings(field)
    except ValueError:
        raise UsageError(
            f"{path}:{line}: column {column} holds `{field.strip()}`, which is no number; leave it "
            "empty where nothing was answered"
        ) from None
