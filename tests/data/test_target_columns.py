"""Which column of a table is its target, as people write tables; nothing is guessed in silence."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.data import DataError, Dataset, load
from cnnkit.spec.model.training import Csv

# 12 lines: two values that are no whole numbers, and a class of three.
VALUES = [(f"{0.5 + line / 3:.3f}", f"{7.25 - line:.2f}") for line in range(12)]
LABELS = [line % 3 for line in range(12)]
SPECIES = [("ant", "bee", "cow")[label] for label in LABELS]
EXPECTED = np.array(VALUES, np.float32)


def table(header: str | None, *columns: list[Any]) -> str:
    rows = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join([*([] if header is None else [header]), *rows]) + "\n"


A, B = ([pair[place] for pair in VALUES] for place in range(2))
COUNTS = list(range(1, 13))


def read(path: Path, text: str, **fields: Any) -> Dataset:
    path.write_text(text, encoding="utf-8")
    return load(Csv(csv=str(path), **fields))


@pytest.mark.parametrize(
    ("text", "fields", "told"),
    [
        (table("label,a,b", LABELS, A, B), {}, "`label`"),
        (table("a,b,target", A, B, LABELS), {}, "`target`"),
        (table("a,Class,b", A, LABELS, B), {}, "`Class`"),
        (table("LABEL,a,b", LABELS, A, B), {}, "`LABEL`"),
        (table("a,b,y", A, B, LABELS), {}, "`y`"),
        (table("x,y,labels", A, B, LABELS), {}, "`labels`"),
        (table(" a , b , category ", A, B, LABELS), {}, "`category`"),
        (table("a,b,species", A, B, SPECIES), {"target": "species"}, "`species`"),
        (table("a,b,kind", A, B, LABELS), {"target": 2}, "`kind`"),
        (table(None, LABELS, A, B), {}, "column 0, the first of a table without a header"),
        (table(None, SPECIES, A, B), {}, "column 0, the first of a table without a header"),
        (table(None, A, B, LABELS), {"target": 2}, "column 2"),
        (table("Id,a,b,label", COUNTS, A, B, LABELS), {"drop": ["Id"]}, "`label`"),
        (table(None, COUNTS, LABELS, A, B), {"drop": [0], "target": 1}, "column 1"),
    ],
)
def test_the_target_is_found(text: str, fields: dict[str, Any], told: str, tmp_path: Path) -> None:
    dataset = read(tmp_path / "set.csv", text, **fields)
    assert dataset.target == told
    assert dataset.train.targets.tolist() == LABELS
    assert np.array_equal(dataset.train.inputs[:], EXPECTED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            table("a,b,species", A, B, SPECIES),
            (
                "{path} has no column `label`, `class`, `target` or `y`: say which is the target, "
                "`target: NAME`; it has a, b, species"
            ),
        ),
        (
            table("label,a,class", LABELS, A, LABELS),
            "{path} has `label` and `class`: say which is the target, `target: NAME`",
        ),
        (
            table(None, A, B, LABELS),
            (
                "{path}:1: column 0, the first, is taken for the target of a table without a "
                "header, and column 2, the last, holds classes, 0 to 2: say which it is, `target: "
                "2` or `target: 0`"
            ),
        ),
        (
            table(None, A, B, SPECIES),
            (
                "{path}:1: column 0, the first, is taken for the target of a table without a "
                "header, and column 2, the last, is the text 'ant': say which it is, `target: 2`"
            ),
        ),
        (
            table("Id,a,b,label", COUNTS, A, B, LABELS),
            (
                "{path}:2: `Id` counts the lines, 1 to 12, and tells nothing of an example: leave "
                "it out, `drop: [Id]`"
            ),
        ),
        (
            table("image_id,a,label", [7 * line % 13 for line in COUNTS], A, LABELS),
            (
                "{path}:2: `image_id` has another number in each line, and tells nothing of an "
                "example: leave it out, `drop: [image_id]`"
            ),
        ),
        (
            table(None, LABELS, COUNTS, A),
            (
                "{path}:1: column 1 counts the lines, 1 to 12, and tells nothing of an example: "
                "leave it out, `drop: [1]`"
            ),
        ),
        (
            table(None, COUNTS, A, LABELS),
            (
                "{path}:1: column 0, the target, counts the lines, 1 to 12: say which is the "
                "target, `target: NUMBER`, and leave this out, `drop: [0]`"
            ),
        ),
        (
            table("label,a", ["", *LABELS[1:]], A),
            "{path}:2: `label`, the target, is empty",
        ),
        (
            table("label,a", [*LABELS[:-1], "NA"], A),
            "{path}:13: `label`, the target, is 'NA', and numbers in other lines",
        ),
        (
            table("label,a,a", LABELS, A, A),
            "{path} has two columns `a`: give each a name of its own",
        ),
    ],
)
def test_what_may_mean_something_else_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    with pytest.raises(DataError) as caught:
        read(path, text)
    assert str(caught.value) == message.format(path=path)


@pytest.mark.parametrize("name", ["PassengerId", "user id", "INDEX", "Unnamed: 0", "row-uuid"])
def test_names_of_columns_that_name_examples(name: str, tmp_path: Path) -> None:
    numbers = [7 * line % 13 for line in COUNTS]
    with pytest.raises(DataError, match=f"`{name}` has another number in each line"):
        read(tmp_path / "set.csv", table(f"{name},a,label", numbers, A, LABELS))
    assert read(tmp_path / "set.csv", table("grid,a,label", numbers, A, LABELS)).shape == (2,)


def test_years_are_no_count_of_lines(tmp_path: Path) -> None:
    years = [1990 + line for line in range(12)]
    assert read(tmp_path / "set.csv", table("year,a,label", years, A, LABELS)).shape == (2,)


def test_columns_of_texts_are_named_once_and_can_be_dropped(tmp_path: Path) -> None:
    text = table("label,Name,a,Sex,b", LABELS, ["Ann"] * 12, A, ["female"] * 12, B)
    with pytest.raises(DataError) as caught:
        read(tmp_path / "set.csv", text)
    assert caught.value.problems == (
        (
            f"{tmp_path}/set.csv:2: `Name`, `Sex` hold no numbers, but such as 'Ann': write them "
            "as numbers, or leave them out, `drop: [Name, Sex]`"
        ),
    )
    dataset = read(tmp_path / "set.csv", text, drop=["Name", "Sex"])
    assert np.array_equal(dataset.train.inputs[:], EXPECTED)


def test_a_column_cannot_be_dropped_and_predicted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="`label` is both the target and dropped"):
        read(tmp_path / "set.csv", table("label,a", LABELS, A), drop=["label"])
    with pytest.raises(DataError, match="has no column `lable`: did you mean `label`"):
        read(tmp_path / "set.csv", table("label,a", LABELS, A), drop=["lable"])


@pytest.mark.parametrize("name", ["set.tsv", "set.csv.gz", "set.TSV.GZ"])
def test_tabs_and_compressed_tables_are_read(name: str, tmp_path: Path) -> None:
    text = table("a,b,label", A, B, LABELS)
    if "tsv" in name.lower():
        text = text.replace(",", "\t")
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.lower().endswith("gz") else text.encode())
    dataset = load(Csv(csv=str(path)))
    assert dataset.train.targets.tolist() == LABELS
    assert np.array_equal(dataset.train.inputs[:], EXPECTED)


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"label,a\n0,1\n" * 99, mtime=0)[:-9]],
    ids=["text", "cut"],
)
def test_a_damaged_compressed_table_is_said(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "set.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"set\.csv\.gz is no \.gz file, or a damaged one: "):
        load(Csv(csv=str(path)))


def test_digits_with_the_label_last_are_not_taken_for_pixels(tmp_path: Path) -> None:
    """Pixels of 0..16 are whole numbers as labels are, and the first of them is always black."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    rows = np.column_stack([pixels, labels]).astype(int)
    text = "\n".join(",".join(map(str, row)) for row in rows)
    with pytest.raises(DataError, match="and column 64, the last, holds classes, 0 to 9: say"):
        read(tmp_path / "set.csv", text)
    assert read(tmp_path / "set.csv", text, target=64).train.targets.tolist() == labels.tolist()
