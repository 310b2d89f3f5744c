"""Results of a check as the formats for continuous integration are to show them."""

from __future__ import annotations

from cnnkit.checking import CheckResult
from cnnkit.errors import Finding, Level, Location

STRANGE = '50 % of\r\n`a: b`, ::error::c <x> ]]> & "q" \x1b[31m \0 \ud800 \u2028 \ufffe 層'


def finding(
    level: Level = "error", message: str = "stride 3 does not fit", **rest: object
) -> Finding:
    where = Location("specs/a.yaml", 7, 43, 7, 52, "  - conv: {filters: 6, kernel: 3, stride: 3}")
    fields = {"rule": "invalid-stride", "help": "stride 1 gives 5", "location": where, **rest}
    return Finding(level=level, message=message, **fields)  # type: ignore[arg-type]


RESULTS = [
    CheckResult(
        "specs/a.yaml",
        (
            finding(path="layers.3"),
            finding(
                "warning",
                "this dense layer holds most parameters",
                rule="large-dense",
                location=Location("specs/a.yaml", 9, 3, 11, 12, "  - dense:"),
                used_at=(Location("specs/a.yaml", 20, 5, 20, 9, "  - unit"),),
            ),
            finding("info", "no comment", rule="unused-ignore", help=None),
        ),
    ),
    CheckResult("specs/b c.yaml", ()),
    CheckResult("/else/ä.yaml", (finding(location=None, rule="over-budget", help=None),)),
]
HOSTILE = [
    CheckResult(
        f"a/{name}.yaml",
        (
            finding(
                message=STRANGE,
                help=STRANGE,
                path=STRANGE,
                location=Location(f"a/{name}.yaml", 1, 1, 1, 2, STRANGE),
            ),
        ),
    )
    for name in ("b:c,d%e", "x\ny", "z\x1b\udcff", 'q"<&>')
]
