"""A drawing as TikZ: a document of its own, whose picture can be put into another."""

from __future__ import annotations

from cnnkit.presentation.latex import commented, latex
from cnnkit.report.drawing.colors import ARROW, COLORS, INK, UNKNOWN, ink_of
from cnnkit.report.drawing.layout import Arrow, Picture, Stack, TextLine
from cnnkit.report.drawing.scale import Outline

_STYLES = {
    "name": r"\fontsize{13.5}{16}\selectfont\bfseries",
    "path": r"\fontsize{9}{11}\selectfont\bfseries",
    "shape": r"\fontsize{8}{10}\selectfont\ttfamily",
}
_WORDS = r"\fontsize{9}{11}\selectfont"
_ANCHORS = {"middle": "base", "start": "base west"}


def paint(picture: Picture, about: str) -> str:
    """The document: compiled by itself it is a page of the picture's size."""
    lines = [
        commented(about),
        r"\documentclass[tikz,border=2pt]{standalone}",
        r"\usepackage[T1]{fontenc}",
        r"\usepackage{textcomp}",
        r"\usetikzlibrary{arrows.meta}",
        *_colors(),
        r"\begin{document}",
        r"\sffamily",
        r"\begin{tikzpicture}[x=0.75bp,y=-0.75bp,line width=0.75bp,line join=round]",
        *(_shape(shape) for group in picture.groups for shape in group.shapes),
        r"\end{tikzpicture}",
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"


def _colors() -> list[str]:
    """The definitions of the colours by name."""
    named = {"arrow": ARROW, "unknown": UNKNOWN}
    named |= {f"ink-{style or 'text'}": color for style, color in INK.items()}
    for family, (fill, outline) in COLORS.items():
        named |= {f"{family}-fill": fill, f"{family}-outline": outline}
    return [
        f"\\definecolor{{{name}}}{{HTML}}{{{color[1:].upper()}}}" for name, color in named.items()
    ]


def _shape(shape: TextLine | Stack | Arrow) -> str:
    if isinstance(shape, TextLine):
        font = _STYLES.get(shape.style, _WORDS)
        ink = shape.style if ink_of(shape.style) != INK[""] else ""
        options = f"anchor={_ANCHORS[shape.anchor]},inner sep=0,text=ink-{ink or 'text'}"
        return f"\\node[{options}] at ({shape.x},{shape.y}) {{{font} {latex(shape.text)}}};"
    if isinstance(shape, Stack):
        paths = " ".join(_outline(corners) for corners in shape.outlines)
        if shape.unknown:
            return f"\\draw[draw=unknown,dashed] {paths};"
        family = shape.family if shape.family in COLORS else "input"
        return f"\\filldraw[fill={family}-fill,draw={family}-outline] {paths};"
    head = "-{Latex[length=5bp]}," if shape.head else ""
    return f"\\draw[{head}draw=arrow] {' -- '.join(f'({x},{y})' for x, y in shape.points)};"


def _outline(corners: Outline) -> str:
    return " -- ".join([*(f"({x},{y})" for x, y in corners), "cycle"])
