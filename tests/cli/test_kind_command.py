"""`cnnkit kind`: the list of the kinds by family, and the page of one."""

from __future__ import annotations

import pytest

from cnnkit.layers import FAMILIES, KINDS
from cnnkit.report.kind import kind_page, kind_summary
from tests.cli.command import Run


def test_the_list_groups_the_kinds_by_family(run: Run) -> None:
    done = run("kind")
    assert (done.code, done.err) == (0, "")
    groups = [group.splitlines() for group in done.out.strip().split("\n\n")]
    assert {family: tuple(line.split()[0] for line in lines) for family, *lines in groups} == dict(
        FAMILIES
    )
    lines = {line.split()[0]: line for _, *lines in groups for line in lines}
    assert all(lines[kind].endswith(kind_summary(kind)) for kind in KINDS)


@pytest.mark.parametrize("kind", ["conv", "relu", "squeeze_excite"])
def test_a_kind_has_its_page(kind: str, run: Run) -> None:
    done = run("kind", kind)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{kind_page(kind)}\n"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Conv2D", "here it is `conv`"),
        ("max_pol", "did you mean `max_pool`?"),
        ("xyz", f"the kinds are {', '.join(KINDS)}"),
    ],
)
def test_what_is_no_kind(name: str, advice: str, run: Run) -> None:
    done = run("kind", name)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"cnnkit: there is no kind `{name}`; {advice}\n"
