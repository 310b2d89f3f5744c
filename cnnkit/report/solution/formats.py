"""What `solve` found, as text: one entry a format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from cnnkit.analysis.solve import (
    BudgetSolution,
    InputSolution,
    ValidSolution,
    WindowSolution,
)
from cnnkit.layers.shape import show
from cnnkit.presentation.lines import Line, plain
from cnnkit.presentation.output import put_lines, put_text
from cnnkit.report.solution import answers, matrix
from cnnkit.report.solution.sheet import SolutionSheet, comma_separated, lines, markdown

if TYPE_CHECKING:
    from pathlib import Path

    Solution = WindowSolution | InputSolution | BudgetSolution | ValidSolution
    """What any of the searches gives."""


def write(
    solution: Solution,
    format: str = "table",  # noqa: A002 - the name of the flag
    output: Path | None = None,
    *,
    source: str = "SPEC",
    assignments: Sequence[str] = (),
) -> None:
    """Writes a solution to a file or to standard output.

    Args:
        solution: What was found.
        format: One of ``SOLUTION_FORMATS``.
        output: The file; None is standard output.
        source: The spec's name in commands that are given to apply the answer.
        assignments: What `--set` took, which belongs into them, too.

    Raises:
        UsageError: The file cannot be written.
    """
    if format == "table":
        put_lines(_tabled(solution, source, assignments), output)
    else:
        put_text(render(solution, format, source=source, assignments=assignments), output)


def render(
    solution: Solution,
    format: str = "table",  # noqa: A002 - the name of the flag
    *,
    source: str = "SPEC",
    assignments: Sequence[str] = (),
    width: int | None = None,
) -> str:
    """A solution as a text; a table fits in ``width`` where that is given."""
    if format == "json":
        return json.dumps(solution.to_dict(), ensure_ascii=False, indent=2) + "\n"
    if format == "table":
        return plain(_tabled(solution, source, assignments)(width)) + "\n"
    sheets = _sheets(solution, source, assignments)
    return comma_separated(sheets) if format == "csv" else "\n\n".join(map(markdown, sheets)) + "\n"


def _tabled(
    solution: Solution, source: str, assignments: Sequence[str]
) -> Callable[[int | None], Iterator[Line]]:
    if isinstance(solution, WindowSolution):
        return lambda width: matrix.lines(solution, width)
    sheets = _sheets(solution, source, assignments)
    return lambda width: lines(sheets, width)


def _sheets(solution: Solution, source: str, assignments: Sequence[str]) -> list[SolutionSheet]:
    if isinstance(solution, WindowSolution):
        return [_windows(solution)]
    if isinstance(solution, InputSolution):
        return list(answers.inputs(solution))
    if isinstance(solution, ValidSolution):
        return [answers.valid(solution, source)]
    return [answers.budget(solution, source, assignments)]


def _windows(solution: WindowSolution) -> SolutionSheet:
    rows = [
        (str(fit.stride), str(fit.padding), str(fit.before), str(fit.after), show(fit.output))
        for fit in solution.fits
    ]
    columns = ("stride", "padding", "before", "after", "output")
    return SolutionSheet(matrix.title(solution), columns, rows, list(matrix.remarks(solution)))
