"""The directive ``playground``: a spec in the calculator, inside of a page.

It stands closed, and loads nothing until it is opened. Where the parts of the playground have not
been fetched, nothing stands there.
"""

from __future__ import annotations

import base64
import zlib
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from cnnkit.playground import vendor

ROOT = Path(__file__).parents[2]
HOME = "playground"
"""The folder of the playground in the site."""
_WORDS = {
    "en": ("Try it here:", "in the playground", "On a page of its own"),
    "fr": ("Essayer ici :", "dans le playground", "Sur sa propre page"),
}


def is_there() -> bool:
    """Whether the site has the playground."""
    return (vendor.VENDOR / "bytecode.json").is_file()


class Playground(SphinxDirective):
    """The spec of a path, seen from the folder of the project."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The frame, as HTML."""
        path = ROOT / self.arguments[0]
        self.env.note_dependency(str(path))
        if not is_there():
            return []
        page = self.env.docname
        here, where, alone = _WORDS["fr" if page.startswith("fr/") else "en"]
        address = f"{'../' * page.count('/')}{HOME}/index.html{fragment(path.read_text('utf-8'))}"
        html = (
            f'<details class="playground"><summary>{here} {escape(path.stem)}</summary>'
            f'<p><a href="{address}">{alone}</a></p>'
            f'<iframe loading="lazy" title="{escape(path.stem)} {where}" src="{address}"></iframe>'
            "</details>"
        )
        return [nodes.raw("", html, format="html")]


def fragment(text: str) -> str:
    """What the page reads a spec from: compressed, as ``web/site/share.js`` does it."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    packed = packer.compress(text.encode()) + packer.flush()
    return "#spec=" + base64.urlsafe_b64encode(packed).decode().rstrip("=")
