"""Cells that are added to a map or cut off, in the words of Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnkit.export.code.lines import hole
from cnnkit.export.keras.naming import named
from cnnkit.export.site import Sides, is_zero, overhang_of, sides_of
from cnnkit.layers.window import Window, same_sides

MODES = {"reflect": "reflect", "edge": "edge", "stretch": "edge", "replicate": "edge"}
MODES["circular"] = "wrap"


def padding_word(windows: Sequence[Window]) -> str | None:
    """The word of Keras for a padding of zeros, or None where there is none."""
    if not is_zero(overhang_of(windows)):
        return None
    if is_zero(sides_of(windows)):
        return "valid"
    same = tuple(same_sides(w.extent, w.dilated, w.stride) for w in windows)
    return "same" if same == sides_of(windows) else None


def zero_padding(padding: Sides) -> str:
    """The layer that adds zeros."""
    cells: Any = padding[0] if len(padding) == 1 else padding
    return f"layers.ZeroPadding{len(padding)}D({hole('sides', cells)}, {named('.padding')})({{0}})"


def filled(padding: Sides, mode: str) -> str:
    """The layer that adds cells of another mode than zeros."""
    added = f'Pad(sides={hole("sides", padding)}, mode="{MODES[mode]}"'
    return f"{added}, {named('.border')})({{0}})"


def sliced(spans: Sequence[tuple[int, int]]) -> str:
    """The cells that are kept along each axis."""
    written = ", ".join(f"{hole('start', a)}:{hole('stop', b)}" for a, b in spans)
    return f"{{0}}[:, {written}]"
