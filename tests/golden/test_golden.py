"""Each kind in a spec that is right and in one that is wrong, found by listing the folders.

A right spec holds the figures that must come out, in its own `expect:`. Beside a wrong one lies
the text of its findings; `pytest --overwrite-golden` writes that anew.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import cnnkit
from cnnkit.layers import KINDS, layer_class
from cnnkit.report.findings.finding import findings_text
from cnnkit.spec.language.faults import field_names
from cnnkit.spec.reading import read_from_text
from cnnkit.spec.text.node import YamlNode
from cnnkit.spec.text.source import read_text

HERE = Path(__file__).parent
OK = sorted((HERE / "ok").glob("*.yaml"))
ERR = sorted((HERE / "err").glob("*.yaml"))


def stem(path: Path) -> str:
    return path.stem


def findings_of(path: Path) -> tuple[cnnkit.Finding, ...]:
    reading = read_from_text(path.read_text("utf-8"), path.name)
    return reading.findings if reading.spec is None else cnnkit.analyze(reading.spec).findings


@pytest.mark.parametrize("path", OK, ids=stem)
def test_a_right_spec_gives_the_figures_it_expects(path: Path) -> None:
    spec = cnnkit.load(path)
    analysis = cnnkit.analyze(spec)
    assert analysis.findings == ()
    assert spec.expect is not None, "say what must come out"
    figures = spec.expect.figures()
    assert figures
    assert {name: getattr(analysis.totals, name) for name in figures} == figures
    wanted = spec.expect.output
    assert (analysis.graph.given if isinstance(wanted, dict) else analysis.output) == wanted


@pytest.mark.parametrize("path", ERR, ids=stem)
def test_a_wrong_spec_gives_the_findings_beside_it(
    path: Path, golden: Callable[[str, str], None]
) -> None:
    findings = findings_of(path)
    assert any(finding.level == "error" for finding in findings)
    golden(f"err/{path.stem}.txt", findings_text(findings) + "\n")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_both(kind: str) -> None:
    assert HERE / "ok" / f"{kind}.yaml" in OK
    assert HERE / "err" / f"{kind}.yaml" in ERR


@pytest.mark.parametrize("kind", KINDS)
def test_the_right_spec_of_a_kind_uses_all_its_fields(kind: str) -> None:
    path = HERE / "ok" / f"{kind}.yaml"
    node, _ = read_text(path.read_text("utf-8"), path.name)
    assert node is not None
    used = set(fields_given(node, kind))
    scalar = layer_class(kind).scalar_field
    assert used | {scalar} >= set(field_names(layer_class(kind)))


def fields_given(node: YamlNode, kind: str) -> list[str]:
    """The fields that all layers of a kind in a text give together."""
    if isinstance(node.value, list):
        return [field for item in node.value for field in fields_given(item, kind)]
    if not isinstance(node.value, dict):
        return []
    inner = node.value.get(kind)
    own = list(inner.value) if inner is not None and isinstance(inner.value, dict) else []
    return own + [field for item in node.value.values() for field in fields_given(item, kind)]


def test_each_text_has_its_spec() -> None:
    assert {path.stem for path in (HERE / "err").glob("*.txt")} == {path.stem for path in ERR}
