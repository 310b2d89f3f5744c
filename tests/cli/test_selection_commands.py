"""`cross-validate`, `search` and `compare`: what they say, and how they end."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.command import Run

pytest.importorskip("jax")
pytest.importorskip("optuna")

SPEC = """\
name: tiny
input: 8x8x1
variables: {width: 4}
layers: [flatten, {dense: {units: $width, activation: relu}}, {dense: {units: 10}}]
train: {data: digits, epochs: 1, optimizer: adam, learning_rate: 0.01}
search: {variables.width: [4, 8], settings: {method: grid}}
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("tiny.yaml").write_text(SPEC)
    return "tiny.yaml"


def test_folds_are_kept_and_compared(run: Run, spec: str) -> None:
    flags = ("--folds", "3", "--device", "cpu")
    first = run("cross-validate", spec, *flags)
    assert (first.code, first.err) == (0, "")
    lines = first.out.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["fold  1/3", "fold  2/3", "fold  3/3"]
    assert "tiny on digits: 1,527 examples in 3 folds" in lines
    assert "  the test split of 270 examples stays sealed" in lines
    assert lines[-1] == "  kept in runs/tiny-folds"
    assert Path("runs/tiny-folds/confusion.png").read_bytes().startswith(b"\x89PNG")

    again = run("cross-validate", spec, *flags)
    assert again.out.count("(kept)") == 3
    assert again.out.splitlines()[3:] == lines[3:]

    wide = ("--set", "variables.width=32", "--run-dir", "runs/wide")
    assert run("cross-validate", spec, *flags, *wide).code == 0
    compared = run("compare", "runs/tiny-folds", "runs/wide")
    assert compared.code == 0
    assert "Over 3 folds the accuracy of wide is on average " in compared.out
    assert "Nadeau and Bengio, 2003" in compared.out
    found = json.loads(run("compare", "runs/tiny-folds", "runs/wide", "-f", "json").out)
    assert found["comparisons"][0]["pairing"] == "folds"
    failed = run("compare", "runs/tiny-folds", "runs/wide", "--output", "nowhere/text")
    assert failed.code == 2
    assert failed.err == "cnnkit: cannot write nowhere/text: No such file or directory\n"
    other = run("evaluate", "runs/wide")
    assert other.code == 2
    assert other.err == (
        "cnnkit: runs/wide is a cross-validation, not a training: name another directory\n"
    )
    listed = run("runs")
    assert listed.code == 0
    assert "wide" not in listed.out
    assert len(found["comparisons"][0]["pairs"]) == 3


def test_another_spec_in_the_same_directory_is_wrong_usage(run: Run, spec: str) -> None:
    Path("runs/tiny-folds").mkdir(parents=True)
    found = run("cross-validate", spec, "--device", "cpu")
    assert (found.code, found.err) == (
        2,
        "cnnkit: runs/tiny-folds is no run: it has no spec.yaml\n",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cross-validate", "none.yaml"], "cnnkit: there is no file none.yaml\n"),
        (["search", "none.yaml"], "cnnkit: there is no file none.yaml\n"),
        (
            ["search", "tiny.yaml", "--objective", "speed"],
            'cnnkit: --objective: `objectives[0]` cannot be "speed"; it takes a list of these: ',
        ),
        (
            ["search", "tiny.yaml", "--objective", "macs"],
            "cnnkit: --objective: `objectives` names accuracy or loss, beside what else is best",
        ),
        (["compare", "none"], "cnnkit: there is no run none\n"),
        (
            ["search", "tiny.yaml", "--storage", "sqlite:////no/such/place/s.db"],
            "cnnkit: --storage sqlite:////no/such/place/s.db: cannot be opened: ",
        ),
    ],
)
def test_wrong_usage(run: Run, spec: str, arguments: list[str], message: str) -> None:
    found = run(*arguments)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(message)
    assert "Traceback" not in found.err


def test_a_spec_without_a_search(run: Run, spec: str) -> None:
    Path(spec).write_text(SPEC.rpartition("search:")[0])
    found = run("search", spec)
    assert found.code == 2
    assert found.err.startswith("cnnkit: the spec has no `search:`: add what to vary, such as ")


def test_a_fault_in_the_search_is_a_finding(run: Run, spec: str) -> None:
    Path(spec).write_text(SPEC.replace("variables.width:", "variables.widht:"))
    found = run("search", spec)
    assert (found.code, found.err) == (1, "")
    assert "tiny.yaml:6:10: `variables.widht` leads nowhere: there is no `widht`" in found.out


@pytest.mark.parametrize("command", ["cross-validate", "search", "compare"])
def test_a_missing_extra_says_what_to_install(
    run: Run, spec: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*sys.modules]:
        if name.startswith("cnnkit.selection"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jax", None)
    found = run(command, spec)
    assert found.code == 2
    assert found.err == (
        "cnnkit: model selection needs jax, which is not installed: pip install 'cnnkit[train]'\n"
    )


def test_help_shows_an_example(run: Run) -> None:
    for command in ("cross-validate", "search", "compare"):
        assert f"Example: cnnkit {command} " in run(command, "--help").out
