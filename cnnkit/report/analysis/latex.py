"""The analysis as a table of LaTeX, with the rules of booktabs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnkit.analysis.result import Analysis
from cnnkit.layers.shape import show
from cnnkit.presentation.latex import commented, latex
from cnnkit.report.analysis.rows import LayerRow, captions, rows_of
from cnnkit.report.analysis.summary import (
    field_sizes,
    shapes,
    time_columns,
    time_of,
    title,
    total_time,
)

if TYPE_CHECKING:
    from cnnkit.report.analysis.options import ReportOptions, Result


def render(results: Sequence[Result], options: ReportOptions) -> str:
    """A table a spec, to be put into a document that uses booktabs; findings are comments."""
    return "\n".join(line for result in results for line in _table(result, options)) + "\n"


def _table(result: Result, options: ReportOptions) -> Iterator[str]:
    for finding in result.findings:
        place = f"{finding.location}: " if finding.location else ""
        yield commented(f"{place}{finding.level}: {finding.message} [{finding.rule}]")
    if not isinstance(result, Analysis):
        yield commented(f"{title(result)} cannot be read")
        return
    rows = rows_of(result, options.depth)
    numbers = ["neurons", "parameters", *(["state"] if result.totals.state else []), "MACs"]
    yield r"% \usepackage{booktabs}"
    yield r"\begin{table}"
    yield r"\centering"
    yield f"\\caption{{{latex(title(result))}: {latex(shapes(result))}}}"
    times = time_columns(result)
    columns = [*numbers, *times]
    yield f"\\begin{{tabular}}{{lll{'r' * len(columns)}l}}"
    yield r"\toprule"
    yield f"layer & kind & output & {' & '.join(columns)} & receptive field \\\\"
    yield r"\midrule"
    yield from (_row(result, row, numbers) for row in rows.rows)
    yield r"\midrule"
    totals = [f"{getattr(result.totals, name.lower()):,}" for name in numbers]
    totals += [latex(total_time(result, name)) for name in times]
    yield f"total & & & {' & '.join(totals)} & \\\\"
    yield r"\bottomrule"
    yield r"\end{tabular}"
    for caption in captions(rows, hidden=False):
        yield f"\\par\\footnotesize {latex(caption)}"
    yield r"\end{table}"


def _row(analysis: Analysis, row: LayerRow, numbers: Sequence[str]) -> str:
    layer = row.layer
    indent = r"\quad " * (len(row.guide) // 3)
    label = f"{indent}{latex(layer.label)}{latex('†') if layer.side else ''}"
    cells = [label, latex(row.kind), show(layer.output) if layer.output else "?"]
    for name in numbers:
        figure = f"{getattr(layer, name.lower()):,}" if layer.known else "?"
        cells.append(latex(f"Σ{figure}") if row.group and layer.known else figure)
    for name in time_columns(analysis):
        figure = time_of(analysis, layer, name) if layer.known else "?"
        cells.append(latex(f"Σ{figure}" if row.group and layer.known else figure))
    cells.append(field_sizes(layer.fields))
    return f"{' & '.join(cells)} \\\\"
