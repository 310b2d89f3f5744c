"""What the theme leaves out for those who hear a page or have no mouse, put in behind the build."""

from __future__ import annotations

from pathlib import Path

REPLACED = {
    # Parts of a page are told apart by their names.
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="This page">',
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    # A wide block is moved by the keyboard once it has the focus.
    "<pre>": '<pre tabindex="0">',
    # A heading without words heads nothing.
    '<th class="head"><p></p></th>': "<td></td>",
    '<div id="search-results"></div>': '<h1>Search</h1>\n<div id="search-results"></div>',
}


def complete(folder: Path) -> None:
    """Completes all pages of a site; those that are complete stay as they are."""
    for path in folder.rglob("*.html"):
        text = path.read_text("utf-8")
        whole = text
        for part, better in REPLACED.items():
            if better not in whole:
                whole = whole.replace(part, better)
        if whole != text:
            path.write_text(whole, encoding="utf-8")
