"""What many files have in common is told once: in an extended text, or in an earlier report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnnkit.checking import Request, run
from cnnkit.errors import UsageError
from cnnkit.report import render_findings
from tests.checking.checked import FAULTY, rules_of

BASE = """\
input: 8x8x4
variables: {kernel: 4}
layers:
  - conv: {filters: 4, kernel: $kernel, padding: same}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*paths: str) -> dict[str, list[str]]:
    return {
        result.file: [each.message for each in result.findings] for result in run(Request(paths))
    }


def test_a_finding_of_a_parent_is_told_in_the_parent_alone(here: Path) -> None:
    (here / "base.yaml").write_text(BASE)
    for name in ("a", "b"):
        (here / f"{name}.yaml").write_text("extends: base.yaml\n")
    told = found("a.yaml", "b.yaml", "base.yaml")
    assert [len(messages) for messages in told.values()] == [0, 0, 1]
    assert told["base.yaml"][0].startswith("kernel 4 with `padding: same` pads 1 row before")


def test_without_the_parent_the_first_child_tells_it(here: Path) -> None:
    (here / "base.yaml").write_text(BASE)
    for name in ("a", "b"):
        (here / f"{name}.yaml").write_text("extends: base.yaml\n")
    assert [len(messages) for messages in found("a.yaml", "b.yaml").values()] == [1, 0]


def test_an_error_that_a_child_alone_has_is_told(here: Path) -> None:
    (here / "base.yaml").write_text(BASE)
    (here / "a.yaml").write_text("extends: base.yaml\nvariables: {kernel: 0}\n")
    (here / "b.yaml").write_text("extends: base.yaml\nvariables: {kernel: -1}\n")
    told = found("base.yaml", "a.yaml", "b.yaml")
    assert told["a.yaml"] == ["`kernel` cannot be 0"]
    assert told["b.yaml"] == ["`kernel` cannot be -1"]


def test_each_file_tells_what_is_in_its_own_text(here: Path) -> None:
    for name in ("a", "b"):
        (here / f"{name}.yaml").write_text(FAULTY)
    assert [len(messages) for messages in found("a.yaml", "b.yaml").values()] == [1, 1]


def test_what_a_report_holds_is_known(here: Path) -> None:
    (here / "a.yaml").write_text(FAULTY)
    report = here / "known.json"
    report.write_text(render_findings(run(Request(("a.yaml",))), "json"))
    (here / "a.yaml").write_text(f"# Lines above it come and go.\n\n{FAULTY}")
    (result,) = run(Request(("a.yaml",), baseline=report))
    assert (result.findings, result.hidden, result.ok) == ((), 1, True)
    # What is new is told, also another of the same kind.
    (here / "a.yaml").write_text(FAULTY.replace("stride: 3", "stride: 3, bias: 7"))
    assert rules_of(run(Request(("a.yaml",), baseline=report))) == ["wrong-value"]
    (here / "b.yaml").write_text(FAULTY)
    assert rules_of(run(Request(("a.yaml", "b.yaml"), baseline=report))) == [
        "wrong-value",
        "invalid-stride",
    ]


def test_a_finding_is_known_as_often_as_it_was_there(here: Path) -> None:
    twice = "input: 8\nlayers: [{dropout: {rate: 0.1}}, dens, dens]\n"
    (here / "a.yaml").write_text(twice)
    known = json.loads(render_findings(run(Request(("a.yaml",))), "json"))
    for finding in known["files"][0]["findings"]:
        finding["path"] = "layers.1"
    del known["files"][0]["findings"][1:]
    (here / "known.json").write_text(json.dumps(known))
    results = run(Request(("a.yaml",), baseline=here / "known.json"))
    assert [each.path for each in results[0].findings] == ["layers.2"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": [{}]}', '{"files": 3}', "\0", "{"])
def test_a_baseline_is_a_report(here: Path, text: str) -> None:
    (here / "a.yaml").write_text(FAULTY)
    (here / "known.json").write_text(text)
    with pytest.raises(
        UsageError,
        match=r"^--baseline known.json is no report of `cnnkit check --format json`$",
    ):
        run(Request(("a.yaml",), baseline=Path("known.json")))


def test_a_baseline_that_is_not_there_says_how_to_write_it(here: Path) -> None:
    (here / "a.yaml").write_text(FAULTY)
    with pytest.raises(UsageError) as error:
        run(Request(("a.yaml",), baseline=Path("nope.json")))
    assert str(error.value) == (
        "--baseline nope.json: No such file or directory; write it by "
        "`cnnkit check … --format json --output nope.json`"
    )
