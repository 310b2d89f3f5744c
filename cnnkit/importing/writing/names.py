"""Names of layers, from where the model has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from cnnkit.spec.language.blocks import NAME


class Names:
    """Gives each run of layers a name that no other has."""

    def __init__(self, scopes: Sequence[str]) -> None:
        known = [scope for scope in scopes if scope]
        self.outer = len(_common(known)) if known and len(scopes) > 1 else 0
        self.given: set[str] = set()

    def of(self, scopes: Sequence[str]) -> str | None:
        """A name for what has these scopes; None where they say nothing."""
        known = [scope for scope in scopes if scope]
        if not known:
            return None
        common = _common(known) if len(known) > 1 else known[0]
        outermost = known[0][self.outer :].strip("/").partition("/")[0]
        for path in (common, known[0][: self.outer] + outermost, known[0]):
            name = self._name(path[self.outer :])
            if name is not None:
                self.given.add(name)
                return name
        return None

    def of_whole(self, scopes: Sequence[str]) -> str | None:
        """A name for a part of several layers: that of what holds them all and no others."""
        known = [scope for scope in scopes if scope]
        common = _common(known).strip("/") if len(known) > 1 else ""
        name = self._name(common.rpartition("/")[2])
        if name is not None:
            self.given.add(name)
        return name

    def other(self, stem: str) -> str:
        """A name for what has no scope that says one."""
        number = 1
        while f"{stem}{number}" in self.given:
            number += 1
        self.given.add(f"{stem}{number}")
        return f"{stem}{number}"

    def _name(self, path: str) -> str | None:
        name = re.sub(r"[^A-Za-z0-9-]+", "_", path.strip("/")).strip("_-")
        fits = NAME.fullmatch(name) and name not in self.given
        return name if fits else None


def says_nothing(name: str, kind: str) -> bool:
    """Whether a name is the layer's kind or its place alone: `conv1`, `conv2d_1` or `layers-3`."""
    return bool(re.fullmatch(rf"(?:{re.escape(kind)}(?:[123]d)?|layers)(?:[_-]?\d+)*", name))


def _common(scopes: Sequence[str]) -> str:
    """What scopes begin with, up to a joint between their parts."""
    first, last = min(scopes), max(scopes)
    pairs = zip(first, last, strict=False)
    shared = first[: sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))]
    ends = all(len(scope) == len(shared) or scope[len(shared)] in "/_-." for scope in scopes)
    if ends:
        return shared.rstrip("/_-.")
    return re.sub(r"[^/_.-]*$", "", shared).rstrip("/_-.")
