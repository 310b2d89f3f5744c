"""Advice that was tried: what a layer would give after a change that cures its fault.

All advice that names a value goes through ``tried``: the change is applied to the layer with all
its other fields, and what is refused then is not suggested.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from pydantic import ValidationError

from cnnkit.layers.base import Effect, Layer
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.window import Window, axis_names

SEARCH = 64
"""How far from the value given another is looked for: further away it corrects nothing."""


class CureEffect(NamedTuple):
    """What comes of a cure: an effect whose output is unknown where the layer has another fault."""

    effect: Effect

    @property
    def windows(self) -> list[Window]:
        """The sliding window of each axis, where there is one."""
        return [each for each in self.effect.windows if isinstance(each, Window)]

    @property
    def gives(self) -> str:
        """The extents that go out, in words: `` gives 3``, `` gives 3x4``."""
        output = self.effect.output
        return f" gives {extents(output[:-1] or output)}" if output else ""


def tried(
    layer: Layer,
    inputs: Sequence[Shape],
    fault: str,
    given: Sequence[Shape] | None = None,
    /,
    **changes: object,
) -> CureEffect | None:
    """What a layer gives after a change of fields or inputs; None where that cures nothing.

    >>> from cnnkit.layers import Conv
    >>> conv = Conv(filters=1, kernel=3, stride=3)
    >>> tried(conv, [(7, 7, 1)], "invalid-stride", stride=2).gives
    ' gives 3'
    >>> tried(conv, [(7, 7, 1)], "invalid-stride", stride=5)

    Args:
        layer: The layer with the fault.
        inputs: The shapes that it is given.
        fault: The rule of the fault; no problem may be left of it, and no other may be new.
        given: Other shapes to give it instead.
        changes: Other values of some fields.
    """
    try:
        changed = type(layer).model_validate({**vars(layer), **changes})
    except ValidationError:
        return None
    effect = changed.effect(*(inputs if given is None else given))
    left = set(map(_key, effect.problems))
    if left and not left <= {key for key in _faults(layer, inputs) if key[0] != fault}:
        return None
    return CureEffect(effect)


def map_problem(layer: Layer, shape: Shape, advice: str = "") -> Problem | None:
    """The problem of a vector where a feature map is needed."""
    if len(shape) > 1:
        return None
    return Problem(
        "shape-mismatch",
        f"{layer.kind} takes a feature map, the input is a vector of {shape[0]}",
        advice or partial(_axis, layer, shape),
    )


def groups_problem(layer: Layer, shape: Shape, counts: Mapping[str, int]) -> Problem | None:
    """The problem of counts, by what they are called, that do not split into equal groups.

    ``layer`` has a field ``groups``, and ``shape`` comes in.
    """
    groups: int = vars(layer)["groups"]
    for name, count in counts.items():
        if count % groups:
            return Problem(
                "shape-mismatch",
                f"{name} (={count}) must be divisible by `groups` (={groups})",
                partial(_groups, layer, shape, counts),
                ("groups",),
            )
    return None


def undivided(
    layer: Layer, inputs: Sequence[Shape], sizes: Sequence[int], field: str
) -> Problem | None:
    """The problem of an axis of the first input that does not split into parts of equal size.

    ``sizes`` has the size for each axis, which ``field`` of the layer says.
    """
    *axes, _ = inputs[0]
    for axis, (extent, size) in enumerate(zip(axes, sizes, strict=True)):
        if extent % size:
            return Problem(
                "shape-mismatch",
                f"the {axis_names(len(axes))[axis]} of {extent} must be divisible by the "
                f"`{field}` (={size})",
                partial(_divisible, layer, inputs, sizes, field),
                (field,),
            )
    return None


def extents(shape: Sequence[int]) -> str:
    """Extents in words: ``3`` where all axes agree, else ``3x4``."""
    return str(shape[0]) if len(set(shape)) == 1 else show(shape)


def changing(field: str, value: object) -> dict[str, Any]:
    """The change of one field whose name is a value: ``tried(…, **changing("size", 3))``."""
    return {field: value}


def written(value: object) -> str:
    """A value of numbers as YAML writes it: lists in brackets, also for tuples."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(written, value))}]"
    return str(value)


def divisors(number: int, most: int = 8) -> list[int]:
    """The first divisors of a number; the search is bounded."""
    found = (each for each in range(1, min(number, 1024) + 1) if number % each == 0)
    return list(islice(found, most))


def _axis(layer: Layer, shape: Shape) -> str:
    """How a vector becomes a map, where the layer takes it then."""
    (length,) = shape
    if tried(layer, [shape], "shape-mismatch", [(length, 1)]):
        return (
            f"give the vector an axis: `input: {length}x1`, or `reshape: {{shape: [{length}, 1]}}`"
        )
    return "put it before what makes the vector, or `reshape` the vector to a map that it fits"


def _groups(layer: Layer, shape: Shape, counts: Mapping[str, int]) -> str:
    """The numbers of groups that divide all counts."""
    possible = divisors(math.gcd(*counts.values()))
    good = [each for each in possible if tried(layer, [shape], "shape-mismatch", groups=each)]
    if not good:
        return f"channels and filters that {vars(layer)['groups']} divides"
    nouns = {"input channels": "channels", "`filters`": "filters"}
    listed = " and ".join(f"{count} {nouns[name]}" for name, count in counts.items())
    return f"groups that divide {listed}: {', '.join(map(str, good))}"


def _divisible(layer: Layer, inputs: Sequence[Shape], sizes: Sequence[int], field: str) -> str:
    """The nearest maps that the sizes divide, and the sizes that divide this one."""
    *axes, _ = inputs[0]
    below = [extent - extent % size for extent, size in zip(axes, sizes, strict=True)]
    above = [-(-extent // size) * size for extent, size in zip(axes, sizes, strict=True)]
    found = []
    for kind, each in (("crop", below), ("pad", above)):
        given = [(*each, shape[-1]) for shape in inputs]
        if min(each) and tried(layer, inputs, "shape-mismatch", given):
            found.append(f"`{kind}` the map to {show(each)}")
    good = [
        str(each)
        for each in divisors(math.gcd(*axes))[1:]
        if tried(layer, inputs, "shape-mismatch", **changing(field, each))
    ]
    if good:
        found.append(f"{field}s that divide {show(axes)}: {', '.join(good)}")
    return "; ".join(found)


def _faults(layer: Layer, inputs: Sequence[Shape]) -> set[tuple[str, object]]:
    return set(map(_key, layer.effect(*inputs).problems))


def _key(problem: Problem) -> tuple[str, object]:
    """What a problem is and where: not its text, which holds values that the change changes."""
    return problem.rule, problem.field[:1]
