"""What the tests of all rules share."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnkit import rules
from cnnkit.analysis import Analysis, analyze
from cnnkit.checking.fix import edited
from cnnkit.errors import Finding
from cnnkit.spec.reading import read


@pytest.fixture
def analysis_of(tmp_path: Path) -> Callable[[str], Analysis]:
    """The analysis of a text."""

    def analysis(text: str) -> Analysis:
        path = tmp_path / "spec.yaml"
        path.write_text(text)
        reading = read(path)
        assert reading.spec is not None, reading.findings
        return analyze(reading.spec)

    return analysis


@pytest.fixture
def found(analysis_of: Callable[[str], Analysis]) -> Callable[[str, str], str]:
    """What a rule finds in a text: for each finding its place and path, its message, its help."""

    def find(name: str, text: str) -> str:
        findings = rules.applied(analysis_of(text), [name])
        assert {(each.rule, each.level) for each in findings} <= {(name, rules.LEVELS[name])}
        return "\n".join(map(shown, findings))

    return find


def shown(finding: Finding) -> str:
    """A finding as text: line, column, path and uses, then the message, then the help."""
    where = finding.location
    parts = [f"{where.line}:{where.column}" if where else "nowhere", finding.path]
    parts += [f"used at {use.line}:{use.column}" for use in finding.used_at]
    lines = [" ".join(filter(None, parts)), finding.message, f"help: {finding.help}"]
    return "".join(f"{textwrap.fill(line, 98, break_on_hyphens=False)}\n" for line in lines)


@pytest.fixture
def fixed(analysis_of: Callable[[str], Analysis]) -> Callable[[str, str], str]:
    """A text after the safe fix of a rule, which leaves a network without faults."""

    def fix(name: str, text: str) -> str:
        mended = edited(text, rules.edits(analysis_of(text), [name]))
        assert analysis_of(mended).ok
        return mended

    return fix
