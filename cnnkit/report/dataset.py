"""The figures of a data set, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnkit.layers.shape import show
from cnnkit.presentation.grid import GAP, Column, grid
from cnnkit.presentation.lines import Line, Piece
from cnnkit.presentation.numbers import cells, memory, plural, printable

if TYPE_CHECKING:
    from cnnkit.data.summary import DatasetSummary

# More classes fill more than a screen, more channels more than a line.
_CLASSES, _CHANNELS = 40, 4


def dataset_lines(summary: DatasetSummary) -> Iterator[Line]:
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
    if summary.warnings:
        yield []
    for warning in summary.warnings:
        yield [Piece("warning", "yellow"), Piece(f"  {printable(warning)}")]


def _counts(summary: DatasetSummary) -> Iterator[Line]:
    """A row a class, and their sum."""
    every = list(summary.classes.items())
    shown, beyond = every[:_CLASSES], every[_CLASSES:]
    hidden = len(beyond)
    names = [printable(name) for name, _ in shown]
    if hidden:
        names.append(f"… {hidden:,} more")
    of_pixels = summary.dataset.train.of_pixels
    names += ["pixels", "images"] if of_pixels else ["all"]
    names += ["groups"] if summary.groups else []
    labelled = len(summary.dataset.train.targets.shape) > 1 and not of_pixels
    noun = "label" if labelled else "class"
    columns = [Column(noun if summary.classes else "", [[Piece(name)] for name in names])]
    for part, total in summary.examples.items():
        rest = sum(counts[part] for _, counts in beyond)
        figures = [counts[part] for _, counts in shown] + ([rest] if hidden else [])
        figures += [sum(counts[part] for _, counts in every)] if of_pixels else []
        figures.append(total)
        figures += [summary.groups[part]] if summary.groups else []
        columns.append(Column(part, [[Piece(f"{figure:,}")] for figure in figures], right=True))
    yield from grid(columns)


def _values(summary: DatasetSummary) -> Iterator[Line]:
    training, (low, high) = summary.training, summary.range
    deviation = training.deviation.tolist()
    for channel in training.constant:
        deviation[channel] = 0.0
    rows = [
        ("values", f"{low:g} to {high:g} ({_kind(summary)})"),
        ("mean", _figures(training.mean.tolist())),
        ("deviation", _figures(deviation)),
    ]
    if summary.dataset.target:
        rows.append(("target", summary.dataset.target))
    if not summary.classes:
        shape = summary.dataset.train.targets.shape[1:]
        told = show(shape) if len(shape) > 1 else plural(shape[0], "number")
        rows.append(("targets", f"{told} an example"))
    width = max(cells(name) for name, _ in rows) + GAP
    for name, value in rows:
        yield [Piece(f"{name:{width}}", "dim"), Piece(value)]


def _kind(summary: DatasetSummary) -> str:
    """The type of the values in their files, and what becomes of it."""
    kind = summary.dataset.dtype or str(summary.dataset.train.inputs.dtype)
    scaled = summary.dataset.train.value_range
    if scaled is None:
        return kind
    usual = kind == "uint8" and scaled == (0, 255)
    return f"{kind}, {'' if usual else f'{scaled[0]:g} to {scaled[1]:g} '}scaled to 0 to 1"


def _figures(values: Sequence[float]) -> str:
    """The values of the channels, or the range of many."""
    if len(values) > _CHANNELS:
        return f"{min(values):.4g} to {max(values):.4g} over {len(values):,} channels"
    return "  ".join(f"{value:.4f}" if abs(value) < 1000 else f"{value:.4g}" for value in values)
