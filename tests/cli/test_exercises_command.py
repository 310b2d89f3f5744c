"""`cnnkit exercises`: sheets, and the grades of a class."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnnkit.cli import exercises as command
from cnnkit.exercises import TOPICS
from cnnkit.exercises.sheets import SHEET_FORMATS
from cnnkit.exercises.words import LANGUAGES
from tests.cli.command import Run


def test_the_words_of_the_command_line_are_those_of_the_tables() -> None:
    assert [*command.Topic] == [*TOPICS]
    assert [*command.Language] == [*LANGUAGES]
    assert [*command.SheetFormat] == [*SHEET_FORMATS]


SHEET = ("--count", "3", "--seed", "7")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_sheet_goes_to_the_output(run: Run) -> None:
    shown = run("exercises", *SHEET)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("# Exercises\n\n*seed 7, level 1*\n\n**1.** A convolution with a ")
    assert shown.out.count("Answer: ________") == 3


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("sheet.html", b'<!doctype html>\n<html lang="fr">'),
        ("sheet.xml", b"<?xml version='1.0' encoding='utf-8'?>\n<quiz>"),
        ("sheet.gift", b"::01 tailles::"),
        ("sheet.json", b"{\n"),
        ("sheet.md", "# Réponses".encode()),
        ("sheet.txt", "# Réponses".encode()),
    ],
)
def test_a_file_is_of_the_format_that_its_name_asks_for(run: Run, name: str, start: bytes) -> None:
    done = run("exercises", *SHEET, "--language", "fr", "--answers", "--output", name)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert Path(name).read_bytes().startswith(start)


def test_a_folder_that_is_not_there(run: Run) -> None:
    done = run("exercises", "--output", "none/sheet.md")
    assert (done.code, done.err) == (
        2,
        "cnnkit: cannot write none/sheet.md: No such file or directory\n",
    )


ANSWERS = "student,1,2,3\nAda,13,6,2613\nBob,12,3,\n\nEve;,,,\n"


def test_a_class_is_graded(run: Run) -> None:
    Path("answers.csv").write_text(ANSWERS)
    done = run("exercises", "grade", "answers.csv", *SHEET)
    assert (done.code, done.out) == (
        0,
        (
            "Ada   2/3\n"
            "  2: That is the padding of both sides together.\n"
            "Bob   1/3\n"
            "  1: The + 1 is forgotten: the first position of the window counts too.\n"
            "Eve;  0/3\n"
        ),
    )
    found = json.loads(run("exercises", "grade", "answers.csv", *SHEET, "--format", "json").out)
    assert [each["points"] for each in found] == [2, 1, 0]
    table = run("exercises", "grade", "answers.csv", *SHEET, "--format", "csv").out
    assert table == "student,points,1,2,3\nAda,2,1,0,1\nBob,1,0,1,0\nEve;,0,0,0,0\n"


def test_a_table_of_a_french_office(run: Run) -> None:
    Path("answers.csv").write_text("élève;1\nZoé;0,928\n", encoding="utf-8-sig")
    sheet = ("--topic", "metrics", "--count", "1", "--seed", "7", "--language", "fr")
    assert run("exercises", "grade", "answers.csv", *sheet).out.startswith("Zoé  ")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            "student,1\n",
            (
                "answers.csv:1: the header has 2 columns, where the sheet of seed 7 needs 4: the "
                "student and 3 answers"
            ),
        ),
        ("student,1,2,3\nAda,1,2\n", "answers.csv:2: 3 columns in place of 4"),
        (
            "student,1,2,3\nAda,1,two,3\n",
            (
                "answers.csv:2: column 3 holds `two`, which is no number; leave it empty where "
                "nothing was answered"
            ),
        ),
        ("student,1,2,3\n", "answers.csv has no row of answers below its header"),
    ],
)
def test_what_is_no_table_of_answers(run: Run, table: str, said: str) -> None:
    Path("answers.csv").write_text(table)
    done = run("exercises", "grade", "answers.csv", *SHEET)
    assert (done.code, done.out, done.err) == (2, "", f"cnnkit: {said}\n")


def test_no_such_file(run: Run) -> None:
    done = run("exercises", "grade", "none.csv", *SHEET)
    assert (done.code, done.err) == (2, "cnnkit: cannot read none.csv: No such file or directory\n")
