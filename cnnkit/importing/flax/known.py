"""Functions that are known by their trace: steps that are those of `jax.nn.gelu` are a GELU.

A known function is traced for the shape at hand, and its steps are laid over those of the network:
the same primitives with the same parameters, in the same order, that read what corresponds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

from cnnkit.importing.flax.catalogue import Known, functions
from cnnkit.importing.flax.steps import FlatCall, FlatFunction, flattened

if TYPE_CHECKING:
    from cnnkit.importing.flax.steps import Reference


@cache
def _traced(known: Known, shape: tuple[int, ...]) -> FlatFunction:
    import jax
    import numpy as np

    number = np.float32 if known.arrays else float
    numbers = [number(0.5 + place) for place, _ in enumerate(known.arguments)]
    closed = jax.make_jaxpr(known.function)(jax.ShapeDtypeStruct(shape, np.float32), *numbers)
    return flattened(closed)


def named(traced: FlatFunction) -> list[FlatCall]:
    """The steps of a network, with known functions as one step each."""
    steps = _constants_first(traced)
    uses = Counter(each for step in steps for each in step.inputs if isinstance(each, int))
    uses.update(each for each in traced.outputs if isinstance(each, int))
    made: list[FlatCall] = []
    place = 0
    while place < len(steps):
        found = _longest(traced, steps, place, uses)
        step, length = found or (steps[place], 1)
        made.append(step)
        place += length
    return made


def _constants_first(traced: FlatFunction) -> list[FlatCall]:
    """The steps with those ahead that read arrays alone: they part no function's own steps."""
    known = set(traced.constants)
    ahead: list[FlatCall] = []
    behind: list[FlatCall] = []
    for step in traced.steps:
        read = [each for each in step.inputs if isinstance(each, int)]
        fixed = bool(read) and known.issuperset(read)
        if fixed:
            known.update(step.outputs)
        (ahead if fixed else behind).append(step)
    return ahead + behind


def _longest(
    traced: FlatFunction, whole: Sequence[FlatCall], place: int, uses: Mapping[int, int]
) -> tuple[FlatCall, int] | None:
    """The longest known function that begins at a place, and its length."""
    best: tuple[FlatCall, int] | None = None
    # A number of the code may be converted before the tensor is read.
    read = [each for step in whole[place : place + 2] for each in step.inputs]
    shapes = [traced.shapes[each] for each in read if isinstance(each, int)]
    for shape in dict.fromkeys(filter(None, shapes)):
        for known in functions():
            names = _names(known, len(shape))
            steps = whole[place : place + len(names)]
            if best is not None and len(names) <= best[1]:
                continue
            if names != tuple(step.name for step in steps):
                continue
            template = _traced(known, shape)
            values = _laid(template, steps, uses)
            if values is not None:
                tensor, *numbers = (values[each] for each in template.inputs)
                params = dict(known.fields) | dict(zip(known.arguments, numbers, strict=True))
                last = steps[-1]
                step = FlatCall(
                    None, known.name, params, (tensor,), last.outputs, last.shapes, last.scope
                )
                best = step, len(steps)
    return best


@cache
def _names(known: Known, rank: int) -> tuple[str, ...]:
    """The primitives of a function, which are the same for all shapes of a rank."""
    return tuple(step.name for step in _traced(known, (2,) * rank).steps)


def _laid(
    template: FlatFunction, steps: Sequence[FlatCall], uses: Mapping[int, int]
) -> dict[int, Reference] | None:
    """What each tensor of a template is in the network; None where they are not the same."""
    values: dict[int, Reference] = {}
    read: Counter[int] = Counter()
    for known, step in zip(template.steps, steps, strict=True):
        if not _alike(known, step):
            return None
        if not _reads(known, step.inputs, values, template):
            return None
        values.update(zip(known.outputs, step.outputs, strict=True))
        read.update(each for each in step.inputs if isinstance(each, int))
    inner = [each for step in steps[:-1] for each in step.outputs]
    if any(uses.get(each, 0) != read[each] for each in inner):
        return None  # what is on the way is read elsewhere, too
    return values if all(each in values for each in template.inputs) else None


