"""What is held back of a data set, and which examples stand on one side together."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, WithJsonSchema

from cnnkit.layers.field import Expects, Flag
from cnnkit.spec.language.faults import Fault, Faults
from cnnkit.spec.model.section import Section

TABLES: Final = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
"""How the names of tables end."""
_LONGEST: Final = 500  # characters of a pattern, which parts of it may nest

Held = Annotated[
    Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0, lt=1)],
    WithJsonSchema({"type": "number", "minimum": 0}),  # of a whole number any is right
    Expects("a part below 1, such as 0.15, or a number of examples"),
]


def names_table(group: str) -> bool:
    r"""Whether groups are those of a table, and not of a pattern.

    >>> names_table("patients.csv"), names_table(r"(patient\d+)_")
    (True, False)
    """
    return group.lower().endswith(TABLES)


def _with_one_group(group: str | None) -> str | None:
    """A pattern, where it says by one pair of parentheses what a group is called."""
    if group is None or names_table(group):
        return group
    advice = "write a pattern of names, `group: '(patient[0-9]+)_'`, or a table, `group: FILE.csv`"
    if len(group) > _LONGEST:
        message = f"`group` is a pattern of {len(group)} characters, more than {_LONGEST}"
        raise Faults(Fault("wrong-value", message, advice))
    try:
        count = re.compile(group).groups
    except (re.error, RecursionError, OverflowError) as error:
        message = f"`group` is no regular expression: {error}"
        raise Faults(Fault("wrong-value", message, advice)) from None
    if count == 1:
        return group
    what = "no parentheses" if not count else f"{count} pairs of parentheses"
    raise Faults(
        Fault(
            "wrong-value",
            f"`group` is a pattern with {what}, and one pair says whose a file is",
            "write `group: '(patient[0-9]+)_'`, with `(?:…)` around all else; or a table, "
            "`group: FILE.csv`",
        )
    )


class SplitSettings(Section):
    """What is held back, where the data set has no split of its own."""

    validation: Held = Field(0.15, description="what the training is watched on")
    test: Held = Field(0.15, description="what the result is measured on, once")
    stratify: Flag = Field(True, description="whether each part has all classes in like shares")
    group: Annotated[
        Annotated[str, Field(min_length=1)] | None,
        AfterValidator(_with_one_group),
        Expects("the path of a table, `FILE.csv`, or a pattern of names, `'(patient[0-9]+)_'`"),
    ] = Field(
        None,
        description="which examples belong together, as those of a patient: they are never on two "
        "sides of a split. A table of files and their groups, or a regular expression whose "
        "parentheses are the group in the name of a file",
    )
