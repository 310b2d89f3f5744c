"""`cnnkit solve`: its three questions, its formats, and what is said of wrong ones."""

from __future__ import annotations

import csv
import io
import json
import shlex
from pathlib import Path

import pytest

from tests.cli.command import Run, runner

NET = """\
name: net
input: 9x9x1
variables: {width: 4}
layers:
  - conv: {filters: $width, kernel: 3, stride: 2}
  - conv: {filters: $width, kernel: 2, stride: 2}
budget: {parameters: 1k}
"""  # 9w + w + 4w² + w = 4w² + 11w: 14 gives 938, 15 gives 1,065


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET)
    return runner(monkeypatch, capfd)


def test_a_window(run: Run) -> None:
    done = run("solve", "--input", "7", "--kernel", "3")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        """\
input 7, kernel 3: 14 pairs of stride and padding fit
output = (7 + P − 3)/S + 1

          padding P
stride S  0  1  2  3  4
───────────────────────
       1  5  6  7  8  9
       2  3  ·  4  ·  5
       3  ·  ·  3  ·  ·
       4  2  ·  ·  ·  3
       5  ·  2  ·  ·  ·
       6  ·  ·  2  ·  ·
       7  ·  ·  ·  2  ·
"""
    )


def test_a_window_as_csv_and_json(run: Run) -> None:
    asked = ("solve", "--input", "7x9", "--kernel", "3", "--stride", "2")
    rows = list(csv.DictReader(io.StringIO(run(*asked, "--format", "csv").out)))
    assert rows[1] == {"stride": "2", "padding": "2", "before": "1", "after": "1", "output": "4x5"}
    found = json.loads(run(*asked, "--format", "json").out)
    assert found["fits"][0] == {
        "stride": 2,
        "padding": 0,
        "before": 0,
        "after": 0,
        "output": [3, 4],
    }
    assert (found["count"], found["more"], found["dilated_kernel"]) == (3, 0, [3, 3])


def test_a_long_list_says_how_many_more(run: Run) -> None:
    asked = ("solve", "--input", "224", "--kernel", "7", "--limit")
    assert "72 more fit, of larger strides; --limit 0 lists all" in run(*asked, "2").out
    everything = json.loads(run(*asked, "0", "--format", "json").out)
    assert len(everything["fits"]) == 74


def test_nothing_fits(run: Run) -> None:
    done = run("solve", "--input", "7", "--kernel", "1", "--stride", "4")
    assert done.code == 1
    assert "input 7, kernel 1, stride 4: no stride and padding fit" in done.out
    assert "tried: no padding, stride 4" in done.out


def test_inputs(run: Run) -> None:
    done = run("solve", "net.yaml", "--vary", "input", "--between", "1..20")
    assert done.code == 0
    assert "net: 4 exact input extents from 1 to 20" in done.out  # 5, 9, 13, 17
    assert "every 4th extent: 4·n + 1" in done.out
    found = json.loads(run("solve", "net.yaml", "--vary", "input", "-f", "json").out)
    assert [answer["extent"] for answer in found["axes"][0]["answers"]] == [5, 9, 13, 17, 21, 25]
    assert found["exact"] is True


def test_no_input_is_exact(run: Run) -> None:
    done = run("solve", "net.yaml", "--vary", "input", "--between", "6..8")
    assert done.code == 1
    assert "net: no exact input extents from 6 to 8" in done.out
    assert "the nearest one is 9" in done.out


def test_a_budget(run: Run) -> None:
    done = run("solve", "net.yaml", "--vary", "variables.width")
    assert (done.code, done.err) == (0, "")
    assert "net: the largest variables.width that meets the budget is 14 (now 4)" in done.out
    assert "15 exceeds parameters by 65" in done.out
    command = next(line for line in done.out.splitlines() if line.startswith("  cnnkit"))
    assert command == "  cnnkit analyze net.yaml --set variables.width=14"
    applied = run(*shlex.split(command)[1:], "--format", "json")
    assert json.loads(applied.out)["totals"]["parameters"] == 938


