"""The answers for whole specs as sheets: exact inputs, and values within budgets."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from fractions import Fraction

from cnnkit.analysis import Analysis
from cnnkit.analysis.solve import BudgetSolution, InputSolution, Trial, ValidSolution
from cnnkit.analysis.solve.inputs import AxisSolution
from cnnkit.errors import Finding
from cnnkit.layers.shape import show
from cnnkit.presentation.numbers import memory, plural, printable
from cnnkit.report.analysis.summary import title
from cnnkit.report.solution.sheet import SolutionSheet
from cnnkit.spec.model.section import BYTES

_LABELS = {"macs": "MACs", "macs_without_heads": "MACs without heads", "flops": "FLOPs"}


def inputs(solution: InputSolution) -> Iterator[SolutionSheet]:
    """A sheet for each axis, or one for all of a square."""
    for axis in solution.axes:
        yield _axis(solution, axis)


def _axis(solution: InputSolution, axis: AxisSolution) -> SolutionSheet:
    present = solution.present
    what = "input extents" if axis.axis == "input" else f"extents of the {axis.axis}"
    if len(axis.answers) == 1:
        what = what.replace("extents", "extent")
    count = f"{len(axis.answers) + axis.more:,}" if axis.answers else "no"
    heading = f"{title(present)}: {count} exact {what} from {axis.low} to {axis.high}"
    rows = [_input_row(extent, axis, answer) for extent, answer in axis.answers.items()]
    columns = ("extent", "change", "input", "output", "parameters", "MACs", "inference memory")
    marked = next((n for n, e in enumerate(axis.answers) if e == axis.present), None)
    return SolutionSheet(heading, columns, rows, list(_input_remarks(solution, axis)), marked)


def _input_row(extent: int, axis: AxisSolution, answer: Analysis) -> tuple[str, ...]:
    totals, grown = answer.totals, extent - axis.present
    return (
        str(extent),
        "now" if not grown else f"{grown:+d}".replace("-", "−"),
        show(answer.input),
        show(answer.output or ()),
        f"{totals.parameters:,}",
        f"{totals.macs:,}",
        memory(totals.inference_memory),
    )


def _input_remarks(solution: InputSolution, axis: AxisSolution) -> Iterator[str]:
    if axis.answers:
        if axis.step and axis.step > 1:
            rest = next(iter(axis.answers)) % axis.step
            plus = f" + {rest}" if rest else ""
            yield f"every {_ordinal(axis.step)} extent: {axis.step}·n{plus}"
        if not solution.exact and axis is solution.axes[-1]:
            yield f"now {show(solution.present.input)}: {_why(solution.present)}"
        if axis.more:
            yield f"{axis.more:,} more pass each layer by itself; --limit 0 verifies and lists all"
        return
    if axis.nearest is not None:
        yield f"the nearest one is {axis.nearest}"
    else:
        yield "there is none nearby either"
    yield f"now {show(solution.present.input)}: {_why(solution.present)}"


def _why(present: Analysis) -> str:
    """Why a spec is not exact as it is."""
    for finding in present.findings:
        if finding.level == "error":
            return _fault(finding)
    for node in present.graph.nodes:
        for window in node.effect.windows:
            if getattr(window, "exact", True) or getattr(node.layer, "padding", "") == "same":
                continue
            formula = window.formula(" ")
            quotient = window.quotient() if hasattr(window, "quotient") else "?"
            return f"{printable(node.path)} rounds {formula} = {quotient} to {window.output}"
    return "every layer is exact"


def _ordinal(number: int) -> str:
    tens, ones = number % 100, number % 10
    return f"{number}{'th' if 10 < tens < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(ones, 'th')}"


def valid(solution: ValidSolution, source: str) -> SolutionSheet:
    """The values without an error, each with what the network is then."""
    path, name = printable(solution.path), printable(solution.name or source)
    low, high = solution.values.value(0), solution.values.value(solution.values.last)
    count = f"{len(solution.answers):,}" if solution.answers else "no"
    noun = "value" if len(solution.answers) == 1 else "values"
    heading = (
        f"{name}: {count} {noun} of {path} from {low.normalize():f} to {high.normalize():f} "
        f"{'is' if len(solution.answers) == 1 else 'are'} without an error"
    )
    rows = [
        (
            f"{value.normalize():f}",
            "now" if value == solution.present else "",
            show(answer.output or ()),
            f"{answer.totals.parameters:,}",
            f"{answer.totals.macs:,}",
            memory(answer.totals.inference_memory),
        )
        for value, answer in solution.answers.items()
    ]
    columns = ("value", "present", "output", "parameters", "MACs", "inference memory")
    listed = list(solution.answers)
    marked = listed.index(solution.present) if solution.present in listed else None
    remarks = ["`--budget parameters=1M` looks for the largest that meets a bound"]
    if solution.fault is not None:
        remarks.insert(0, f"others are not: {_fault(solution.fault)}")
    return SolutionSheet(heading, columns, rows, remarks, marked)


def budget(solution: BudgetSolution, source: str, assignments: Sequence[str] = ()) -> SolutionSheet:
    """The value, what its totals leave of the budgets, and what the next one would exceed."""
    best, path = solution.best, printable(solution.path)
    name = printable(solution.name or source)
    columns = ("total", "budget", "value", "left", "% left")
    shown = best or solution.nearest
    rows = [_budget_row(total, shown) for total in solution.budgets] if shown else []
    if best is None:
        heading = f"{name}: no value of {path} meets the {_budgets(solution)}"
        return SolutionSheet(heading, columns, rows, list(_unsolved(solution)))
    if solution.endless:
        heading = f"{name}: every value of {path} up to {best.text} meets the {_budgets(solution)}"
        return SolutionSheet(heading, columns, rows, ["`--between A..B` bounds the values"])
    now = "" if solution.present is None else f" (now {_decimal(solution)})"
    heading = f"{name}: the largest {path} that meets the {_budgets(solution)} is {best.text}{now}"
    return SolutionSheet(
        heading, columns, rows, [*_solved(solution, best), *_applied(solution, source, assignments)]
    )


def _decimal(solution: BudgetSolution) -> str:
    return f"{solution.present.normalize():f}" if solution.present is not None else ""


def _budgets(solution: BudgetSolution) -> str:
    return "budget" if len(solution.budgets) == 1 else f"{len(solution.budgets)} budgets"


def _budget_row(total: str, trial: Trial) -> tuple[str, ...]:
    bound = trial.budgets[total]
    left = trial.margins[total]
    label = _LABELS.get(total, total.replace("_", " "))
    part = f"{_tenths(Fraction(100 * left, bound))} %" if bound else ""
    return (label, _figure(total, bound), _figure(total, bound - left), _figure(total, left), part)


def _tenths(value: Fraction) -> str:
    return f"{float(round(value, 1)):,.1f}".replace("-", "−")


def _figure(total: str, value: int) -> str:
    sign = "−" if value < 0 else ""
    size = memory(abs(value)) if total in BYTES else f"{abs(value):,}"
    return f"{sign}{size}"


def _solved(solution: BudgetSolution, best: Trial) -> Iterator[str]:
    after = solution.next
    if after is not None and after.fault is not None:
        yield f"{after.text} is no valid spec: {_fault(after.fault)}"
    elif after is not None:
        over = ", ".join(
            f"{_LABELS.get(name, name.replace('_', ' '))} by {_figure(name, excess)}"
            for name, excess in after.over.items()
        )
        yield f"{after.text} exceeds {over}"
    elif solution.values.bounded:
        yield f"{best.text} is the last value of those asked for"
    if solution.gap is not None:
        yield (
            f"not every value below does: {solution.gap.text} exceeds a budget; "
            "--between A..B tries every value"
        )


def _applied(solution: BudgetSolution, source: str, assignments: Sequence[str]) -> Iterator[str]:
    """The command that applies the answer, a line of its own, so that it can be copied."""
    yield f"{plural(solution.tried, 'value')} analysed; to apply it:"
    own = [] if solution.assignment is None else [solution.assignment]
    options = [f"--set {shlex.quote(each)}" for each in (*assignments, *own)]
    if not own and solution.best is not None:
        options.append(f"--batch {solution.best.text}")
    yield f"  cnnkit analyze {shlex.quote(source)} {' '.join(options)}"


def _unsolved(solution: BudgetSolution) -> Iterator[str]:
    if solution.nearest is not None:
        yield f"the nearest one is {solution.nearest.text}, above"
    if solution.fault is not None:
        yield f"no value tried is valid; the first: {_fault(solution.fault)}"
    yield f"{plural(solution.tried, 'value')} analysed; --between A..B tries others"


def _fault(finding: Finding) -> str:
    place = f"{finding.location}: " if finding.location else ""
    return printable(f"{place}{finding.message}  [{finding.rule}]")
