from __future__ import annotations

import csv
import io
from collections.abc import Callable

from cnnkit import report
from cnnkit.analysis import Analysis
from cnnkit.analysis.result import Unreadable
from cnnkit.report.analysis.csv import COLUMNS


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_golden(nested: Analysis, golden: Callable[[str, str], None]) -> None:
    golden("report/nested.csv", report.render([nested], "csv"))


def test_columns_are_the_keys_of_the_json(flagship: Analysis) -> None:
    keys: list[str] = []
    for key, value in flagship.to_dict()["layers"][0].items():
        keys += [f"{key}.{name}" for name in value] if isinstance(value, dict) else [key]
    assert keys == list(COLUMNS)


def test_a_row_a_layer(nested: Analysis) -> None:
    rows = rows_of(report.render([nested], "csv"))
    assert [row["path"] for row in rows] == [layer.path for layer in nested.layers]
    assert sum(int(row["parameters"]) for row in rows) == nested.totals.parameters
    assert rows[0]["output"] == "32x32x16"


def test_unknown_is_empty(unknown: Analysis) -> None:
    row = rows_of(report.render([unknown], "csv"))[1]
    assert row["kind"] == "Conv2D"
    assert row["neurons"] == row["output"] == row["operations.add"] == ""


def test_several_specs(flagship: Analysis, faulty: Analysis) -> None:
    rows = rows_of(report.render([flagship, Unreadable("gone.yaml", ()), faulty], "csv"))
    assert [row["spec"] for row in rows] == ["rgb-valid-4-classes"] * 6 + ["lenet"] * 4


def test_spreadsheet_takes_no_name_for_a_formula(hostile: Analysis, faulty: Analysis) -> None:
    rows = rows_of(report.render([hostile, faulty], "csv"))
    assert rows[0]["spec"].startswith("'=a|b")
    assert rows[1]["kind"].startswith("'@sum")
    assert all(value[:1] not in ("=", "+", "@") for row in rows for value in row.values())
