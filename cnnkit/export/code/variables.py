"""The variables of a body's statements: as few as a person would use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, count

from cnnkit.export.code.lines import identifier
from cnnkit.export.outline import Body


def name_values(
    body: Body,
    taken: Iterable[str],
    outputs: Iterable[int] = (),
    inputs: Mapping[int, str] | None = None,
) -> dict[int, str]:
    """The variable of each value of a body, its input being ``x``.

    A variable is used again once its value is read no more: the layers of a sequence all
    assign to ``x``, and a second name appears where a branch begins.

    Args:
        body: The statements.
        taken: Names that mean something else in the file.
        outputs: Values that are read at the end beside the body's output.
        inputs: The variables of the inputs, where there are several.
    """
    named = inputs or {body.input: "x"}
    steps = sorted(body.steps, key=lambda step: step.side)  # side outputs come last
    last = dict.fromkeys(named, -1)
    for number, step in enumerate(steps):
        last[step.output] = number
        last.update(dict.fromkeys(step.inputs, number))
    last.update(dict.fromkeys((body.output, *outputs), len(steps)))
    names = dict(named)
    live = {*named}
    reserved = set(taken)
    for number, step in enumerate(steps):
        live = {value for value in live if last[value] > number}
        used = {names[value] for value in live}
        dying = [names[source] for source in step.inputs if names[source] not in used]
        names[step.output] = _choose(step.hint, used, dying, reserved)
        live.add(step.output)
    return names


def _choose(hint: str, used: set[str], dying: list[str], reserved: set[str]) -> str:
    if hint:
        name = identifier(hint, reserved)
        return name if name not in used else identifier(hint, reserved | used)
    if "x" not in used:
        return "x"
    short = [name for name in dying if len(name) == 1]
    numbered = (f"y{number}" for number in count(1))
    return next(name for name in chain(short, ("y", "z"), numbered) if name not in used)
