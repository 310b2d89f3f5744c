"""Misspelt kinds, as patterns: all that a schema, which never sees a spec's blocks, can do.

To a JSON Schema any unknown word may be the name of a block. So that `covn` is a fault all the
same, what is one slip of the hand from a kind is taken for that kind misspelt: two letters
swapped, one left out, one too many or a wrong one. Short words are close to too many others, and
`conv1` or `convs` are good names of blocks: there, fewer slips count.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from cnnkit.layers import class_name

# In a word shorter than this a wrong letter makes another good word: `head` is near `read`.
_LONG = 5
_SHORTEST = 3


def slips(word: str, known: Collection[str]) -> str:
    """A pattern of the misspellings of a word, which matches none of the known words.

    It is of the part of regular expressions that Python and JavaScript share.

    >>> import re
    >>> [word for word in ("covn", "conv1") if re.fullmatch(slips("conv", ()), word)]
    ['covn']
    """
    patterns = dict.fromkeys([*_swapped(word), *_left_out(word), *_wrong(word), *_ranked(word)])
    others = [
        other for other in {word, *known} if any(re.fullmatch(one, other) for one in patterns)
    ]
    but = f"(?!(?:{'|'.join(sorted(others))})$)" if others else ""
    return f"{but}(?:{'|'.join(patterns)})"


def _swapped(word: str) -> list[str]:
    pairs = range(len(word) - 1)
    return [
        f"{word[:i]}{word[i + 1]}{word[i]}{word[i + 2 :]}" for i in pairs if word[i] != word[i + 1]
    ]


def _left_out(word: str) -> list[str]:
    if len(word) <= _SHORTEST:
        return []
    return [word[:i] + word[i + 1 :] for i in range(len(word))]


def _wrong(word: str) -> list[str]:
    """One letter more, or another in its place; after the last letter, `conv1` is a good name."""
    if len(word) < _LONG:
        return []
    inner = range(1, len(word))
    return [f"{word[:i]}[a-z_-]{{1,2}}{word[i + 1 :]}" for i in inner if word[i + 1 :]]


def _ranked(word: str) -> list[str]:
    """As frameworks write it: `conv2d`, `Conv2D`, `MaxPool2d`."""
    return [rf"(?:{word}|{class_name(word)})_?[123][dD]"]
