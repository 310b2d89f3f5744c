"""Specs in which the fault is marked: `layers: [«rellu»]`."""

from __future__ import annotations

import cnnkit
from cnnkit.errors import Finding, Location
from cnnkit.spec.reading import Reading, read_from_text

NAME = "spec.yaml"


def reading(text: str) -> Reading:
    return read_from_text(text, NAME)


def findings(text: str) -> list[Finding]:
    """All that the text and the geometry give, in the order of the source."""
    spec, found = reading(text)
    return list(found if spec is None else cnnkit.analyze(spec).findings)


def rules(text: str) -> list[str]:
    return [finding.rule for finding in findings(text)]


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1, found
    return found[0]


def fault(marked: str) -> Finding:
    """The one finding of a text; it must cover just what is marked."""
    text = marked.replace("«", "").replace("»", "")
    finding = only(findings(text))
    assert finding.location == place(marked)
    return finding


def place(marked: str) -> Location:
    """The location of what stands between the first « and the next »."""
    before, _, rest = marked.partition("«")
    inside, _, _ = rest.partition("»")
    text = marked.replace("«", "").replace("»", "")
    line, column = before.count("\n"), len(before) - (before.rfind("\n") + 1)
    end_line = line + inside.count("\n")
    end = len(inside) - (inside.rfind("\n") + 1) + (column if end_line == line else 0)
    return Location(NAME, line + 1, column + 1, end_line + 1, end + 1, text.split("\n")[line])


def paths(text: str) -> list[str]:
    """The paths of all groups of a sound spec, in order."""
    analysis = cnnkit.analyze(cnnkit.load(text))
    return [group.path for group in analysis.graph.root.walk()][1:]


def kinds(text: str) -> list[str]:
    """The operations of a sound spec, in order."""
    return [node.layer.title for node in cnnkit.analyze(cnnkit.load(text)).graph.nodes]
