"""The specs of the page's menu: templates, the lecture's examples, and the zoo."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from cnnkit import templates
from cnnkit.playground.vendor import SPECS, VENDOR

_FOLDERS: Final = ("lectures", "zoo")
# The first line of what a spec says of itself: in a comment at its head, or by `about:`.
_ABOUT: Final = re.compile(r"(?:\A# |^about: >\n  )(.*)$", re.MULTILINE)


def shelves() -> dict[str, list[dict[str, str]]]:
    """The specs by shelf, each with its ``name``, a line that says what it is, and its ``text``."""
    found = {
        "templates": [
            {"name": name, "about": templates.summary(name), "text": templates.text(name)}
            for name in templates.names()
        ]
    }
    for folder in _FOLDERS:
        # A checkout's own come first: those beside the fetched parts are of the day of fetching.
        home = SPECS / folder if (SPECS / folder).is_dir() else VENDOR / "specs" / folder
        found[folder] = [_entry(path) for path in sorted(home.glob("*.yaml"))]
    return found


def _entry(path: Path) -> dict[str, str]:
    text = path.read_text("utf-8")
    first = _ABOUT.search(text)
    return {"name": path.stem, "about": first[1] if first else "", "text": text}
