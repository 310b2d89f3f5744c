"""Exercises for a class: questions drawn by a seed, with worked answers from the analyser.

>>> from cnnkit.exercises import sheet
>>> question = sheet(["sizes"], count=1, seed=7).questions[0]
>>> question.answer
Fraction(10, 1)
"""

from __future__ import annotations

from cnnkit.exercises.question import Mistake, Question
from cnnkit.exercises.sheet import Sheet, sheet
from cnnkit.exercises.topics import TOPICS

__all__ = ["TOPICS", "Mistake", "Question", "Sheet", "sheet"]
