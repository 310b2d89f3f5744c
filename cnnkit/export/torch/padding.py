"""Cells that are added to a map or cut off, in the words of PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

from cnnkit.export.code.lines import hole
from cnnkit.export.site import Sides

MODES = {"reflect": "reflect", "edge": "replicate", "stretch": "replicate"}
MODES |= {"replicate": "replicate", "circular": "circular"}


def last_axis_first(padding: Sides) -> tuple[int, ...]:
    """A padding in the order of `F.pad`: the last axis first."""
    return tuple(cells for pair in reversed(padding) for cells in pair)


def pad(padding: Sides, mode: str = "zeros", name: str = "sides") -> str:
    """The call that adds cells."""
    how = "" if mode == "zeros" else f', mode="{MODES[mode]}"'
    return f"F.pad({{0}}, {hole(name, last_axis_first(padding))}{how})"


def sliced(starts: Sequence[int], extents: Sequence[int]) -> str:
    """The cells that are kept along each axis."""
    spans = ", ".join(
        f"{hole('start', start)}:{hole('stop', start + kept)}"
        for start, kept in zip(starts, extents, strict=True)
    )
    return f"{{0}}[:, :, {spans}]"
