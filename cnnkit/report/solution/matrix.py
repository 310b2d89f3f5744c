"""The strides and paddings that fit, as a matrix: a row a stride, a column a padding."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from cnnkit.analysis.solve import Fit, WindowQuestion, WindowSolution
from cnnkit.layers.shape import show
from cnnkit.layers.window import axis_names
from cnnkit.presentation.grid import GAP, Column, grid, grid_width
from cnnkit.presentation.lines import Line, Piece

# Without a terminal there is no width to fit in; this many columns choose what is shown.
_PIPE = 100
_MISS = "·"


def title(solution: WindowSolution) -> str:
    """The question: ``input 7, kernel 3: 14 fit``."""
    question = solution.question
    known = [f"input {show(question.extents)}", f"kernel {_one(question.kernel)}"]
    if set(question.dilation) != {1}:
        known.append(f"dilation {_one(question.dilation)}")
    if question.stride is not None:
        known.append(f"stride {question.stride}")
    if question.output is not None:
        known.append(f"output {show(question.output)}")
    if not solution.count:
        count = "no stride and padding fit"
    elif solution.count == 1:
        count = "1 pair of stride and padding fits"
    else:
        count = f"{solution.count:,} pairs of stride and padding fit"
    return f"{', '.join(known)}: {count}"


def lines(solution: WindowSolution, width: int | None = None) -> Iterator[Line]:
    """The question, its equation, the matrix of outputs, and how to read it."""
    yield [Piece(title(solution), "bold")]
    yield [Piece(equation(solution.question), "dim")]
    if solution.fits:
        yield []
        columns, hidden = _fitted(solution, width or _PIPE)
        head = " " * (columns[0].width + GAP)
        yield [Piece(f"{head}padding P", "bold")]
        yield from grid(columns)
        if hidden:
            shown = f"{hidden} larger {'padding is' if hidden == 1 else 'paddings are'} not shown"
            yield [Piece(f"{shown}; --format csv lists all", "dim italic")]
    yield []
    for remark in remarks(solution):
        for line in wrap(remark, width or _PIPE):
            yield [Piece(line, "dim italic")]


def equation(question: WindowQuestion) -> str:
    """The rule with the values put in: ``output = (7 + P − 3)/S + 1``."""
    pairs = list(zip(question.extents, question.dilated, strict=True))
    sides = [f"({extent} + P − {dilated})/S + 1" for extent, dilated in pairs]
    if len(set(sides)) == 1:
        return f"output = {sides[0]}"
    named = zip(axis_names(len(sides)), sides, strict=True)
    return f"output: {', '.join(f'{name} {side}' for name, side in named)}"


def remarks(solution: WindowSolution) -> Iterator[str]:
    """What the letters mean, what is not listed, and where to go on."""
    question = solution.question
    most = question.most_padding
    if solution.found:
        axes = "" if len(question.extents) == 1 else ", of each axis"
        yield (
            f"P: the cells before and after together{axes}: an even P is P/2 on each side, "
            "of an odd one the odd cell is after"
        )
    else:
        tried = "no padding" if not most else f"a padding of up to {most // 2} on each side"
        limit = question.stride or f"1 to {question.largest_stride}"
        yield f"tried: {tried}, stride {limit}"
        if question.output is not None or question.stride is not None:
            yield "leave out --output-extent or --stride to see what fits"
    if solution.more:
        yield f"{solution.more:,} more fit, of larger strides; --limit 0 lists all"


def _one(values: tuple[int, ...]) -> str:
    return str(values[0]) if len(set(values)) == 1 else show(values)


def _fitted(solution: WindowSolution, width: int) -> tuple[list[Column], int]:
    """The columns that fit in a width, and how many paddings do not."""
    by_place: dict[tuple[int, int], Fit] = {(fit.stride, fit.padding): fit for fit in solution.fits}
    strides = sorted({fit.stride for fit in solution.fits})
    paddings = sorted({fit.padding for fit in solution.fits})
    square = all(len(set(fit.output)) == 1 for fit in solution.fits)
    columns = [Column("stride S", [[Piece(f"{stride}", "bold")] for stride in strides], right=True)]
    for number, padding in enumerate(paddings):
        cells: list[Line] = []
        for stride in strides:
            fit = by_place.get((stride, padding))
            if fit is None:
                cells.append([Piece(_MISS, "dim")])
            else:
                cells.append([Piece(str(fit.output[0]) if square else show(fit.output), "green")])
        column = Column(str(padding), cells, right=True)
        if number and grid_width([*columns, column]) > width:
            return columns, len(paddings) - number
        columns.append(column)
    return columns, 0
