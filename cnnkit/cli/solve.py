"""``cnnkit solve``: the inverse, what fits a window, an input or a budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import Precision, one_of
from cnnkit.errors import UsageError
from cnnkit.report.formats import SOLUTION_FORMATS, format_of
from cnnkit.spec.optimizer_state import STATE_ARRAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnkit.analysis.solve import (
        BudgetSolution,
        InputSolution,
        ValidSolution,
        WindowSolution,
    )
    from cnnkit.cli.sources import AnalyzeArguments
    from cnnkit.spec.model.spec import Spec


# Answers that are listed unless --limit says otherwise.
_WINDOWS, _INPUTS = 100, 20
_ALONE = "no SPEC beside it: it is of a window on its own"
_WINDOW, _SPEC = "A window on its own", "A whole spec"


def solve(
    spec: Annotated[
        str | None, typer.Argument(metavar="SPEC", help="A spec; `-` reads stdin.")
    ] = None,
    extents: Annotated[
        str | None,
        typer.Option("--input", metavar="D", help="The input: 7, or 7x9.", rich_help_panel=_WINDOW),
    ] = None,
    kernel: Annotated[
        str | None,
        typer.Option(metavar="F", help="The window: 3, or 3x5.", rich_help_panel=_WINDOW),
    ] = None,
    dilation: Annotated[
        str, typer.Option(metavar="N", help="Of the window.", rich_help_panel=_WINDOW)
    ] = "1",
    stride: Annotated[
        int | None,
        typer.Option(metavar="S", min=1, help="Only this stride.", rich_help_panel=_WINDOW),
    ] = None,
    output_extent: Annotated[
        str | None,
        typer.Option(metavar="O", help="Only what gives this output.", rich_help_panel=_WINDOW),
    ] = None,
    vary: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="`input`, `batch`, or a number of the spec: variables.width.",
            rich_help_panel=_SPEC,
        ),
    ] = None,
    budgets: Annotated[
        list[str] | None,
        typer.Option(
            "--budget",
            metavar="TOTAL=FIGURE",
            help="An upper bound: parameters=1M. Default: the spec's `budget:`, but for `input`; "
            "without any, all values are listed that are valid.",
            rich_help_panel=_SPEC,
        ),
    ] = None,
    between: Annotated[
        str | None,
        typer.Option(
            metavar="A..B", help="The values to try, each of them.", rich_help_panel=_SPEC
        ),
    ] = None,
    step: Annotated[
        str | None,
        typer.Option(metavar="N", help="From value to value: 1.", rich_help_panel=_SPEC),
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, help="Examples, for the memory.", rich_help_panel=_SPEC)
    ] = 1,
    precision: Annotated[
        Precision, typer.Option(help="Of the activations.", rich_help_panel=_SPEC)
    ] = Precision.float32,
    optimizer: Annotated[
        str, one_of(STATE_ARRAYS, "--optimizer", help="Whose state training keeps.", panel=_SPEC)
    ] = "adam",
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Set a value: variables.k=5.",
            rich_help_panel=_SPEC,
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Answers to list; 0 lists all.")] = None,
    format_: Annotated[
        str | None,
        one_of(
            SOLUTION_FORMATS, "--format", "-f", help="Default: table, or what --output ends with."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the answer to this file.")
    ] = None,
) -> None:
    """Find what fits: strides and paddings, inputs of a whole spec, the largest width in budget.

    Example: cnnkit solve --input 7 --kernel 3

    Example: cnnkit solve specs/zoo/resnet-50.yaml --vary input --between 200..300

    Example: cnnkit solve specs/zoo/lenet-5.yaml --vary layers.0.filters --budget macs=1M

    Example: cnnkit solve specs/zoo/u-net.yaml --vary input --budget activation_memory=1GiB

    Example: cnnkit solve specs/lectures/stride-2.yaml --vary layers.0.kernel
    """
    from cnnkit.report.solution.formats import write

    chosen = format_ or format_of(output, SOLUTION_FORMATS)
    solution: WindowSolution | InputSolution | BudgetSolution | ValidSolution
    if spec is None:
        _exclude("--vary", vary, "a SPEC to look in")
        _exclude("--budget", budgets, "a SPEC to look in")
        _exclude("--between", between, "a SPEC to look in")
        solution = _window(extents, kernel, dilation, stride, output_extent, limit)
    else:
        _exclude("--input", extents, _ALONE)
        _exclude("--kernel", kernel, _ALONE)
        _exclude("--stride", stride, _ALONE)
        _exclude("--output-extent", output_extent, _ALONE)
        settings: AnalyzeArguments = {
            "batch": batch,
            "precision": precision.value,
            "optimizer": optimizer,
            "convention": None,
        }
        read = _read(spec, assignments or [], settings, chosen, output)
        if vary == "input" and not budgets:
            _exclude("--step", step, "a number to vary, such as `--vary variables.width`")
            solution = _inputs(read, between, limit, settings)
        else:
            solution = _budget(read, vary, budgets or [], (between, step), settings)
    write(solution, chosen, output, source=spec or "", assignments=assignments or ())
    raise typer.Exit(0 if solution.found else 1)


def _exclude(flag: str, given: object, needed: str) -> None:
    if given is not None:
        raise UsageError(f"{flag} needs {needed}")


def _window(
    extents: str | None,
    kernel: str | None,
    dilation: str,
    stride: int | None,
    output: str | None,
    limit: int | None,
) -> WindowSolution:
    from cnnkit.analysis.solve import WindowQuestion, fits
    from cnnkit.cli import figures

    if extents is None or kernel is None:
        raise UsageError(
            "give `--input 7 --kernel 3` for what fits a window, or a SPEC and `--vary`"
        )
    axes = figures.extents("--input", extents)
    rank = len(axes)
    question = WindowQuestion(
        axes,
        figures.extents("--kernel", kernel, rank),
        figures.extents("--dilation", dilation, rank),
        stride,
        None if output is None else figures.extents("--output-extent", output, rank),
    )
    return fits(question, _WINDOWS if limit is None else limit or None)


def _read(
    source: str,
    assignments: Sequence[str],
    settings: AnalyzeArguments,
    format_: str,
    output: Path | None,
) -> Spec:
    """The spec; where its text has faults they are reported, and the command ends."""
    from cnnkit import report
    from cnnkit.analysis.result import Analysis, Unreadable
    from cnnkit.cli.sources import analyses_of

    (result,) = analyses_of([source], assignments, **settings)
    if isinstance(result, Analysis):
        faults = tuple(f for f in result.spec.origin.findings if f.level == "error")
        if not faults:
            return result.spec
        result = Unreadable(source, faults)
    report.write([result], format_, output)
    raise typer.Exit(1)


def _inputs(
    spec: Spec, between: str | None, limit: int | None, settings: AnalyzeArguments
) -> InputSolution:
    from cnnkit.analysis.solve import exact_inputs
    from cnnkit.cli import figures

    bounds = None
    if between is not None:
        low, high = figures.bounds(between)
        if low % 1 or high % 1 or low < 1:
            raise UsageError(f"--between {between}: extents are whole numbers above 0")
        bounds = int(low), int(high)
    return exact_inputs(
        spec,
        bounds,
        _INPUTS if limit is None else limit or None,
        batch=settings["batch"],
        precision=settings["precision"],
        optimizer=settings["optimizer"],
    )


def _budget(
    spec: Spec,
    path: str | None,
    given: Sequence[str],
    range_: tuple[str | None, str | None],
    settings: AnalyzeArguments,
) -> BudgetSolution | ValidSolution:
    from cnnkit.analysis.solve import Values, largest, valid_values
    from cnnkit.cli import figures

    if path is None:
        raise UsageError("--vary says what is looked for: `input`, or `variables.width`")
    budgets = dict(map(figures.bound, given)) or (spec.budget.figures() if spec.budget else {})
    if path in ("input", "batch") and (range_[1] or "1").partition(".")[2]:
        raise UsageError(f"--step {range_[1]}: the {path} grows in whole numbers")
    low, high = (None, None) if range_[0] is None else figures.bounds(range_[0])
    if path == "batch" and not budgets:
        raise UsageError("--vary batch needs a --budget of memory, such as training_memory=8GiB")
    step = figures.number("--step", range_[1] or "1")
    if step <= 0:
        raise UsageError(f"--step {range_[1]}: a step is above 0")
    if not budgets:
        return valid_values(
            spec,
            path,
            Values(step, low, high),
            batch=settings["batch"],
            precision=settings["precision"],
            optimizer=settings["optimizer"],
        )
    return largest(
        spec,
        path,
        budgets,
        Values(step, low, high),
        batch=settings["batch"],
        precision=settings["precision"],
        optimizer=settings["optimizer"],
    )
