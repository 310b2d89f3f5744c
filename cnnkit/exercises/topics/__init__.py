"""What questions are about: a module each, whose ``question`` draws one of a level from 1 to 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

from cnnkit.exercises.question import Question
from cnnkit.exercises.topics import (
    metrics,
    padding,
    parameters,
    pooling,
    receptive_field,
    sizes,
)
from cnnkit.exercises.words import Say

TOPICS: Mapping[str, Callable[[Random, int, Say], Question]] = MappingProxyType(
    {
        "sizes": sizes.question,
        "padding": padding.question,
        "parameters": parameters.question,
        "receptive-field": receptive_field.question,
        "pooling": pooling.question,
        "metrics": metrics.question,
    }
)
"""A topic's name, and what draws a question of it."""
