"""Predictions as a user reads them, and as programs do: written one by one, whatever their number.

Each format is a function from predictions to pieces of text.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from cnnkit.presentation.numbers import percent, printable
from cnnkit.training.use.prediction import Prediction, Refused

Found = Iterable[Prediction | Refused]


@dataclass(frozen=True)
class Columns:
    """What a table of predictions has columns for.

    Attributes:
        names: The names of the classes, or of the outputs of a regression; none of several outputs.
        of_classes: Whether they are classes.
        top: How many of the most probable classes are named; None for the probability of each.
        of_maps: Whether predictions are maps, of which each class has a part of the pixels; of
            several outputs some of them.
    """

    names: Sequence[str]
    of_classes: bool
    top: int | None
    of_maps: bool = False


def as_table(found: Found, columns: Columns) -> Iterator[str]:
    """A line a file; what is refused is told elsewhere."""
    for each in found:
        if isinstance(each, Refused):
            continue
        of_classes = columns.of_classes if columns.names else each.of_classes
        values = [percent(one) if of_classes else f"{one:.4g}" for one in each.values]
        shown = ", ".join(map(" ".join, zip(each.classes, values, strict=True)))
        if each.map is not None and of_classes:
            shown = ", ".join(
                f"{name} {percent(part)}"
                for name, part in zip(each.classes, each.values, strict=True)
                if part
            )
        if each.path is not None:
            shown += f" → {each.path}"
        if each.decision not in (None, each.classes[0]):
            shown = f"{each.decision} ({shown})"
        output = f" {each.output}" if each.output else ""
        yield printable(f"{each.file}{output}: {shown}") + "\n"


def as_json(found: Found, columns: Columns) -> Iterator[str]:  # noqa: ARG001 - as the others
    """One list."""
    begun = False
    for each in found:
        text = json.dumps(each.to_dict(), indent=2).replace("\n", "\n  ")
        yield f"{',' if begun else '['}\n  {text}"
        begun = True
    yield "\n]\n" if begun else "[]\n"


def as_json_lines(found: Found, columns: Columns) -> Iterator[str]:  # noqa: ARG001 - as the others
    """An object a line."""
    for each in found:
        yield json.dumps(each.to_dict()) + "\n"


def as_csv(found: Found, columns: Columns) -> Iterator[str]:
    """A line a file: what it is taken for and how probable the first class is, or what is wrong.

    Where several classes are named, the first, second … and their probabilities follow; where all
    are, a column a class. Of a regression there is a column an output. Of a network of several
    outputs there is a line for each value of each, with the output and what it is called.
    """
    if not columns.names:
        yield from _long(found, columns)
        return
    if columns.of_maps:
        yield from _csv_of_maps(found, columns)
        return
    header = ["file", *(("class", "probability") if columns.of_classes else ())]
    if not columns.of_classes or columns.top is None:
        header += [
            f"probability of {name}" if columns.of_classes else name for name in columns.names
        ]
    elif columns.top > 1:
        named = range(1, min(columns.top, len(columns.names)) + 1)
        header += [field for each in named for field in (f"class {each}", f"probability {each}")]
    yield _line([*header, "error"])
    for each in found:
        if isinstance(each, Refused):
            yield _line([each.file, *[""] * (len(header) - 1), each.problem])
        else:
            yield _line([each.file, *_cells(each, columns), ""])


def _csv_of_maps(found: Found, columns: Columns) -> Iterator[str]:
    """A line a file: the part of the pixels that each class has, or the numbers of an image."""
    names = [f"part of {name}" if columns.of_classes else name for name in columns.names]
    yield _line(["file", *names, "map", "error"])
    for each in found:
        if isinstance(each, Refused):
            yield _line([each.file, *[""] * (len(names) + 1), each.problem])
        else:
            values = (f"{value:.9g}" for value in each.values)
            yield _line([each.file, *values, each.path or "", ""])


def _long(found: Found, columns: Columns) -> Iterator[str]:
    """A line for each value of each output, with the file of its map where outputs are maps."""
    yield _line(["file", "output", "name", "value", *(["map"] if columns.of_maps else []), "error"])
    for each in found:
        if isinstance(each, Refused):
            yield _line([each.file, *[""] * (4 if columns.of_maps else 3), each.problem])
            continue
        path = [each.path or ""] if columns.of_maps else []
        for name, value in zip(each.classes, each.values, strict=True):
            yield _line([each.file, each.output, name, f"{value:.9g}", *path, ""])


def _cells(found: Prediction, columns: Columns) -> Iterator[str]:
    values = [f"{value:.9g}" for value in found.values]  # all that a float32 has
    if found.decision is not None:
        yield from (found.decision, values[0])
    if not columns.of_classes or columns.top is None:
        by_name = dict(zip(found.classes, values, strict=True))
        yield from (by_name[name] for name in columns.names)
    elif columns.top > 1:
        for name, value in zip(found.classes, values, strict=True):
            yield from (name, value)


def _line(cells: Iterable[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(cells)
    return stream.getvalue()


FORMATS: Mapping[str, Callable[[Found, Columns], Iterator[str]]] = MappingProxyType(
    {"table": as_table, "json": as_json, "jsonl": as_json_lines, "csv": as_csv}
)
"""The formats by their names on the command line."""
