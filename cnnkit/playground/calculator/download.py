"""What can be taken away: the drawing, the report, and the network in other frameworks' code."""

from __future__ import annotations

from typing import Any

from cnnkit.export import TARGETS, convert
from cnnkit.playground.calculator.judged import judged
from cnnkit.report import render


def download(text: str, kind: str) -> dict[str, Any]:
    """A file made from a spec: its ``text``, or the ``findings`` for which there is none.

    Args:
        text: The spec.
        kind: ``svg``, ``html``, ``json``, or a framework that ``cnnkit convert`` knows.
    """
    analysis = judged(text).analysis
    if analysis is None:
        findings = judged(text).result.findings
        return {"text": None, "findings": [finding.message for finding in findings]}
    if kind not in TARGETS:
        return {"text": render([analysis], kind, explain=kind == "html"), "findings": []}
    conversion = convert(analysis.spec, kind)
    return {
        "text": conversion.code,
        "findings": [finding.message for finding in conversion.findings],
    }
