"""What a report can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnkit.analysis import Analysis
    from cnnkit.analysis.result import Unreadable

    Result = Analysis | Unreadable
    """What is reported of one source."""


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How a report is to look. A format takes of it what it can show.

    Attributes:
        depth: Levels of nested layers that are shown; None leaves it to the format.
        explain: Whether each number is shown with its derivation.
        width: Columns that the text must fit in; None, as for a pipe, sets no limit.
        color: Whether the text may hold terminal colours.
        to_scale: Whether a drawing shows extents and channels in proportion.
    """

    depth: int | None = None
    explain: bool = False
    width: int | None = None
    color: bool = False
    to_scale: bool = False