def _alike(one: FlatCall, other: FlatCall) -> bool:
    same = one.name == other.name and len(one.inputs) == len(other.inputs)
    return same and one.shapes == other.shapes and _plain(one.params) == _plain(other.params)


_ASIDE = frozenset({"accuracy", "out_dtype", "out_sharding", "sharding", "weak_type"})


def _plain(params: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in params.items() if name not in _ASIDE}


def _reads(
    known: FlatCall,
    inputs: Sequence[Reference],
    values: dict[int, Reference],
    template: FlatFunction,
) -> bool:
    """Whether a step reads what that of a template reads, in either order where it commutes."""
    for order in (inputs, inputs[::-1]) if known.commutes else (inputs,):
        found = dict(values)
        pairs = zip(known.inputs, order, strict=True)
        if all(_binds(ours, theirs, found, template) for ours, theirs in pairs):
            values.update(found)
            return True
    return False


def _binds(
    ours: Reference, theirs: Reference, values: dict[int, Reference], template: FlatFunction
) -> bool:
    """Whether what a template reads is what a step reads; an argument is what comes first."""
    import numpy as np

    if isinstance(ours, int) and ours not in values:
        values[ours] = theirs
        return ours in template.inputs
    known = values[ours] if isinstance(ours, int) else ours
    if isinstance(known, int) or isinstance(theirs, int):
        return isinstance(known, int) and isinstance(theirs, int) and known == theirs
    return np.array_equal(known, theirs)


def called(
    name: str, steps: FlatFunction, shapes: Sequence[tuple[int, ...]]
) -> tuple[str, Mapping[str, Any]] | None:
    """`jax.image.resize` and `jnp.pad`, whose steps do not say for themselves what was asked for.

    Args:
        name: What the called function is called.
        steps: Its steps.
        shapes: The shapes of what it gives.
    """
    if name not in ("_resize", "_pad") or len(shapes) != 1:
        return None
    (after,), before = shapes, steps.shapes[steps.inputs[0]]
    if len(before) != len(after):
        return None
    candidates = _resizes(after) if name == "_resize" else _pads(before, after)
    return next((found for call, found in candidates if _same(call, before, steps)), None)


Candidate = tuple[Callable[..., Any], tuple[str, Mapping[str, Any]]]


def _resizes(after: tuple[int, ...]) -> Iterator[Candidate]:
    import jax

    for method in ("nearest", "linear"):
        yield (
            lambda x, method=method: jax.image.resize(x, after, method),
            ("resize", {"method": method}),
        )


def _pads(before: tuple[int, ...], after: tuple[int, ...]) -> Iterator[Candidate]:
    """The ways to share the cells that were added, the most even first; zeros are a primitive."""
    import jax.numpy as jnp

    added = [b - a for a, b in zip(before, after, strict=True)]
    if min(added) < 0:
        return
    shares = sorted(
        product(*([(n // 2, n - n // 2), (n - n // 2, n // 2), (n, 0), (0, n)] for n in added)),
        key=lambda widths: sum(abs(a - b) for a, b in widths),
    )
    for widths, mode in product(dict.fromkeys(shares), ("reflect", "edge", "wrap")):
        yield (
            lambda x, widths=widths, mode=mode: jnp.pad(x, widths, mode=mode),
            ("pad", {"widths": widths, "mode": mode}),
        )


def _same(function: Callable[..., Any], shape: tuple[int, ...], steps: FlatFunction) -> bool:
    """Whether a function of a tensor of a shape has these steps, all of them."""
    import jax
    import numpy as np

    try:
        closed = jax.make_jaxpr(function)(jax.ShapeDtypeStruct(shape, np.float32))
    except (TypeError, ValueError):
        return False  # such as a reflection of more cells than there are
    template = flattened(closed)
    if [step.name for step in template.steps] != [step.name for step in steps.steps]:
        return False
    uses = Counter(each for step in steps.steps for each in step.inputs if isinstance(each, int))
    return _laid(template, steps.steps, uses) is not None
