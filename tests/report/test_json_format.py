from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from cnnkit import report
from cnnkit.analysis import Analysis, analyze
from cnnkit.analysis.result import Unreadable
from cnnkit.errors import Finding, Location, UsageError
from cnnkit.spec.reading import load


def test_golden(nested: Analysis, golden: Callable[[str, str], None]) -> None:
    golden("report/nested.json", report.render([nested], "json"))


def test_one_spec_is_an_object_and_several_a_list(flagship: Analysis, faulty: Analysis) -> None:
    assert json.loads(report.render([flagship], "json")) == flagship.to_dict()
    several = json.loads(report.render([flagship, faulty], "json"))
    assert several == [flagship.to_dict(), faulty.to_dict()]


def test_depth(nested: Analysis) -> None:
    layers = json.loads(report.render([nested], "json", depth=1))["layers"]
    assert [layer["path"] for layer in layers] == [each.path for each in nested.tree.children]
    assert sum(layer["macs"] for layer in layers) == nested.totals.macs


def test_integers_of_any_size_are_exact() -> None:
    extent = 10**18 + 1
    text = report.render([analyze(load(f"input: {extent}x{extent}x3\nlayers: [flatten]"))], "json")
    assert json.loads(text)["layers"][0]["output"] == [3 * extent * extent]


def test_names_are_written_as_they_are() -> None:
    analysis = analyze(load({"name": "名前 é", "input": [4], "layers": ["relu"]}))
    text = report.render([analysis], "json")
    assert '"name": "名前 é"' in text
    text.encode()


def test_file_name_that_is_no_text_can_be_written() -> None:
    place = Location("\udcff.yaml", 1, 1, 1, 2)
    lost = Unreadable("\udcff.yaml", (Finding("r", "error", "wrong", location=place),))
    text = report.render([lost], "json")
    assert json.loads(text.encode())["findings"][0]["file"] == "\udcff.yaml"


def test_unknown_format_and_explain_where_it_cannot_be_shown(flagship: Analysis) -> None:
    with pytest.raises(UsageError, match="there is no format `xml`; there are table, json"):
        report.render([flagship], "xml")
    with pytest.raises(UsageError, match="`--explain` is for the formats table, markdown, html"):
        report.render([flagship], "json", explain=True)


@pytest.mark.parametrize("name", [name for name in report.FORMATS if name not in report.BINARY])
def test_no_format_loads_rich_into_a_pipe(name: str) -> None:
    program = (
        "import sys; from cnnkit import report; from cnnkit.analysis import analyze; "
        "from cnnkit.spec.reading import load; "
        "analysis = analyze(load('input: 4x4x1\\nlayers: [{conv: {filters: 1, kernel: 3}}]')); "
        f"report.render([analysis], {name!r}); "
        "print([module for module in sys.modules if module.split('.')[0] in ('rich', 'numpy')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
