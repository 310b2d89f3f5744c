"""The kinds of task: what a target is, from the loss and the targets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, TypeAlias, get_args

Task: TypeAlias = Literal["classes", "binary", "labels", "values", "pairs", "triplets"]
"""What a target is.

- ``classes``: one of several classes is right.
- ``binary``: one output says yes or no.
- ``labels``: each output is a yes or no of its own.
- ``values``: numbers to come close to.
- ``pairs``: whether two outputs are of one kind.
- ``triplets``: nothing: of three outputs the second is nearer to the first than the third is.
"""

TASKS: Final[tuple[Task, ...]] = get_args(Task)


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
    for alone in ("values", "pairs", "triplets"):
        if alone in possible:
            return alone
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
    return "numbers" if "values" in tasks else "classes"
