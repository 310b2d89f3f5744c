"""An input with letters: ``HxWx3``, ``NxNx1``, ``[L, 2]``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnnkit.errors import UsageError
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.language.extension import extended
from cnnkit.spec.language.override import override
from cnnkit.spec.reading import Reading, finish
from cnnkit.spec.text.node import YamlNode

_LETTER = re.compile("[A-WYZa-wyz]")  # an x stands between the extents


@dataclass(frozen=True)
class OpenInput:
    """A text whose input is open.

    Attributes:
        node: The text.
        path: Its file; None of standard input.
        overrides: What `--set` took, without what it says of the input.
        extents: The spatial extents, a letter or a number each.
        channels: The channels.
    """

    node: YamlNode
    path: str | None
    overrides: tuple[str, ...]
    extents: tuple[str | int, ...]
    channels: int

    @property
    def text(self) -> str:
        """As it is written: ``HxWx3``."""
        return "x".join(map(str, (*self.extents, self.channels)))

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters, in order, each once."""
        return tuple(dict.fromkeys(each for each in self.extents if isinstance(each, str)))

    def axes(self, letter: str) -> list[int]:
        """The axes whose extent a letter is."""
        return [axis for axis, each in enumerate(self.extents) if each == letter]

    def shape(self, values: Mapping[str, int]) -> Shape:
        """The input where the letters have these values."""
        extents = (values[each] if isinstance(each, str) else each for each in self.extents)
        return (*extents, self.channels)

    def read(self, values: Mapping[str, int]) -> Reading:
        """The spec where the letters have these values."""
        overrides = [*self.overrides, f"input={show(self.shape(values))}"]
        return finish(self.node, (), overrides, self.path)


def open_input(
    node: YamlNode | None, path: str | None, overrides: Sequence[str]
) -> OpenInput | None:
    """The open input of a text; None where it has none.

    Raises:
        UsageError: An override names no place.
    """
    if node is None:
        return None
    whole, _ = extended(node, path)
    for assignment in overrides:
        whole = override(whole, assignment)
    given = whole.value.get("input") if isinstance(whole.value, dict) else None
    value = given.plain() if given is not None else None
    parts = re.split("[x×]", value) if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) < 2 or len(parts) > 4:
        return None
    *extents, channels = (str(part).strip() for part in parts)
    letters = [each for each in extents if _LETTER.fullmatch(each)]
    numbers = [each for each in (*extents, channels) if each not in letters]
    if not letters or not all(each.isdecimal() and int(each) for each in numbers):
        return None
    others = tuple(each for each in overrides if each.partition("=")[0].strip() != "input")
    read = tuple(each if each in letters else int(each) for each in extents)
    return OpenInput(node, path, others, read, int(channels))


def only_analysed(text: str) -> UsageError:
    """The error of a command that needs numbers."""
    return UsageError(f"the input {text} is open: give numbers, such as --set input=224x224x3")
