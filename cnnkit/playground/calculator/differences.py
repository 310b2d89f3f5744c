"""Two specs side by side: what `cnnkit diff` says of them."""

from __future__ import annotations

from typing import Any

from cnnkit.analysis.compare import compare
from cnnkit.playground.calculator.judged import judged
from cnnkit.report.comparison.formats import render
from cnnkit.report.comparison.view import ComparisonView


def differences(old: str, new: str) -> dict[str, Any] | None:
    """The totals and layers of both, and the comment of Markdown; None where one can't be read.

    Args:
        old: A spec.
        new: Another.
    """
    before, after = judged(old).analysis, judged(new).analysis
    if before is None or after is None:
        return None
    view = ComparisonView(compare(before, after, None))
    return {**view.comparison.to_dict(), "markdown": render(view, "markdown")}
