"""`cnnkit check --score`: points by a teacher's expectations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import Run, runner

ROOT = Path(__file__).parents[2]

# By hand: 26·26·3 = 2,028 neurons; 3·7·7·3 = 441 weights; 2,028·147 = 298,116 MACs.
SPEC = "input: 32x32x3\nlayers:\n  - conv: {filters: 3, kernel: 7, bias: false}\n"
MARKING = """expect: {neurons: 2028, parameters: 444, output: [26, 26, 3]}
budget: {macs: 300k}
points: {expect.parameters: 2.5}
hidden: [expect.parameters, budget.macs]
"""


@pytest.fixture
def cnnkit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(SPEC, encoding="utf-8")
    Path("marking.yaml").write_text(MARKING, encoding="utf-8")
    return runner(monkeypatch, capfd)


def test_points_for_each_figure(cnnkit: Run) -> None:
    done = cnnkit("check", "a.yaml", "--score", "marking.yaml")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "a.yaml  3 of 5.5 points\n"
        "  ✓ expect.neurons     1 of 1\n"
        "  ✗ expect.parameters  0 of 2.5  (hidden)  `parameters` is 441, not 444 as expected: "
        "3 less (0.7 %)\n"
        "  ✓ expect.output      1 of 1\n"
        "  ✓ budget.macs        1 of 1  (hidden)\n"
    )


def test_a_spec_with_an_error_has_no_points(cnnkit: Run) -> None:
    Path("b.yaml").write_text(SPEC.replace("kernel: 7", "kernel: 8, stride: 5"), encoding="utf-8")
    Path("c.yaml").write_text("input: [", encoding="utf-8")
    done = cnnkit("check", "b.yaml", "c.yaml", "--score", "marking.yaml")
    assert done.code == 0
    assert done.out.count("0 of 5.5 points") == 2
    assert "0 of 1  the spec has an error: stride 5 does not fit: (32 − 8)/5 + 1" in done.out


def test_the_json_of_an_autograder(cnnkit: Run) -> None:
    done = cnnkit("check", "a.yaml", "--score", "marking.yaml", "--output", "results.json")
    assert (done.code, done.out) == (0, "")
    results = json.loads(Path("results.json").read_text("utf-8"))
    assert results["score"] == 3
    assert results["tests"][1] == {
        "name": "expect.parameters",
        "score": 0,
        "max_score": 2.5,
        "status": "failed",
        "output": "`parameters` is 441, not 444 as expected: 3 less (0.7 %)",
        "visibility": "hidden",
    }
    assert [test["visibility"] for test in results["tests"]] == [
        "visible",
        "hidden",
        "visible",
        "hidden",
    ]
    Path("b.yaml").write_text(SPEC, encoding="utf-8")
    several = cnnkit("check", "a.yaml", "b.yaml", "--score", "marking.yaml", "--format", "json")
    assert [each["file"] for each in json.loads(several.out)] == ["a.yaml", "b.yaml"]


NEEDED = "a marking needs `expect` or `budget`: the figures that points are given for"
MEANT = """marking.yaml:2:10: `expect.neuron` is no figure of this marking  [unknown-name]
  2 | points: {expect.neuron: 2}
    |          ^~~~~~~~~~~~~
  help: did you mean `expect.neurons`?
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("expect: {parameter: 5}", "marking.yaml:1:10: `expect` has no field `parameter`"),
        ("expects: {parameters: 5}", "marking.yaml:1:1: a marking has no section `expects`"),
        ("points: {}", f"marking.yaml:1:1: {NEEDED}  [missing-field]"),
        ("expect: {neurons: 1}\npoints: {expect.neuron: 2}", MEANT),
        (
            "expect: {neurons: 1}\nhidden: [budget.macs]",
            "marking.yaml:2:10: `budget.macs` is no figure of this marking  [unknown-name]",
        ),
        ("expect: {neurons: 1}\nhidden: 3", "marking.yaml:2:9: `hidden` is not a list of figures"),
        ("- 1", "marking.yaml:1:1: a marking is a mapping, and this is a list  [wrong-type]"),
        (
            "expect: {neurons: 1}\npoints: {expect.neurons: 0}",
            "marking.yaml:2:26: `expect.neurons` cannot be worth 0  [wrong-value]",
        ),
        ("expect: {neurons: 1}\npoints: 2", "marking.yaml:2:9: `points` is not a mapping"),
    ],
)
def test_a_marking_with_a_fault_is_a_finding(text: str, told: str, cnnkit: Run) -> None:
    Path("marking.yaml").write_text(text, encoding="utf-8")
    done = cnnkit("check", "a.yaml", "--score", "marking.yaml")
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith(told)
    assert done.out.endswith("1 error\n")


def test_wrong_usage(cnnkit: Run) -> None:
    done = cnnkit("check", "a.yaml", "--score", "none.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.err == "cnnkit: there is no file none.yaml to score by\n"
    done = cnnkit("check", "a.yaml", "--score", "marking.yaml", "--format", "sarif")
    assert done.err == "cnnkit: --score is written as text or json, not as sarif\n"


def test_the_page_shows_what_is_printed(cnnkit: Run) -> None:
    page = (ROOT / "docs" / "how-to" / "exercises.md").read_text("utf-8")
    lecture = (ROOT / "specs" / "lectures" / "rgb-valid-4-classes.yaml").read_text("utf-8")
    shown = page.partition("$ cnnkit check answers/ada.yaml --score marking.yaml\n")[2]
    Path("marking.yaml").write_text(page.partition("# marking.yaml\n")[2].partition("```")[0])
    Path("answers").mkdir()
    Path("answers/ada.yaml").write_text(lecture.replace("{filters: 3,", "{bias: true, filters: 3,"))
    done = cnnkit("check", "answers/ada.yaml", "--score", "marking.yaml")
    assert (done.code, done.out) == (0, shown.partition("```")[0])
