"""The networks that questions are asked about, and what the analyser says of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from cnnkit.analysis import Analysis, analyze
from cnnkit.analysis.explain import explain
from cnnkit.exercises.words import Say
from cnnkit.spec.reading import load

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")


def written(shape: str, layers: Sequence[str]) -> str:
    """A spec of layers as YAML, a line each."""
    return "\n".join([f"input: {shape}", "layers:", *(f"  - {layer}" for layer in layers), ""])


def analysed(spec: str) -> Analysis:
    """The analysis of a spec."""
    return analyze(load(spec))


def extent_of(analysis: Analysis) -> Fraction:
    """The cells of an axis of what a network of square maps gives."""
    return Fraction((analysis.output or (0,))[0])


def equations(analysis: Analysis, label: str, say: Say) -> tuple[str, ...]:
    """The equations of one figure, of each layer that has it and then of the whole."""
    lines = [
        _THOUSANDS.sub(say("thousands"), line.text)
        for explanation in explain(analysis)
        for line in explanation.lines
        if line.label == label and "=" in line.text
    ]
    for word in ("stride", "padding"):
        lines = [line.replace(f" {word} ", f" {say(word)} ") for line in lines]
    return tuple(dict.fromkeys(lines))
