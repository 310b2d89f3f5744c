"""The examples that a network is wrong about, as a table: the surest mistakes first."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from cnnkit.training.compute.ranking import Answers
from cnnkit.training.prepare.material import Material, SplitName
from cnnkit.training.store.files import write_atomic

HEADER: Final = ("split", "example", "true", "predicted", "probability")


class Wrong(NamedTuple):
    """A wrong answer.

    Attributes:
        split: The split that the example is of.
        example: Its file, or its index in the arrays of the data.
        true: Its class; of labels one that it has, or ``not`` one that it lacks.
        predicted: What the network says.
        probability: How sure the network is of that, 0 to 1.
    """

    split: str
    example: str
    true: str
    predicted: str
    probability: float


def wrong_answers(
    material: Material, split: SplitName, answers: Answers, classes: Sequence[str]
) -> list[Wrong]:
    """The wrong answers of a split, the surest first.

    Args:
        material: What the answers are about.
        split: The split.
        answers: Those of its examples, in their order.
        classes: The names of the classes or labels.
    """
    sources, indices = material.examples(split).sources, material.indices(split)
    found = []
    for row, true, predicted, probability in _mistakes(answers, classes):
        index = int(indices[row])
        example = str(index) if sources is None else sources.name(index)
        found.append(Wrong(split, example, true, predicted, probability))
    return sorted(found, key=lambda each: (-each.probability, each.example))


def write_wrong(path: Path, rows: Iterable[Wrong]) -> None:
    """Writes wrong answers as a CSV file; with its header alone where there are none.

    Raises:
        DiskFullError: The disk is full.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows((*row[:-1], f"{row.probability:.6f}") for row in rows)
    write_atomic(path, stream.getvalue().encode("utf-8", "surrogateescape"))


def read_wrong(path: Path) -> list[Wrong]:
    """What ``write_wrong`` wrote.

    Raises:
        OSError: It cannot be read.
        ValueError: It is something else.
    """
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = csv.reader(file)
        if tuple(next(rows, ())) != HEADER:
            raise ValueError(f"{path} does not begin with {','.join(HEADER)}")
        return [
            Wrong(split, example, true, predicted, float(probability))
            for split, example, true, predicted, probability in rows
        ]


def _mistakes(answers: Answers, classes: Sequence[str]) -> Iterator[tuple[int, str, str, float]]:
    """The row of each wrong answer, what is true, what was said, and how surely."""
    said = answers.probabilities
    if answers.task == "labels":
        for row, label in np.argwhere((said > 1 / 2) != answers.marks).tolist():
            name, yes = classes[label], float(said[row, label])
            if answers.marks[row, label]:
                yield row, name, f"not {name}", 1 - yes
            else:
                yield row, f"not {name}", name, yes
        return
    predicted, true = answers.predicted, answers.marks.argmax(1)
    for row in np.flatnonzero(predicted != true).tolist():
        best = int(predicted[row])
        yield row, classes[int(true[row])], classes[best], float(said[row, best])
