"""One HTML page that needs nothing but itself, on a screen or on paper."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from importlib.resources import files

from cnnkit.presentation.numbers import printable


def page(title: str, body: Iterable[str], *, style: str = "", language: str = "en") -> str:
    """A whole page.

    Args:
        title: What the window is called, as plain text.
        body: Lines of HTML.
        style: Rules of this page alone, after those of all pages.
        language: What it is written in.
    """
    common = files("cnnkit.presentation").joinpath("page.css").read_text("utf-8")
    lines = [
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{text(title)} · cnnkit</title>",
        f"<style>\n{common}{style}</style>\n</head>\n<body>\n<main>",
        *body,
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(lines)


def text(value: str) -> str:
    """A text as HTML, whatever it holds."""
    return escape(printable(value))


def prose(value: str) -> str:
    """A text with what it has in backticks as code."""
    parts = [text(part) for part in value.split("`")]
    if len(parts) % 2 == 0:  # a backtick without its partner is a character like others
        return "`".join(parts)
    return "".join(
        f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)
    )
