"""The definitions of bodies: those that differ in their values alone are one, with arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from cnnkit.export.code.lines import Hole, holes, identifier
from cnnkit.export.outline.model import Body, Definition


def define(
    bodies: Sequence[Body],
    root: Body,
    taken: Iterable[str],
    name: Callable[[str, Iterable[str]], str],
) -> tuple[Definition, ...]:
    """The definitions of bodies, innermost first, with their arguments."""
    by_key: dict[int, Definition] = {}
    used = {*taken, *(hole.name for body in bodies for hole in _own_holes(body))}
    whole = name(root.title, used)
    used.add(whole)
    for body in bodies:
        if body.key in by_key:
            by_key[body.key].bodies.append(body)
            continue
        chosen = whole if body is root else name(body.title, used)
        used.add(chosen)
        by_key[body.key] = Definition(chosen, [body])
    for definition in by_key.values():
        _agree(definition)
        _argue(definition, by_key)
    return tuple(by_key.values())


def _own_holes(body: Body) -> Iterator[Hole]:
    return (hole for step in body.steps for text in step.texts for hole in holes(text))


def _agree(definition: Definition) -> None:
    """Drops what values are best called where the bodies of a definition say different things."""
    for body in definition.bodies:
        body.steps = tuple(
            step
            if all(other.steps[number].hint == step.hint for other in definition.bodies)
            else replace(step, hint="")
            for number, step in enumerate(body.steps)
        )


def _argue(definition: Definition, by_key: Mapping[int, Definition]) -> None:
    """Finds which holes of a definition have more than one value: its arguments."""
    table = [_holes(body, by_key) for body in definition.bodies]
    found: dict[tuple[str, ...], str] = {}
    for column in zip(*table, strict=True):
        values = tuple(hole.value for hole in column)
        if len(set(values)) == 1:
            definition.columns.append(None)
            continue
        if values not in found:
            found[values] = identifier(column[0].name, (*found.values(), "x", "self", "name"))
        definition.columns.append(found[values])
    definition.arguments = {name: values for values, name in found.items()}


def _holes(body: Body, by_key: Mapping[int, Definition]) -> list[Hole]:
    """The holes of a body; of a body inside, the arguments of its definition."""
    found: list[Hole] = []
    for step in body.steps:
        for text in step.texts:
            found += holes(text)
        for run in step.runs:
            if run.counted:
                found.append(Hole("", "times", str(run.times), ""))
            found += arguments_of(run.body, by_key[run.body.key])
    return found


def arguments_of(body: Body, definition: Definition) -> list[Hole]:
    """The arguments that a body gives to its definition."""
    index = definition.bodies.index(body)
    return [Hole("", name, values[index], "") for name, values in definition.arguments.items()]
