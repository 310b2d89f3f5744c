"""Lines of styled text that need rich only where they are shown in colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cnnkit.presentation.numbers import cells, ending

if TYPE_CHECKING:
    from rich.text import Text


class Piece(NamedTuple):
    """A part of a line, and its style in rich's words, such as ``bold red``."""

    text: str
    style: str = ""


Line = Sequence[Piece]


def plain(lines: Iterable[Line]) -> str:
    """The text alone, without blanks at the ends of lines, and without a last line break."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def styled(lines: Iterable[Line]) -> Text:
    """The text with its styles, for a console of rich."""
    from rich.text import Text

    pieces: list[tuple[str, str]] = []
    for number, line in enumerate(lines):
        if number:
            pieces.append(("\n", ""))
        pieces += line
    return Text.assemble(*pieces, no_wrap=True, overflow="ignore")


def joined(first: Piece, link: str, second: Piece, width: int | None) -> Iterator[Line]:
    """Two texts on one line, or below each other where both do not fit in the width.

    Of one that does not fit by itself the end is kept: it tells a path from others.
    """
    if width is None or cells(first.text + link + second.text) <= width:
        yield [first, Piece(link, second.style), second]
        return
    link = link.lstrip()
    yield [Piece(ending(first.text, width), first.style)]
    yield [Piece(link + ending(second.text, width - cells(link)), second.style)]


def fitted(line: Line, width: int, *, right: bool = False) -> Line:
    """A line made as wide as a column; what is too long ends in a dot."""
    missing = width - sum(cells(text) for text, _ in line)
    if missing >= 0:
        blank = Piece(" " * missing)
        return [blank, *line] if right else [*line, blank]
    kept: list[Piece] = []
    room = width - 1
    for text, style in line:
        short = text
        while cells(short) > room:
            short = short[:-1]
        kept.append(Piece(short, style))
        room -= cells(short)
        if short != text:
            break
    return [*kept, Piece("…" + " " * room)]
