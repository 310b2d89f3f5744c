"""What can be done about findings with a click: what was tried on the text and cures them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from cnnkit import rules
from cnnkit.analysis.result import Analysis
from cnnkit.checking.fix import edited
from cnnkit.errors import Finding, Location
from cnnkit.layers.base import Layer
from cnnkit.playground.calculator.change import put
from cnnkit.playground.calculator.judged import Edit, edit_at, judged, layer_at
from cnnkit.rules.base import Removal, Replacement

# A field with a value, as the advice of findings writes it, and what it gives.
_VALUE: Final = re.compile(
    r"`?\b(stride|kernel|size|dilation|padding_mode|padding|rounding|groups|filters|units|multiplier)"
    r":? (\[[^\]]*\]|[\w-]+)`?( gives [\dx×]+)?"
)
_WORD: Final = re.compile(r"did you mean `([^`]+)`\?")


def fixes(text: str, finding: int) -> list[dict[str, Any]]:
    """The fixes of one of a text's findings.

    Each has a ``label``, empty where lines are taken out, and ``edits``. All were tried: the
    finding is gone after them, and no error has come in its place.

    Args:
        text: The spec.
        finding: The finding's number in the account.
    """
    findings = judged(text).result.findings
    if finding >= len(findings):
        return []
    fault, found = findings[finding], dict[str, list[Edit]]()
    for label, edits in _candidates(fault, judged(text).analysis):
        if label not in found and edits and _cures(text, fault, edits):
            found[label] = edits
    return [{"label": label, "edits": edits} for label, edits in found.items()]


def _candidates(finding: Finding, analysis: Analysis | None) -> Iterator[tuple[str, list[Edit]]]:
    where, advice = finding.location, finding.help or ""
    if where is None:
        return
    if (meant := _WORD.search(advice)) is not None:
        yield meant[1], [edit_at(where, meant[1])]
    if analysis is None:
        return
    if finding.rule in rules.CHECKED:
        for edit in rules.edits(analysis, [finding.rule]):
            if isinstance(edit, Removal) and edit.start_line <= where.line <= edit.end_line:
                yield "", [_edit(edit)]
            elif isinstance(edit, Replacement) and edit.start_line <= where.line <= edit.end_line:
                yield edit.text.strip(" ,"), [_edit(edit)]
    found = layer_at(analysis, finding.path) if finding.path else None
    if found is not None and found.layer is not None:
        yield from _values(found.layer, advice)
    if "put `- flatten` before it" in advice and found is not None and found.location is not None:
        start = found.location
        if re.fullmatch(r"\s*- ", start.text[: start.column - 1]):
            line = start.text[: start.column - 1] + "flatten\n"
            place = Location(start.file, start.line, 1, start.line, 1)
            yield "flatten", [edit_at(place, line)]


def _values(layer: Layer, advice: str) -> Iterator[tuple[str, list[Edit]]]:
    """The values that the advice names, put into the layer."""
    for match in _VALUE.finditer(advice):
        field, value, gives = match.groups()
        if field in type(layer).model_fields:
            arrow = (gives or "").replace(" gives ", " → ")
            yield f"{field}: {value}{arrow}", put(layer, field, value)


def _cures(text: str, finding: Finding, edits: list[Edit]) -> bool:
    """Whether a finding is gone after edits, and nothing is an error that was none before."""
    before = judged(text)
    after = judged(applied(text, edits))
    if any((each.rule, each.path) == (finding.rule, finding.path) and
           each.message == finding.message for each in after.result.findings):  # fmt: skip
        return False
    errors = {(each.rule, each.message) for each in before.result.findings if each.level == "error"}
    new = [each for each in after.result.findings if each.level == "error"]
    # One fault may have hidden others further on: those came first in the text only if it did.
    here = finding.location.line if finding.location else 0
    return all(
        (each.rule, each.message) in errors or (each.location and each.location.line > here)
        for each in new
    )


def applied(text: str, edits: list[Edit]) -> str:
    """The text after edits."""
    return edited(
        text,
        [
            Replacement(
                int(each["line"]),
                int(each["column"]),
                int(each["end_line"]),
                int(each["end_column"]),
                str(each["text"]),
            )
            for each in edits
        ],
    )


def _edit(edit: Removal | Replacement) -> Edit:
    if isinstance(edit, Removal):
        return edit_at(Location("", edit.start_line, 1, edit.end_line + 1, 1), "")
    return edit_at(Location("", *edit[:4]), edit.text)
