from __future__ import annotations

from collections.abc import Callable

import pytest

from cnnkit import report
from cnnkit.analysis import Analysis
from cnnkit.analysis.result import Unreadable
from cnnkit.errors import Finding
from cnnkit.report.analysis.markdown import code, prose


@pytest.mark.parametrize("network", ["flagship", "faulty", "nested"])
def test_golden(
    network: str, golden: Callable[[str, str], None], request: pytest.FixtureRequest
) -> None:
    analysis: Analysis = request.getfixturevalue(network)
    golden(f"report/{network}.md", report.render([analysis], "markdown"))


def test_table_is_one(nested: Analysis) -> None:
    lines = [line for line in report.render([nested], "markdown").split("\n") if line[:1] == "|"]
    assert {line.count("|") for line in lines} == {9}
    assert lines[1].count("---:") == 4


def test_cells_of_hostile_names_stay_cells(hostile: Analysis) -> None:
    text = report.render([hostile], "markdown")
    lines = [line.replace(r"\|", "") for line in text.split("\n") if line.startswith("|")]
    assert {line.count("|") for line in lines} == {8}
    assert "\x1b" not in text
    outside = "".join(prose("<script> *x* [a](b) @me #1").split("\\"))
    assert outside == "<script> *x* [a](b) @me #1"


def test_code_of_anything() -> None:
    assert code("plain") == "`plain`"
    assert code("a`b") == "``a`b``"
    assert code("`a``b`") == "``` `a``b` ```"
    assert code("a\nb") == r"`a\nb`"


def test_prose_keeps_code() -> None:
    assert prose("use `padding: same` or a*b") == r"use `padding: same` or a\*b"
    assert prose("one ` alone <b>") == r"one \` alone \<b\>"
    assert prose("global_mean_pool _so_") == r"global_mean_pool \_so\_"


def test_fence_is_longer_than_any_in_the_source(hostile: Analysis) -> None:
    lines = report.render([hostile], "markdown").split("\n")
    assert "  ```text" in lines


def test_explanation(flagship: Analysis) -> None:
    text = report.render([flagship], "markdown", explain=True)
    assert "- height and width: (D−F)/S+1 = (32−7)/1+1 = 26" in text


def test_unreadable() -> None:
    result = Unreadable("gone.yaml", (Finding("unreadable", "error", "it is empty"),))
    text = report.render([result], "markdown")
    assert text == "### gone.yaml\n\n**1 error**\n\n- **error**: it is empty (`unreadable`)\n"
