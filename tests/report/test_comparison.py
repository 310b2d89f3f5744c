"""Comparisons and solutions as text, at the widths of terminals, and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from rich.cells import cell_len

import cnnkit
from cnnkit.analysis.change import Change
from cnnkit.analysis.compare import Comparison, compare
from cnnkit.analysis.condition import condition
from cnnkit.analysis.solve import (
    BudgetSolution,
    InputSolution,
    WindowQuestion,
    WindowSolution,
    exact_inputs,
    fits,
    largest,
)
from cnnkit.report.comparison.formats import render
from cnnkit.report.comparison.view import ComparisonView, percent, signed
from cnnkit.report.solution import formats as solution
from cnnkit.spec.reading import read_from_text

ZOO = Path(__file__).parents[2] / "specs" / "zoo"

OLD = """\
name: lenet
input: 32x32x1
layers:
  - {name: stem, conv: {filters: 6, kernel: 5, activation: tanh}}
  - mean_pool: {size: 2}
  - repeat: {times: 2, layers: [{conv: {filters: 16, kernel: 3, padding: 1}}, relu]}
  - dropout: {rate: 0.1}
  - flatten
  - dense: {units: 84}
  - head: {layers: [{dense: {units: 2}}], loss_weight: 0.3}
  - {name: classifier, dense: {units: 10}}
