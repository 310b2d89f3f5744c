"""A sheet of questions: the same seed draws the same sheet, on every machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count as counting
from itertools import cycle
from random import Random

from cnnkit.errors import UsageError
from cnnkit.exercises.question import Question
from cnnkit.exercises.topics import TOPICS
from cnnkit.exercises.words import Language, speaker

_ATTEMPTS = 1000


@dataclass(frozen=True)
class Sheet:
    """Questions of one seed.

    Attributes:
        questions: The questions, each another.
        seed: What they were drawn by.
        level: From 1, easy, to 3.
        language: What they are written in.
    """

    questions: tuple[Question, ...]
    seed: int
    level: int
    language: Language


def sheet(
    topics: Sequence[str] = tuple(TOPICS),
    *,
    count: int = 10,
    seed: int = 0,
    level: int = 1,
    language: Language = "en",
) -> Sheet:
    """Draws questions of each topic in turn.

    Raises:
        UsageError: There are not so many different questions.
    """
    questions = tuple(_drawn(topics, count, seed, level, language))
    return Sheet(questions, seed, level, language)


def _drawn(
    topics: Sequence[str], count: int, seed: int, level: int, language: Language
) -> Iterator[Question]:
    say = speaker(language)
    seen: set[str] = set()
    numbers = counting()
    for topic, _ in zip(cycle(topics), range(count), strict=False):
        for number in numbers:
            # A string seeds alike on every machine and version of Python.
            random = Random(f"{seed}/{topic}/{level}/{number}")  # noqa: S311  nothing is secret
            question = TOPICS[topic](random, level, say)
            if question.text not in seen:
                break
            if number > count + _ATTEMPTS:
                raise UsageError(
                    f"there are not {count:,} different questions of {', '.join(topics)} at level "
                    f"{level}: {len(seen):,} were found; ask for fewer, or for more topics"
                )
        seen.add(question.text)
        yield question
