"""Which layers of the tree a person needs to see: of copies that are alike, one."""

from __future__ import annotations

from cnnkit.analysis.layer import LayerAnalysis


def folded(layer: LayerAnalysis) -> bool:
    """Whether it is a repeat whose copies are alike, so that one is shown for all."""
    return layer.times > 1 and layer.alike and bool(layer.children)


def visible(layer: LayerAnalysis) -> tuple[LayerAnalysis, ...]:
    """The layers inside it; of a repeat whose copies are alike, those of the first copy."""
    if not folded(layer):
        return layer.children
    return layer.children[: len(layer.children) // layer.times]
