"""What the tests of all rules share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cnnkit import rules
from cnnkit.analysis import Analysis, analyze
from cnnkit.errors import Finding
from cnnkit.spec.reading import read

Found = Callable[[str, str], list[str]]
Fixed = Callable[[str, str], str]


def analysis_of(path: Path) -> Analysis:
    """The analysis of a file."""
    reading = read(path)
    assert reading.spec is not None, reading.findings
    return analyze(reading.spec)


def shown(finding: Finding) -> str:
    """A finding in one string: place, path, uses, message, help."""
    places = [where and f"{where.line}:{where.column}" for where in (finding.location,)]
    places += [f"used at {use.line}:{use.column}" for use in finding.used_at]
    head = " ".join(map(str, filter(None, [*places, finding.path])))
    return f"{head}\n{finding.message}\nhelp: {finding.help}"


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """What a rule finds in a text, a string each, in the order of the text."""

    def find(name: str, text: str) -> list[str]:
        path = tmp_path / "spec.yaml"
        path.write_text(text)
        findings = rules.applied(analysis_of(path), [name])
        assert {finding.rule for finding in findings} <= {name}
        assert {finding.level for finding in findings} <= {rules.LEVELS[name]}
        return [shown(finding) for finding in findings]

    return find


@pytest.fixture
def fixed(tmp_path: Path) -> Fixed:
    """A text after the safe fix of a rule."""

    def fix(name: str, text: str) -> str:
        path = tmp_path / "spec.yaml"
        path.write_text(text)
        lines = text.splitlines(keepends=True)
        for start, end in reversed(rules.removals(analysis_of(path), [name])):
            del lines[start - 1 : end]
        path.write_text("".join(lines))
        assert analysis_of(path).ok
        return "".join(lines)

    return fix
