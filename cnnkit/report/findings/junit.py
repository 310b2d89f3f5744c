"""Findings as a JUnit report: a suite of one test for each file.

There is no one schema. This keeps to what the schema of Ant and that of Jenkins' xUnit plugin both
allow, so a warning, which fails no test, stands in the output of its suite.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from cnnkit import __version__
from cnnkit.presentation.numbers import printable
from cnnkit.report.findings.finding import counted, finding_text
from cnnkit.report.findings.places import relative, root

if TYPE_CHECKING:
    from pathlib import Path

    from cnnkit.checking import CheckResult

_NAME = "cnnkit"


def render(results: Sequence[CheckResult]) -> str:
    """The document; its time is `SOURCE_DATE_EPOCH` where that is set."""
    suites = ElementTree.Element("testsuites")
    base = root()
    for number, result in enumerate(results):
        suites.append(_suite(result, number, base))
    ElementTree.indent(suites)
    text = ElementTree.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(result: CheckResult, number: int, base: Path) -> ElementTree.Element:
    name = printable(relative(result.file, base))
    failing = [finding for finding in result.findings if result.fails(finding)]
    others = [finding for finding in result.findings if not result.fails(finding)]
    suite = ElementTree.Element(
        "testsuite",
        {
            "id": str(number),
            "package": _NAME,
            "name": name,
            "timestamp": _now().strftime("%Y-%m-%dT%H:%M:%S"),
            "hostname": "localhost",
            "tests": "1",
            "failures": str(int(bool(failing))),
            "errors": "0",
            "time": "0",
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    ElementTree.SubElement(properties, "property", name="version", value=__version__)
    case = ElementTree.SubElement(suite, "testcase", name=name, classname=_NAME, time="0")
    if failing:
        first = printable(failing[0].message)
        message = first if len(failing) == 1 else f"{counted(failing)}, the first: {first}"
        failure = ElementTree.SubElement(case, "failure", type=failing[0].rule, message=message)
        failure.text = "\n\n".join(finding_text(each, name=result.file) for each in failing)
    output = ElementTree.SubElement(suite, "system-out")
    output.text = "\n\n".join(finding_text(each, name=result.file) for each in others)
    ElementTree.SubElement(suite, "system-err")
    return suite


def _now() -> datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)
