"""What a notebook shows below a cell: a part of a page, in the style of the notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cnnkit.pages.page import write
from cnnkit.pages.table import PageTable


class ProgressBar(NamedTuple):
    """How far something is.

    Attributes:
        told: What is said beside the bar.
        done: The part of it that is done.
        of: How many parts there are; 0 where nobody knows, and there is no bar.
    """

    told: str
    done: int = 0
    of: int = 0


class ListedFinding(NamedTuple):
    """A finding as an item of a list; what its message has in backticks is code."""

    level: str
    place: str
    message: str
    rule: str


@dataclass(frozen=True)
class CellOutput:
    """The parts of what a cell shows, in the order in which they are shown.

    Attributes:
        before: Lines, as a terminal shows them.
        title: What it is about.
        flow: What is said beside the title.
        told: Paragraphs; as in the flow, what stands in backticks is code.
        drawing: An SVG of ours.
        progress: How far it is.
        tables: Each with the notes that stand below it.
        pictures: Their names, and the addresses that hold them.
        findings: Lists of them, each with its heading, which may be empty.
        after: Lines, as a terminal shows them.
    """

    before: Sequence[str] = ()
    title: str = ""
    flow: str = ""
    told: Sequence[str] = ()
    drawing: str = ""
    progress: ProgressBar | None = None
    tables: Sequence[tuple[PageTable, Sequence[str]]] = ()
    pictures: Sequence[tuple[str, str]] = ()
    findings: Sequence[tuple[str, Sequence[ListedFinding]]] = ()
    after: Sequence[str] = ()

    def html(self) -> str:
        """The output as a notebook takes it."""
        return write("notebook", shown=self)