def test_the_command_keeps_what_was_set(run: Run) -> None:
    done = run("solve", "net.yaml", "--vary", "variables.width", "--set", "layers.1.kernel=4")
    command = "cnnkit analyze net.yaml --set layers.1.kernel=4 --set variables.width=7"
    assert command in done.out  # 16w² + 11w: 7 gives 861, 8 gives 1,112


def test_budgets_given(run: Run) -> None:
    bounds = ("--budget", "parameters=1M", "--budget", "inference_memory=2KiB")
    found = json.loads(
        run("solve", "net.yaml", "--vary", "variables.width", *bounds, "-f", "json").out
    )
    best = found["best"]
    assert best["totals"]["inference_memory"] <= 2048
    assert found["next"]["totals"]["inference_memory"] > 2048
    assert found["budgets"] == {"parameters": 1_000_000, "inference_memory": 2048}
    assert best["margins"]["parameters"] == 1_000_000 - best["totals"]["parameters"]


def test_the_largest_batch_and_the_largest_input_within_a_budget(run: Run) -> None:
    """A 1x1 convolution of 2 channels to 3: 9 parameters, and 5 values a cell."""
    Path("point.yaml").write_text(
        "name: point\ninput: 4x4x2\nlayers: [{conv: {filters: 3, kernel: 1}}]\n"
    )
    done = run("solve", "point.yaml", "--vary", "batch")
    assert "--vary batch needs a --budget of memory, such as training_memory=8GiB" in done.err
    done = run("solve", "point.yaml", "--vary", "batch", "--budget", "activation_memory=3500")
    assert "point: the largest batch that meets the budget is 10 (now 1)" in done.out  # 320 each
    assert "  cnnkit analyze point.yaml --batch 10" in done.out.splitlines()
    done = run("solve", "point.yaml", "--vary", "input", "--budget", "activation_memory=2000")
    assert "point: the largest input that meets the budget is 10 (now 4)" in done.out  # 20·D²
    assert "  cnnkit analyze point.yaml --set input=10x10x2" in done.out.splitlines()
    Path("two.yaml").write_text(
        "inputs: {a: 4x4x2, b: 4x4x1}\n"
        "layers: [{merge: {with: b}}, {conv: {filters: 3, kernel: 1}}]\n"
    )
    done = run("solve", "two.yaml", "--vary", "input", "--budget", "macs=600")  # 9·D²
    assert "two.yaml: the largest input that meets the budget is 8 (now 4)" in done.out
    (applied,) = [line for line in done.out.splitlines() if "cnnkit analyze" in line]
    assert applied == "  cnnkit analyze two.yaml --set 'inputs={a: 8x8x2, b: 8x8x1}'"
    assert run("analyze", "two.yaml", "--set", "inputs={a: 8x8x2, b: 8x8x1}").code == 0
    Path("point.yaml").write_text("input: 4x6x2\nlayers: [{conv: {filters: 3, kernel: 1}}]\n")
    done = run("solve", "point.yaml", "--vary", "input", "--budget", "macs=2000")
    assert done.code == 2
    assert "4x6x2 is none: vary a number of it" in done.err


def test_no_value_in_budget(run: Run) -> None:
    done = run("solve", "net.yaml", "--vary", "variables.width", "--budget", "parameters=14")
    assert done.code == 1
    assert "net: no value of variables.width meets the budget" in done.out
    assert "the nearest one is 1, above" in done.out


def test_a_spec_with_faults_in_its_text(run: Run) -> None:
    Path("faulty.yaml").write_text(NET.replace("kernel: 3", "kernle: 3"))
    done = run("solve", "faulty.yaml", "--vary", "input")
    assert (done.code, done.err) == (1, "")
    assert "[unknown-key]" in done.out


def test_markdown(run: Run) -> None:
    done = run("solve", "net.yaml", "--vary", "variables.width", "-f", "markdown")
    assert done.out == (
        "### net: the largest variables.width that meets the budget is 14 (now 4)\n"
        "\n"
        "| total | budget | value | left | % left |\n"
        "| --- | ---: | ---: | ---: | ---: |\n"
        "| parameters | 1,000 | 938 | 62 | 6.2 % |\n"
        "\n"
        "15 exceeds parameters by 65\n"
        "\n"
        "14 values analysed; to apply it:\n"
        "\n"
        "    cnnkit analyze net.yaml --set variables.width=14\n"
    )


