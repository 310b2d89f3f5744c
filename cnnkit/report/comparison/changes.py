"""What has become of several specs, a section each: changed, new or removed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from cnnkit.presentation.numbers import printable
from cnnkit.presentation.output import put_text
from cnnkit.report import render
from cnnkit.report.analysis.markdown import code
from cnnkit.report.comparison import formats

if TYPE_CHECKING:
    from cnnkit.report.analysis.options import Result
    from cnnkit.report.comparison.view import ComparisonView

Status = Literal["changed", "new", "removed"]


class SpecChange(NamedTuple):
    """A spec that is not what it was.

    Attributes:
        file: Its path.
        status: Whether it is there before and after.
        view: The comparison of both, of a changed one.
        result: Its analysis, of a new one.
    """

    file: str
    status: Status
    view: ComparisonView | None = None
    result: Result | None = None

    @property
    def ok(self) -> bool:
        """Whether the spec of after has no errors, and no condition is met."""
        if self.view is not None:
            return self.view.comparison.ok and not any(met for _, met in self.view.conditions)
        return self.result is None or self.result.ok


def write_changes(changes: Sequence[SpecChange], format_: str, output: Path | None) -> None:
    """Writes all sections to a file or to standard output; nothing where nothing has changed.

    Raises:
        UsageError: The file cannot be written.
    """
    if format_ == "json":
        documents = [_document(change) for change in changes]
        put_text(json.dumps(documents, ensure_ascii=True, indent=2) + "\n", output)
    else:
        put_text("\n".join(_section(change, format_) for change in changes), output)


def _section(change: SpecChange, format_: str) -> str:
    return "\n".join(_parts(change, format_))


def _parts(change: SpecChange, format_: str) -> Iterator[str]:
    word = "" if change.status == "changed" else f" ({change.status})"
    if format_ == "markdown":
        yield f"### {code(change.file)}{word}\n"
    else:
        yield f"{printable(change.file)}{word}"
    if change.view is not None:
        yield formats.render(change.view, format_)
    elif change.result is not None:
        yield render([change.result], format_)
    else:
        yield ""


def _document(change: SpecChange) -> dict[str, object]:
    view, result = change.view, change.result
    return {
        "file": change.file,
        "status": change.status,
        "comparison": json.loads(formats.render(view, "json")) if view else None,
        "analysis": result.to_dict() if result else None,
    }
