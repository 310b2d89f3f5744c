"""Where the YAML parser stopped, and what stands there in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cnnkit.spec.text.node import Marks, Source
from cnnkit.spec.text.scalars import shortened

__all__ = ["ParserStop"]

_TOKEN: Final = re.compile(r"[\w$.+-]+|\S")


@dataclass(frozen=True, slots=True)
class ParserStop:
    """The parser's words, the place it stopped at, and the start of what it was reading."""

    source: Source
    words: str
    line: int
    column: int
    start_line: int
    start_column: int

    @property
    def text(self) -> str:
        """The line the parser stopped in."""
        return self.source.line(self.line)

    @property
    def found(self) -> str:
        """The word or sign the parser stopped at; empty at the end of a line."""
        token = _TOKEN.match(self.text, self.column)
        return token.group() if token else ""

    @property
    def before(self) -> str:
        """What stands before it in its line."""
        return self.text[: self.column].strip()

    @property
    def at_end(self) -> bool:
        """Whether the parser stopped at the end of the text."""
        return not self.found and self.line + 1 >= len(self.source.lines)

    @property
    def shown(self) -> str:
        """What was found, for a message."""
        if self.found:
            return f"`{shortened(self.found)}`"
        return "the end of the text" if self.at_end else "the end of the line"

    @property
    def opener(self) -> str:
        """The bracket or quote that starts what the parser was reading."""
        return self.source.line(self.start_line)[self.start_column : self.start_column + 1]

    @property
    def here(self) -> Marks:
        """The place of what was found."""
        return self.line, self.column, self.line, self.column + len(self.found)

    @property
    def start(self) -> Marks:
        """The place of the opener."""
        return self.start_line, self.start_column, self.start_line, self.start_column + 1