"""
NEW = (
    OLD.replace("name: lenet", "name: lenet | wide")
    .replace("filters: 6, kernel: 5, activation: tanh", "filters: 8, kernel: 5, activation: relu")
    .replace("filters: 16", "filters: 24")
    .replace("mean_pool: {size: 2}", "max_pool: {size: 2}")
    .replace("  - dropout: {rate: 0.1}\n", "")
    .replace("  - flatten", "  - batch_norm\n  - flatten")
    .replace("0.3", "0.4")
)


def network(text: str, name: str) -> cnnkit.Analysis:
    reading = read_from_text(text, name)
    assert reading.spec is not None
    origin = reading.spec.origin._replace(file=name)
    return cnnkit.analyze(reading.spec.read_from(origin))


@pytest.fixture
def comparison() -> Comparison:
    old = network(OLD, "HEAD~1:specs/lenet.yaml")
    return compare(old, network(NEW, "specs/lenet.yaml"))


def view(comparison: Comparison, *, complete: bool = False) -> ComparisonView:
    conditions = [condition("parameters > +5%"), condition("training_memory > 1GiB")]
    asked = [(each, each.met(comparison.totals[each.total])) for each in conditions]
    return ComparisonView(comparison, asked, complete)


@pytest.mark.parametrize("width", [80, 160])
def test_table(comparison: Comparison, width: int, golden: Callable[[str, str], None]) -> None:
    text = render(view(comparison), width=width)
    golden(f"report/comparison-{width}.txt", text)
    assert max(map(cell_len, text.splitlines())) <= width


def test_markdown_and_json(comparison: Comparison, golden: Callable[[str, str], None]) -> None:
    golden("report/comparison.md", render(view(comparison), "markdown"))
    text = render(view(comparison), "json")
    golden("report/comparison.json", text)
    assert json.loads(text)["conditions"][0] == {"condition": "parameters > +5%", "met": True}


def test_all_layers(comparison: Comparison) -> None:
    short, full = (render(view(comparison, complete=flag)) for flag in (False, True))
    assert len(full.splitlines()) > len(short.splitlines())
    assert "are the same" not in full


def test_two_that_are_the_same() -> None:
    same = ComparisonView(compare(network(OLD, "a.yaml"), network(OLD, "a.yaml")))
    assert "lenet  no difference" in render(same)
    assert "### lenet: no difference" in render(same, "markdown")


def test_a_side_that_cannot_be_read() -> None:
    from cnnkit.analysis.result import Unreadable

    reading = read_from_text("input: [1\n", "a.yaml")
    broken = ComparisonView(compare(network(OLD, "b.yaml"), Unreadable("a.yaml", reading.findings)))
    assert "cannot be compared" in render(broken)
    assert render(broken, "markdown").startswith("### ❌ lenet → a.yaml: cannot be compared\n")
    assert "a.yaml:1:8" in render(broken, "markdown")


def test_what_markdown_would_read_is_taken_literally() -> None:
    name = "a | b <img src=x> *c*"
    old = network(OLD.replace("name: lenet", f"name: '{name}'"), "a.yaml")
    new = network(NEW.replace("lenet | wide", name), "b|`c`.yaml")
    text = render(ComparisonView(compare(old, new)), "markdown")
    assert r"### a \| b \<img src=x\> \*c\*: parameters" in text
    assert "``b|`c`.yaml``" in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "`layers." in line]
    assert all(line.replace(r"\|", "").count("|") == 9 for line in rows)


@pytest.mark.parametrize("width", [80, 120, 160])
@pytest.mark.parametrize("pair", [("resnet-18", "resnet-50"), ("vgg-11", "vgg-16-bn")])
@pytest.mark.parametrize("folder", ["", "/folder" * 30])
def test_no_line_is_wider(pair: tuple[str, str], width: int, folder: str) -> None:
    specs = [cnnkit.load(ZOO / f"{name}.yaml") for name in pair]
    old, new = (
        cnnkit.analyze(spec.read_from(spec.origin._replace(file=f"{folder}/{name}.yaml")))
        for name, spec in zip(pair, specs, strict=True)
    )
    text = render(ComparisonView(compare(old, new), (), complete=True), width=width)
    assert max(map(cell_len, text.splitlines())) <= width


@pytest.mark.parametrize(
    ("width", "paths"),
    [
        (None, "a/folder/of/some/length/old.yaml → a/folder/of/some/length/new.yaml"),
        (67, "a/folder/of/some/length/old.yaml → a/folder/of/some/length/new.yaml"),
        (66, "a/folder/of/some/length/old.yaml\n→ a/folder/of/some/length/new.yaml"),
        (34, "a/folder/of/some/length/old.yaml\n→ a/folder/of/some/length/new.yaml"),
        (33, "a/folder/of/some/length/old.yaml\n→ …folder/of/some/length/new.yaml"),
        (31, "…folder/of/some/length/old.yaml\n→ …lder/of/some/length/new.yaml"),
    ],
)
def test_paths_too_long_for_a_line_keep_their_ends(width: int | None, paths: str) -> None:
    folder = "a/folder/of/some/length"
    old, new = network(OLD, f"{folder}/old.yaml"), network(NEW, f"{folder}/new.yaml")
    assert f"\n{paths}\n\n" in render(ComparisonView(compare(old, new)), width=width)


def test_a_long_comment_is_cut() -> None:
    text = "input: 4x4x4\nlayers:\n" + "  - conv: {filters: 4, kernel: 1}\n" * 300
    old, new = network(text, "a"), network(text.replace("filters: 4", "filters: 5"), "b")
    comment = render(ComparisonView(compare(old, new)), "markdown")
    assert len(comment) < 65_536
    assert "_150 more are not shown_" in comment


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (100, 105, "+5.0 %"),
        (1000, 999, "−0.1 %"),
        (10**6, 10**6 + 7, "+0.001 %"),
        (10**12, 10**12 + 1, "≈ 0 %"),
        (3, 300, "+9,900 %"),
        (0, 5, "new"),
        (5, 0, "−100.0 %"),
        (5, 5, "0 %"),
        (None, 5, "?"),
    ],
)
def test_percent(old: int | None, new: int, text: str) -> None:
    change = Change(old, new)
    assert percent(change) == text
    if old and change.percent is not None:
        assert change.percent == Fraction(100 * (new - old), old)


def test_signed() -> None:
    assert [signed(value) for value in (1200, -7, 0, None)] == ["+1,200", "−7", "0", "?"]
    assert signed(-1536, of_bytes=True) == "−1.5 KiB"


LENET = cnnkit.load(ZOO / "lenet-5.yaml")


@pytest.mark.parametrize("format_", ["table", "markdown", "csv"])
def test_solutions(format_: str, golden: Callable[[str, str], None]) -> None:
    found: dict[str, WindowSolution | InputSolution | BudgetSolution] = {
        "window": fits(WindowQuestion((8, 12), (3, 3), (1, 1))),
        "input": exact_inputs(LENET),
        "budget": largest(LENET, "layers.0.filters", {"parameters": 80_000, "macs": 10**6}),
    }
    texts = [
        f"== {name}\n{solution.render(each, format_, source='a b.yaml', width=80)}"
        for name, each in found.items()
    ]
    golden(f"report/solutions.{format_}.txt", "\n".join(texts))
    if format_ == "table":
        assert max(cell_len(line) for text in texts for line in text.splitlines()) <= 80
