"""Pages that are made of the code at each build, so that they never say anything else.

Git leaves them out. A file is written only where its text has changed, so that Sphinx reads again
what has changed alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

from generate import commands, kinds, rules, zoo
from generate.playground import Playground


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx, which finds this module among the extensions of ``conf.py``."""
    app.connect("builder-inited", _generate)
    app.connect("html-page-context", _language)
    app.add_directive("playground", Playground)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _generate(app: Sphinx) -> None:
    write(Path(app.srcdir))


def write(folder: Path) -> None:
    """Writes all generated pages and drawings into the folder of the sources."""
    for name, text in _files():
        path = folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def _files() -> Iterator[tuple[str, str]]:
    yield from kinds.files()
    yield from rules.files()
    yield from commands.files()
    yield from zoo.files()


def _language(
    _app: Sphinx, page: str, _template: str, context: dict[str, object], _tree: object
) -> None:
    """Pages of another language say so to browsers and screen readers."""
    if page.startswith("fr/"):
        context["language"] = "fr"
