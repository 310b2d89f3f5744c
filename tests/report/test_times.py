"""The columns and totals of time, in every format that has columns."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.analysis import Analysis
from cnnkit.analysis.machines import Machine
from cnnkit.analysis.precision import Precision
from cnnkit.report.analysis import csv, html, latex, markdown, table
from cnnkit.report.analysis.options import ReportOptions
from cnnkit.report.analysis.summary import figures

# 8·8·2 = 128 elements in, 8·8·8 = 512 out, 144 weights: 18,432 FLOPs are 18.432 µs, and 1 µs more;
# in training twice as long, for there is no gradient of the input.
TEXT = (
    "input: 8x8x2\nlayers:\n  - conv: {filters: 8, kernel: 3, padding: 1, bias: false}\n  - relu\n"
)
FILE = {
    "format": 1,
    "name": "a box",
    "measured": True,
    "date": "2026-01-31",
    "source": "by hand",
    "memory": {"bandwidth": 1e9},
    "overhead": {"operation": 1e-6, "call": 1e-6},
    "rates": {"float32": {"product": 1e9}, "int8": {"product": 1e9}},
}


def analysis(*, batch: int = 1, precision: Precision = "float32", **changes: object) -> Analysis:
    machine = Machine.model_validate({**FILE, **changes})
    spec = cnnkit.load(TEXT)
    return cnnkit.analyze(spec, batch=batch, precision=precision, optimizer="sgd", machine=machine)


def test_a_table_has_a_column_for_each_program() -> None:
    text = table.render([analysis()], ReportOptions())
    heading, *_ = text.splitlines()[1:]
    assert "MACs  inference time  training time  " in heading
    # The relu reads 512 elements and writes them: 4.096 µs and 1 µs, three times.
    assert "19.4 µs        38.9 µs" in text
    assert "0 s        15.3 µs" in text
    # 18.4 + 1 + 1 of a call; 144 weights are read twice and written once: 1.728 µs, and 1 more.
    assert "20.4 µs        57.9 µs" in text


def test_without_a_machine_there_are_none() -> None:
    plain = cnnkit.analyze(cnnkit.load(TEXT))
    for format_ in (table, markdown, latex, html):
        assert "inference time" not in format_.render([plain], ReportOptions())
    first = csv.render([plain], ReportOptions()).splitlines()
    assert first[0].endswith(",shares,inference_time,training_time")
    assert first[1].endswith(",,,")


def test_a_narrow_terminal_keeps_them() -> None:
    text = table.render([analysis()], ReportOptions(width=60))
    assert "inference time" in text.splitlines()[1]


@pytest.mark.parametrize("format_", [markdown, latex, html])
def test_other_formats_have_the_same_columns(format_: object) -> None:
    text = format_.render([analysis()], ReportOptions())  # type: ignore[attr-defined]
    for shown in ("inference time", "training time", "19.4 µs", "38.9 µs", "20.4 µs", "57.9 µs"):
        assert shown in text


def test_csv_has_the_seconds() -> None:
    first = csv.render([analysis()], ReportOptions()).splitlines()[1]
    assert [float(cell) for cell in first.split(",")[-2:]] == pytest.approx([19.432e-6, 38.864e-6])


def notes(shown: Analysis) -> dict[str, tuple[str, str]]:
    return {
        each.label: (each.value, each.note)
        for each in figures(shown)
        if each.label.endswith("time")
    }


def test_the_totals_say_what_they_are_of() -> None:
    """184.32 + 1 + 1 = 186.32 µs; 2·185.32 + 3·41.96 + 2.728 + 1 = 500.248 µs."""
    assert notes(analysis(batch=10)) == {
        "inference time": (
            "186 µs",
            "53,671 examples/s; batch 10, float32; a box, measured on 2026-01-31",
        ),
        "training time": (
            "500 µs",
            "19,990 examples/s; batch 10, float32, sgd; a box, measured on 2026-01-31",
        ),
    }


def test_a_data_sheet_is_a_bound() -> None:
    note = notes(analysis(measured=False))["inference time"][1]
    assert note.startswith("at best ")
    assert note.endswith("; a box, from the data sheet, not measured")


def test_what_has_no_step_of_training_says_so() -> None:
    shown = analysis(precision="int8")
    assert notes(shown)["training time"] == ("not defined", "no rates of a step in int8")
    text = table.render([shown], ReportOptions())
    assert "inference time" in text.splitlines()[1]
    assert "training time" not in text.splitlines()[1]
