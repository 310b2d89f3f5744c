"""What the page asks of the analyser, each a function from plain data to plain data.

The page's worker hands a question over as JSON and gets the answer as JSON. A question names one
of ``QUESTIONS`` and its arguments. The text of the spec is always among them, so that a worker that
was ended and started anew knows as much as the one before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final

__all__ = ["QUESTIONS", "answer", "prepare"]

QUESTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account": "cnnkit.playground.calculator.account",
        "fixes": "cnnkit.playground.calculator.fixes",
        "layer": "cnnkit.playground.calculator.layer",
        "change": "cnnkit.playground.calculator.change",
        "walk": "cnnkit.playground.calculator.walk",
        "differences": "cnnkit.playground.calculator.differences",
        "download": "cnnkit.playground.calculator.download",
        "practice": "cnnkit.playground.calculator.practice",
    }
)
"""The questions, each with the module that has a function of its name."""


def answer(question: str) -> str:
    """The answer to a question; both are JSON.

    The answer has ``value``, or ``fault``: a text that says why there is none. A question comes
    from the page alone, so a fault is one of ours or of the question, never of the spec.
    """
    try:
        asked = json.loads(question)
        name = asked.pop("question")
        value = getattr(import_module(QUESTIONS[name]), name)(**asked)
    except RecursionError:
        return json.dumps({"fault": "nested too deeply"})
    except Exception as error:
        return json.dumps({"fault": f"{type(error).__name__}: {error}"})
    text = json.dumps({"value": value}, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate is no text


def prepare() -> None:
    """Imports what the first questions need, which takes longer than to answer them."""
    text = "input: 8x8x1\nlayers: [{conv: {filters: 1, kernel: 3, activation: relu}}, flatten]"
    for question in ({"question": "account"}, {"question": "layer", "path": "layers.0"}):
        answer(json.dumps({**question, "text": text}))
