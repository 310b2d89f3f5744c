"""The figures of a data set, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnkit.layers.base import show
from cnnkit.presentation.grid import GAP, Column, grid
from cnnkit.presentation.lines import Line, Piece
from cnnkit.presentation.numbers import cells, memory, plural, printable

if TYPE_CHECKING:
    from cnnkit.data.summary import Summary

# More classes fill more than a screen, more channels more than a line.
_CLASSES, _CHANNELS = 40, 4


def dataset_lines(summary: Summary) -> Iterator[Line]:
    """What the data set is, its classes with the examples of each split, and its values."""
    dataset = summary.dataset
    facts = (
        show(dataset.shape),
        plural(sum(summary.examples.values()), "example"),
        memory(dataset.nbytes),
    )
    yield [Piece(printable(dataset.name), "bold"), Piece("  " + "  ".join(facts))]
    yield []
    yield from _counts(summary)
    yield []
    yield from _values(summary)


def _counts(summary: Summary) -> Iterator[Line]:
    """A row a class, and their sum."""
    shown = list(summary.classes.items())[:_CLASSES]
    hidden = len(summary.classes) - len(shown)
    names = [printable(name) for name, _ in shown]
    if hidden:
        names.append(f"… {hidden:,} more")
    names.append("all")
    columns = [Column("class" if summary.classes else "", [[Piece(name)] for name in names])]
    for part, total in summary.examples.items():
        rest = total - sum(counts[part] for _, counts in shown) if hidden else 0
        figures = [counts[part] for _, counts in shown] + ([rest] if hidden else []) + [total]
        columns.append(Column(part, [[Piece(f"{figure:,}")] for figure in figures], right=True))
    yield from grid(columns)


def _values(summary: Summary) -> Iterator[Line]:
    training = summary.training
    kind = str(summary.dataset.train.inputs.dtype)
    scaled = ", scaled to 0 to 1" if kind == "uint8" else ""
    rows = [
        ("values", f"{training.minimum:g} to {training.maximum:g} ({kind}{scaled})"),
        ("mean", _figures(training.mean.tolist())),
        ("deviation", _figures(training.deviation.tolist())),
    ]
    if not summary.classes:
        width = summary.dataset.train.targets.shape[1]
        rows.append(("targets", f"{plural(width, 'number')} an example"))
    width = max(cells(name) for name, _ in rows) + GAP
    for name, value in rows:
        yield [Piece(f"{name:{width}}", "dim"), Piece(value)]


def _figures(values: Sequence[float]) -> str:
    """The values of the channels, or the range of many."""
    if len(values) > _CHANNELS:
        return f"{min(values):.4g} to {max(values):.4g} over {len(values):,} channels"
    return "  ".join(f"{value:.4f}" if abs(value) < 1000 else f"{value:.4g}" for value in values)
