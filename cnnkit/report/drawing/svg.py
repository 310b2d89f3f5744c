"""A drawing as SVG that needs no font but the viewer's own, and nothing outside itself."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from cnnkit.report.drawing.colors import ARROW, INK, UNKNOWN, colors_of
from cnnkit.report.drawing.layout import Arrow, Picture, ShapeGroup, Stack, TextLine

_FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'
STYLE = f"""
.drawing .page{{fill:#fff}}
.drawing text{{font:12px {_FONT};fill:{INK[""]}}}
.drawing .name{{font-size:18px;font-weight:600;fill:{INK["name"]}}}
.drawing .path{{font-weight:600;fill:{INK["path"]}}}
.drawing .shape{{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:11px}}
.drawing .quiet{{fill:{INK["quiet"]}}}
.drawing .arrow{{stroke:{ARROW};fill:none;stroke-width:1.5}}
.drawing .head{{fill:{ARROW}}}
.drawing .unknown .stack{{fill:none;stroke:{UNKNOWN};stroke-dasharray:4 3}}
@media (prefers-color-scheme:dark){{
.drawing .page{{fill:#0f172a}}
.drawing text{{fill:#cbd5e1}}
.drawing .name,.drawing .path{{fill:#f1f5f9}}
.drawing .quiet{{fill:#94a3b8}}
.drawing .arrow{{stroke:#64748b}}
.drawing .head{{fill:#64748b}}
}}
"""
"""The rules of every drawing, once in a page or in each file."""


def paint(
    picture: Picture,
    about: str,
    *,
    style: bool = True,
    target: Callable[[str], str | None] | None = None,
) -> str:
    """The drawing.

    Args:
        picture: Its shapes.
        about: What it shows, for who cannot see it.
        style: Whether it holds its own rules, as a file does.
        target: What a map that stands for a layer leads to, by the layer's path.
    """
    width, height = picture.width, picture.height
    groups = "\n".join(
        _group(group, target(group.opens) if target else None) for group in picture.groups
    )
    names = ' xmlns="http://www.w3.org/2000/svg"' if style else ""  # a page knows them
    role = "img" if target is None else "group"  # what is an image has no links in it
    rules = f"<style>{STYLE}</style>\n" if style else ""
    return (
        f'<svg{names} class="drawing" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" role="{role}" '
        f'aria-label="{escape(about)}">\n{rules}'
        f'<rect class="page" width="{width}" height="{height}"/>\n{groups}\n</svg>\n'
    )


def _group(group: ShapeGroup, target: str | None) -> str:
    shapes = "".join(map(_shape, group.shapes))
    unknown = any(isinstance(shape, Stack) and shape.unknown for shape in group.shapes)
    tip = f"<title>{escape(group.tip)}</title>" if group.tip else ""
    if not tip:
        return shapes
    style = ' class="unknown"' if unknown else ""
    text = f"<g{style}>{tip}{shapes}</g>"
    if target is None:
        return text
    return f'<a href="{escape(target)}">{text}</a>'


def _shape(shape: TextLine | Stack | Arrow) -> str:
    if isinstance(shape, TextLine):
        return (
            f'<text x="{shape.x}" y="{shape.y}" text-anchor="{shape.anchor}" '
            f'class="{shape.style}">{escape(shape.text)}</text>'
        )
    if isinstance(shape, Stack):
        fill, outline = colors_of(shape.family)
        path = "".join(
            "M" + "L".join(f"{x} {y}" for x, y in corners) + "z" for corners in shape.outlines
        )
        return f'<path class="stack" d="{path}" fill="{fill}" stroke="{outline}"/>'
    line = "M" + "L".join(f"{x} {y}" for x, y in shape.points)
    path = f'<path class="arrow" d="{line}"/>'
    if shape.head:
        x, y = shape.points[-1]
        path += f'<path class="head" d="M{x} {y}l-7 -4v8z"/>'
    return path