WHOLE = ("net.yaml", "--vary", "variables.width")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--input", "7"),
            "give `--input 7 --kernel 3` for what fits a window, or a SPEC and `--vary`",
        ),
        (
            ("--input", "7y", "--kernel", "3"),
            "--input 7y: write 7, or 7x9 for two axes, of up to 12 digits each",
        ),
        (("--input", "0", "--kernel", "3"), "--input 0: each extent is at least 1"),
        (("--input", "7x7x7x7", "--kernel", "3"), "--input 7x7x7x7: there are at most 3 axes"),
        (("--input", "7", "--kernel", "3", "--vary", "input"), "--vary needs a SPEC to look in"),
        (
            (*WHOLE, "--kernel", "3"),
            "--kernel needs no SPEC beside it: it is of a window on its own",
        ),
        (("net.yaml",), "--vary says what is looked for: `input`, or `variables.width`"),
        (
            ("net.yaml", "--vary", "batch", "--budget", "macs=1", "--step", "0.5"),
            "--step 0.5: the batch grows in whole numbers",
        ),
        (
            ("net.yaml", "--vary", "input", "--between", "3"),
            "--between 3: write A..B, such as 8..64",
        ),
        (("net.yaml", "--vary", "input", "--between", "9..3"), "--between 9..3: 3 is below 9"),
        (
            ("net.yaml", "--vary", "input", "--between", "0..3"),
            "--between 0..3: extents are whole numbers above 0",
        ),
        ((*WHOLE, "--step", "0"), "--step 0: a step is above 0"),
        ((*WHOLE, "--step", "x"), "--step x: this is no number, such as 8 or 0.25"),
        ((*WHOLE, "--budget", "macs"), "--budget macs: write TOTAL=FIGURE, such as parameters=1M"),
        (
            (*WHOLE, "--budget", "mac=1"),
            "--budget mac=1: there is no total `mac`; did you mean `macs`?",
        ),
        (
            (*WHOLE, "--budget", "macs=1Q"),
            "--budget macs=1Q: `1Q` is no quantity; write 10k, 1.5M or 512MiB",
        ),
        (
            ("net.yaml", "--vary", "variables.wide"),
            "--vary variables.wide: there is no `wide`; did you mean `width`?",
        ),
        (
            ("net.yaml", "--vary", "bach"),
            "--vary bach: the spec has no `bach`; did you mean `batch`?",
        ),
        (
            ("net.yaml", "--vary", "depth", "--budget", "macs=1M"),
            "--vary depth: the spec has no `depth`; write `input`, `batch`, or a path of it",
        ),
        (
            ("net.yaml", "--vary", "input=8..64"),
            "--vary input=8..64: write the path alone; `--between A..B` says what is tried",
        ),
        (("gone.yaml", "--vary", "input"), "there is no file gone.yaml"),
    ],
)
def test_wrong_questions(run: Run, arguments: tuple[str, ...], message: str) -> None:
    done = run("solve", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"cnnkit: {message}\n"


def test_the_values_that_are_valid(run: Run) -> None:
    """Without a budget: (9 − k)/2 + 1 is whole for odd k, and the conv behind takes 2 or 4."""
    Path("free.yaml").write_text(NET.replace("budget: {parameters: 1k}\n", ""))
    done = run("solve", "free.yaml", "--vary", "layers.0.kernel")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "net: 2 values of layers.0.kernel from 1 to 16 are without an error"
    three, seven = (line.split()[:3] for line in lines[4:6])
    assert three == ["3", "now", "2x2x4"]
    assert seven == ["7", "1x1x4", "268"]  # 7·7·4 + 4 and 2·2·4·4 + 4
    assert lines[7].startswith("others are not: free.yaml:")
    found = json.loads(
        run("solve", "free.yaml", "--vary", "layers.0.kernel", "--format", "json").out
    )
    assert [each["value"] for each in found["values"]] == [3, 7]
    assert found["values"][0]["output"] == [2, 2, 4]
    none = run("solve", "free.yaml", "--vary", "layers.0.kernel", "--between", "8..8")
    assert none.out.startswith("net: no values of layers.0.kernel from 8 to 8 are without an error")
    assert none.code == 1
