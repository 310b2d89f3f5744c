"""Changes of a figure, and the conditions of `diff --fail-if` on them."""

from __future__ import annotations

from fractions import Fraction

import pytest

import cnnkit
from cnnkit.analysis.change import Change
from cnnkit.analysis.condition import condition
from cnnkit.spec.model.section import TOTALS

KNOWN = ", ".join(TOTALS)


def test_percentages() -> None:
    assert Change(200, 210).percent == 5
    assert Change(3, 2).percent == Fraction(-100, 3)
    assert Change(0, 0).percent == 0
    assert Change(0, 7).percent is None
    assert Change(None, 7).absolute is None
    huge = Change(1, 10**400).to_dict()
    assert huge["percent"] is None


@pytest.mark.parametrize(
    ("text", "old", "new", "met"),
    [
        ("parameters > 1M", 0, 1_000_001, True),
        ("parameters > 1M", 0, 1_000_000, False),
        ("parameters>=1M", 0, 1_000_000, True),
        ("inference_memory > 512MiB", 0, 512 * 2**20 + 1, True),
        ("macs > +5%", 100, 105, False),
        ("macs > +5%", 1000, 1051, True),
        ("macs > 5%", 1000, 1051, True),
        ("macs < -5%", 100, 94, True),
        ("macs < −5 %", 100, 96, False),
        ("macs > +10k", 5, 10_006, True),
        ("macs > +10k", 5, 10_005, False),
        ("macs < -1.5k", 2000, 499, True),
        ("macs == +0", 7, 7, True),
        ("macs != +0", 7, 7, False),
        ("macs <= 7", 9, 7, True),
        ("macs > +2.5%", 1000, 1026, True),
        ("macs > +9999%", 0, 1, True),
        ("macs > +0%", 0, 0, False),
    ],
)
def test_conditions(text: str, old: int, new: int, met: bool) -> None:
    assert condition(text).met(Change(old, new)) is met


UNITS = "k M G T, kB MB GB and KiB MiB GiB TiB, or %"


@pytest.mark.parametrize(
    ("text", "message", "caret"),
    [
        (
            "parametrs > 5%",
            "there is no total `parametrs`; did you mean `parameters`?",
            "^~~~~~~~~",
        ),
        ("", f"it starts with the name of a total; the totals are {KNOWN}", "^"),
        ("macs => 5", "`=>` is no comparison; there are >= <= == != > <", "     ^~"),
        ("macs", "here a comparison is due; there are >= <= == != > <", "    ^"),
        ("macs > much", "`much` is no figure; write +5%, +10k, 1M or 512MiB", "       ^~~~"),
        ("macs >", "here a figure is due; write +5%, +10k, 1M or 512MiB", "      ^"),
        ("macs > 5Q", f"`5Q` is no quantity; the units are {UNITS}", "       ^~"),
        ("macs > 1.5", f"`1.5` is not a whole number; the units are {UNITS}", "       ^~~"),
        (
            "macs > 5% or so",
            "`or so` is too much: one condition is NAME, comparison, figure; "  # noqa: ISC004
            "give `--fail-if` again for another",
            "          ^~~~~",
        ),
    ],
)
def test_what_is_no_condition_is_pointed_at(text: str, message: str, caret: str) -> None:
    with pytest.raises(cnnkit.UsageError) as caught:
        condition(text)
    assert str(caught.value) == f"--fail-if: {message}\n  {text}\n  {caret}"
