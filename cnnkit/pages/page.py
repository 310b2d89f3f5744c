"""The one writer of pages: a template with values put in, whatever text they hold."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cnnkit.presentation.numbers import printable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HOME: Final = Path(__file__).parent


def write(template: str, **values: Any) -> str:
    """A page: what a template makes of values, as a text.

    All that is put in is escaped, and cannot turn a line round or end a tag.

    Args:
        template: The template's name without its ending, such as ``run``.
        values: What it shows.
    """
    return _environment().get_template(f"{template}.html").render(**values)


def followed(page: str, version: str) -> str:
    """A page that asks its server for news of itself, and shows them.

    Args:
        page: What ``write`` gave.
        version: The ``ETag`` that the server gives it.
    """
    head, _, tail = page.rpartition("</body>")
    script = f'<script data-version="{escape(version)}">\n{_part("follow.js")}</script>'
    return f"{head}{script}\n</body>{tail}"


@cache
def _environment() -> Environment:
    # Loaded here: most commands write no page.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HOME / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters |= {"prose": prose, "lines": _lines, "data": _data}
    environment.globals |= {"style": _part("style.css"), "script": _part("script.js")}
    return environment


def prose(value: str) -> Markup:
    """A text with what it has in backticks as code."""
    from markupsafe import Markup

    parts = [Markup.escape(printable(part)) for part in value.split("`")]
    if len(parts) % 2 == 0:  # a backtick without its partner is a character like others
        return Markup("`").join(parts)
    code = Markup("<code>{}</code>")
    return Markup("").join(
        code.format(part) if number % 2 else part for number, part in enumerate(parts)
    )


def _lines(value: str) -> Markup:
    """A text of several lines."""
    from markupsafe import Markup

    return Markup("\n").join(map(printable, value.splitlines()))


def _shown(value: object) -> object:
    """What stands in a page for a value: a text without what moves a cursor."""
    return printable(value) if type(value) is str else value


def _data(value: object) -> str:
    """Plain data for an attribute, where the script of the page reads it."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def _part(name: str) -> Markup:
    """A file of ours that stands in the page as it is."""
    from markupsafe import Markup

    return Markup((HOME / name).read_text("utf-8"))  # noqa: S704 - it is ours
