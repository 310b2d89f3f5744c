"""How images that are larger than the input are cut into tiles."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from cnnkit.layers.field import Expects
from cnnkit.spec.model.section import Section


class Tiles(Section):
    """Tiles that lie over each other, so that each pixel is seen with what is about it."""

    size: Annotated[
        Annotated[int, Field(gt=0)]
        | Annotated[tuple[Annotated[int, Field(gt=0)], ...], Strict(False), Field(min_length=1)]
        | None,
        Expects("the cells of a side, or a list of one for each axis"),
    ] = Field(None, description="the extents of a tile; by default those of the input, as they are")
    overlap: Annotated[float, Field(ge=0, le=0.9), Expects("a number from 0 to 0.9")] = Field(
        0.25, description="the part of a side that two neighbours share, at least"
    )

    def extents(self, axes: int) -> tuple[int, ...] | None:
        """The cells of each axis, where they are said."""
        return (self.size,) * axes if isinstance(self.size, int) else self.size
