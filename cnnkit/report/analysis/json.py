"""The analysis as JSON: the same keys for every spec, exact integers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnkit.report.analysis.options import ReportOptions, Result


def render(results: Sequence[Result], options: ReportOptions) -> str:
    """One object, or of several specs a list of them."""
    documents = [result.to_dict(options.depth) for result in results]
    document = documents[0] if len(documents) == 1 else documents
    text = json.dumps(document, ensure_ascii=False, indent=2)
    # A name may hold half a surrogate pair, which no encoding takes but JSON's own escape.
    return text.encode("utf-8", "backslashreplace").decode() + "\n"
