"""What notebooks show, and the data frames of analyses."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from cnnkit.analysis import Analysis, analyze
from cnnkit.analysis.compare import compare
from cnnkit.analysis.result import Unreadable
from cnnkit.errors import Finding, UsageError
from cnnkit.spec.reading import load
from tests.report.test_html import Page


def html(value: Any) -> Page:
    """What a notebook asks of a value, which must be well-formed."""
    text: str = value._repr_html_()
    assert "<script" not in text
    return Page(text)


def test_an_analysis_is_a_drawing_and_tables(flagship: Analysis) -> None:
    page = html(flagship)
    assert [tag for tag, _ in page.tags].count("svg") == 1
    assert [tag for tag, _ in page.tags].count("table") == 2
    assert "layers.0 conv 26x26x3 2,028 441 298,116 7x7" in page.text
    assert "total 3,908 5,100 847,680" in page.text
    assert "MACs 847,680 one multiply-accumulate each" in page.text


def test_findings_are_told_where_they_are(faulty: Analysis, hostile: Analysis) -> None:
    message = "stride 3 does not fit: (7 − 3)/3 + 1 = 2.33 is not an integer invalid-stride"
    assert message in html(faulty).text
    assert "<script>" not in hostile._repr_html_()


def test_a_comparison_is_its_totals_and_the_layers_that_changed() -> None:
    old, new = (
        analyze(load(f"input: 7x7x1\nlayers: [{{conv: {{filters: 1, kernel: {kernel}}}}}, relu]"))
        for kernel in (3, 5)
    )
    page = html(compare(old, new))
    assert "parameters 10 26 +16 +160.0 %" in page.text
    assert "~ layers.0 conv 5x5x1 → 3x3x1" in page.text
    assert "no difference" in html(compare(old, old)).text
    lost = Unreadable("gone.yaml", (Finding("unreadable", "error", "it is empty"),))
    assert "gone.yaml → " not in html(compare(old, lost)).text
    assert "cannot be compared new: error : it is empty unreadable" in html(compare(old, lost)).text


class Frame(dict[str, list[object]]):
    """A data frame, as far as it is asked of one."""


@pytest.fixture(params=["pandas", "polars"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The one library of data frames that is installed."""
    name: str = request.param
    module = ModuleType(name)
    vars(module)["DataFrame"] = Frame
    monkeypatch.setattr(
        "cnnkit.analysis.frame.find_spec", lambda asked: module if asked == name else None
    )
    monkeypatch.setitem(sys.modules, name, module)
    return name


def test_a_data_frame_has_a_row_a_layer(library: str, nested: Analysis) -> None:
    found = nested.to_frame(depth=1)
    assert isinstance(found, Frame)
    assert isinstance(nested.to_frame(library=library), Frame)  # type: ignore[arg-type]
    assert [*found] == [
        "path", "kind", "input", "output", "neurons", "parameters", "state", "macs", "flops",
        "activations", "line",
    ]  # fmt: skip
    assert found["path"][:2] == ["layers.stem", "layers.1"]
    assert found["output"][:3] == ["32x32x16", "32x32x16", "16x16x32"]
    assert found["parameters"][0] == 3 * 3 * 3 * 16 + 16
    assert found["line"][0] == 19
    assert len(set(map(len, found.values()))) == 1


def test_what_is_unknown_is_missing_in_a_data_frame(library: str, unknown: Analysis) -> None:
    found = unknown.to_frame()
    assert None in found["output"]
    assert [count is None for count in found["macs"]] == [each is None for each in found["output"]]


def test_without_a_library_it_is_named(flagship: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnkit.analysis.frame.find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        flagship.to_frame()
    assert str(caught.value) == "a data frame needs pandas or polars: `pip install pandas`"
    with pytest.raises(UsageError) as caught:
        flagship.to_frame(library="polars")
    assert str(caught.value) == "a data frame needs polars: `pip install polars`"


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_a_real_data_frame(name: str, flagship: Analysis, unknown: Analysis) -> None:
    pytest.importorskip(name)
    found = flagship.to_frame(library=name)  # type: ignore[arg-type]
    assert int(found["parameters"].sum()) == 5_100
    assert len(unknown.to_frame(library=name)) == len(unknown.layers)  # type: ignore[arg-type]
