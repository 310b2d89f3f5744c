"""What all generated pages have in common."""

from __future__ import annotations


def listed(text: str, back: str) -> str:
    """A page that a list leads to, ``index.md`` beside it or another, and that leads back to it.

    Such pages are in no table of contents: it would be too long to read, and most of the time of a
    build would go into copying it onto each page.
    """
    return f"---\norphan: true\n---\n\n{text.rstrip()}\n\n{back}\n"
