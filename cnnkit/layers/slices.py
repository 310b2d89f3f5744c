"""What a layer does to all slices of a map, from what it does to one."""

from __future__ import annotations

import math

from cnnkit.layers.base import Effect
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Reach

_ITSELF = Reach(1, 1, 0)


def of_slices(effect: Effect, slices: Shape) -> Effect:
    """The effect on all slices of a map, from that on one; its windows stay those of one."""
    if effect.output is None:
        return effect
    count = math.prod(slices)
    reach = effect.reach and (*(_ITSELF,) * len(slices), *effect.reach)
    return effect._replace(
        output=(*slices, *effect.output),
        neurons=tuple((*slices, *term) for term in effect.neurons),
        macs=tuple((*slices, *term) for term in effect.macs),
        operations=effect.operations.times(count),
        reach=reach,
        scratch=effect.scratch * count,
    )
