"""Asks the calculator as the page does: in JSON, and reads the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cnnkit.playground.calculator import answer

SPECS = Path(__file__).parents[2] / "specs"


def ask(question: str, **details: object) -> Any:
    said = json.loads(answer(json.dumps({"question": question, **details})))
    assert "fault" not in said, said["fault"]
    return said["value"]


def lecture(name: str) -> str:
    return (SPECS / "lectures" / f"{name}.yaml").read_text("utf-8")
