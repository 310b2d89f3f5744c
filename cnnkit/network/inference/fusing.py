"""Instructions that become part of the one before: functions and sums of its result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cnnkit.layers.shape import Shape
from cnnkit.network.kernels.onednn.inference import Instruction, Post

_TAKE_FUNCTIONS = ("convolution", "dense", "affine", "binary")
_TAKE_SUMS = ("convolution", "dense")


def fused(
    instructions: Sequence[Instruction], outputs: Sequence[int], shapes: Sequence[Shape]
) -> list[Instruction]:
    """The instructions with as few passes over memory as there can be.

    Args:
        instructions: In order; the posts of those that take others in are changed.
        outputs: The values that must be there in the end.
        shapes: Of each value.
    """
    readers = Counter(value for each in instructions for value in each.inputs)
    readers.update(outputs)
    made: dict[int, int] = {}
    kept: list[Instruction] = []
    for each in instructions:
        into = _taker(each, kept, made, readers, shapes)
        if into is None:
            made[each.output] = len(kept)
            kept.append(each)
            continue
        taker = kept[into]
        if each.kind == "function":
            taker.posts += each.posts
        else:
            other = next(value for value in each.inputs if value != taker.output)
            taker.posts += [Post("", value=other), *each.posts]
        taker.output = each.output
        made[each.output] = into
    return kept


def _taker(
    each: Instruction,
    kept: Sequence[Instruction],
    made: dict[int, int],
    readers: Counter[int],
    shapes: Sequence[Shape],
) -> int | None:
    """The place of the instruction that can take another one in."""
    if each.kind == "function":
        place = made.get(each.inputs[0])
        alone = readers[each.inputs[0]] == 1
        taken = place is not None and kept[place].kind in _TAKE_FUNCTIONS and alone
        return place if taken else None
    if each.kind != "binary" or each.algorithm != "add":
        return None
    first, second = each.inputs
    if first == second or shapes[first] != shapes[second]:
        return None
    # The later one of both: what it adds is there.
    place = max(made.get(first, -1), made.get(second, -1))
    if place < 0:
        return None
    taker = kept[place]
    taken = taker.kind in _TAKE_SUMS and not taker.posts and readers[taker.output] == 1
    return place if taken else None
