"""The zoo with drawings: each shipped network, its counts, its picture and its text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cnnkit.analysis import analyze
from cnnkit.layers.shape import show
from cnnkit.report import render
from cnnkit.spec.reading import load
from generate.page import listed

_SPECS = Path(__file__).parents[2] / "specs" / "zoo"
_FOLDER = "zoo"
_INTRODUCTION = """\
# All networks of the zoo

| network | input | parameters | MACs |
|---|---|--:|--:|
"""


def files() -> Iterator[tuple[str, str]]:
    """A page a network, their drawings, and the page that lists them."""
    rows, drawings = [], []
    for path in sorted(_SPECS.glob("*.yaml")):
        name, text = path.stem, path.read_text("utf-8")
        analysis = analyze(load(path))
        totals = analysis.totals
        rows.append(
            f"| [{name}]({name}.md) | {show(analysis.input)} "
            f"| {totals.parameters:,} | {totals.macs:,} |\n"
        )
        yield f"{_FOLDER}/{name}.svg", render([analysis], "svg")
        yield (
            f"{_FOLDER}/{name}.md",
            listed(
                f"# {name}\n\n![The layers of {name}, drawn]({name}.svg)\n\n```yaml\n{text}```",
                "[All networks of the zoo](index.md)",
            ),
        )
        drawings.append(f"\n## {name}\n\n[![The layers of {name}, drawn]({name}.svg)]({name}.md)\n")
    yield f"{_FOLDER}/index.md", _INTRODUCTION + "".join(rows + drawings)
