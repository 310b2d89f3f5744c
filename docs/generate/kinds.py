"""A page a kind of layer, as ``cnnkit kind`` prints it, with a drawing of its example."""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.analysis import analyze
from cnnkit.layers import FAMILIES
from cnnkit.report import render
from cnnkit.report.kind import kind_example, kind_page, kind_summary
from cnnkit.spec.reading import load
from generate.page import listed

_FOLDER = "reference/kinds"
_INTRODUCTION = """\
# Kinds of layers

Each page is made of the kind's own class: what it computes, its fields, and an example with its
formulas, which `cnnkit kind NAME` prints as well.
"""


def files() -> Iterator[tuple[str, str]]:
    """The pages, their drawings, and the page that lists them."""
    index = [_INTRODUCTION]
    for family, kinds in FAMILIES.items():
        rows = [f"| [`{kind}`]({kind}.md) | {kind_summary(kind)} |" for kind in kinds]
        index.append("\n".join([f"## {family}\n", "| kind | what it is |", "|---|---|", *rows, ""]))
        for kind in kinds:
            yield f"{_FOLDER}/{kind}.svg", _drawing(kind)
            yield f"{_FOLDER}/{kind}.md", _page(kind)
    yield f"{_FOLDER}/index.md", "\n".join(index)


def _page(kind: str) -> str:
    """The page, with the drawing behind the example that it is of."""
    before, heading, after = kind_page(kind).partition("## Formulas of the example")
    picture = f"![The example, drawn]({kind}.svg)"
    return listed(f"{before}{picture}\n\n{heading}{after}", "[All kinds](index.md)")


def _drawing(kind: str) -> str:
    return render([analyze(load(kind_example(kind)))], "svg")
