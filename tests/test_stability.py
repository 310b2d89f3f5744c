"""What `docs/reference/stability.md` promises is what there is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import cnnkit
from cnnkit.cli import COMMANDS

LANGUAGE = (Path(__file__).parents[1] / "docs/reference/language.md").read_text(encoding="utf-8")
PAGE = (Path(__file__).parents[1] / "docs/reference/stability.md").read_text(encoding="utf-8")
CALLS = re.findall(r"^cnnkit\.(\w+)\((.*)\)$", PAGE, re.MULTILINE)


def section(heading: str) -> str:
    parts = re.split(r"^## (.+)\n", PAGE, flags=re.MULTILINE)
    return parts[parts.index(heading) + 1]


def test_the_page_has_every_public_name_and_no_other() -> None:
    functions = {name for name, _ in CALLS}
    types = set(re.findall(r"`(\w+)`", section("Python").partition("and the types")[2]))
    assert functions | (types & set(cnnkit.__all__)) == set(cnnkit.__all__)
    assert {name for name in types if name[0].isupper()} - {"Path"} <= set(cnnkit.__all__)


@pytest.mark.parametrize(("name", "written"), CALLS, ids=[name for name, _ in CALLS])
def test_a_function_is_called_as_the_page_says(name: str, written: str) -> None:
    if name in ("build", "train"):
        pytest.importorskip("flax")
    parameters = inspect.signature(getattr(cnnkit, name)).parameters.values()
    by_name = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    by_place = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert written.split(", ") == [*by_place, *(["*", *by_name] if by_name else [])]


def test_the_commands_are_those_of_the_page() -> None:
    listed = section("The command line").partition(", the names of their options")[0]
    assert re.findall(r"`([\w-]+)`", listed) == list(COMMANDS)


def test_the_versions_of_the_files_are_those_of_the_page() -> None:
    from cnnkit.analysis import compare, result
    from cnnkit.report.findings import json as checked

    rows = re.findall(r"^\| JSON of `cnnkit (\w+)` \| `format` \| (\d+) \|$", PAGE, re.MULTILINE)
    formats = {"analyze": result, "check": checked, "diff": compare}
    assert {name: int(version) for name, version in rows} == {
        name: module.FORMAT for name, module in formats.items()
    }


def test_the_version_of_the_file_of_a_machine_is_that_of_the_page() -> None:
    from cnnkit.analysis.machines import FORMAT

    row = "| the file of a machine, which `cnnkit doctor --measure` writes | `format` | {} |"
    assert row.format(FORMAT) in PAGE


def test_the_deprecated_kinds_are_those_of_the_pages() -> None:
    from cnnkit import rules
    from cnnkit.layers.kinds import DEPRECATED

    row = re.compile(r"^\| `(\w+)` \| `(\w+): \{(.*), …\}` \|", re.MULTILINE)
    for page in (LANGUAGE, rules.rule("deprecated").page):
        assert {old: (new, fields) for old, new, fields in row.findall(page)} == {
            kind: (better, ", ".join(f"{name}: {value}" for name, value in given.items()))
            for kind, (better, given) in DEPRECATED.items()
        }
    assert f"of level **{rules.LEVELS['deprecated']}**" in LANGUAGE


def test_the_names_that_blocks_may_not_bear_are_the_kinds_of_the_first_release() -> None:
    from cnnkit.layers.kinds import KINDS, RESERVED

    assert len(RESERVED) == 59
    assert KINDS.keys() >= RESERVED
    later = {"slice", "reduce", "glu", "celu", "global_response_norm"}
    assert not later & RESERVED
