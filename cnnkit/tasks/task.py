"""The kinds of task: what a target is, from the loss and the targets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal, TypeAlias, get_args

Task: TypeAlias = Literal[
    "classes", "binary", "labels", "values", "segmentation", "images", "pairs", "triplets"
]
"""What a target is.

- ``classes``: one of several classes is right.
- ``binary``: one output says yes or no.
- ``labels``: each output is a yes or no of its own.
- ``values``: numbers to come close to.
- ``segmentation``: the class of each pixel, or of each cell of a signal or a volume.
- ``images``: the values of each pixel.
- ``pairs``: whether two outputs are of one kind.
- ``triplets``: nothing: of three outputs the second is nearer to the first than the third is.
"""

TASKS: Final[tuple[Task, ...]] = get_args(Task)
OF_MAPS: Final[tuple[Task, ...]] = ("segmentation", "images")
"""The tasks whose targets have spatial extents, as the output of the network has."""
OF_NUMBERS: Final[tuple[Task, ...]] = ("values", "images")
"""The tasks whose targets are numbers, and not classes."""
IGNORED: Final = -1
"""The class of a pixel that counts nowhere: not in a loss, and not in a metric."""


def task_of(
    possible: Collection[Task], width: int | None, *, shares: bool, outputs: int | None = None
) -> Task:
    """The task of some targets under a loss.

    Args:
        possible: The tasks that the loss is for.
        width: The columns of the targets; None where a target is the number of a class.
        shares: Whether the columns of each target add up to 1, as one-hot rows and probabilities
            of classes do.
        outputs: The outputs of the network, where they are known.

    >>> task_of(["classes"], 10, shares=True)
    'classes'
    >>> task_of(["classes", "binary", "labels"], 3, shares=False)
    'labels'
    """
    for alone in ("pairs", "triplets"):
        if alone in possible:
            return alone
    if not set(OF_NUMBERS).isdisjoint(possible):
        return "values"
    if 1 in (width, outputs):
        return "binary"
    if width is None or shares or "labels" not in possible:
        return "classes"
    return "labels"


def targets_are(tasks: Collection[Task]) -> str:
    """What the targets of some tasks are, in a word.

    >>> targets_are(["values"]), targets_are(["classes", "labels"])
    ('numbers', 'classes')
    """
    return "classes" if set(OF_NUMBERS).isdisjoint(tasks) else "numbers"


def narrowed(possible: Sequence[Task], *, maps: bool) -> tuple[Task, ...]:
    """Of the tasks that a loss is for those that a network can have by its output.

    >>> narrowed(["classes", "segmentation"], maps=True)
    ('segmentation',)

    Args:
        possible: The tasks of the loss.
        maps: Whether the output has spatial extents.
    """
    return tuple(each for each in possible if (each in OF_MAPS) == maps)
