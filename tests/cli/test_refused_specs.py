"""What `check` finds an error in is not trained, evaluated, cross-validated or searched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cnnkit import rules
from tests.cli.command import Run

# Only `convert` and `import` find these: they are about what is not in the spec.
ERRORS = [name for name, level in rules.LEVELS.items() if level == "error"]
CHECKED = [name for name in ERRORS if name not in ("not-convertible", "not-importable")]
TRAINABLE = """\
name: tiny
input: 8x8x1
variables: {width: 4}
layers: [flatten, {dense: {units: $width, activation: relu}}, {dense: {units: 10}}]
train: {data: digits, epochs: 1, optimizer: adam, learning_rate: 0.01}
search: {variables.width: [4, 8], settings: {method: grid}}
"""
ONE_OUTPUT = TRAINABLE.replace("units: 10", "units: 1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def faulty(name: str) -> str:
    """The example on the page of a rule."""
    match = re.search(r"^## Example\n+```yaml\n(.*?)```", rules.rule(name).page, re.M | re.S)
    assert match
    return match[1]


def shown_by_check(run: Run, spec: str) -> str:
    """The findings as `check` prints them, without its last line."""
    checked = run("check", spec)
    assert checked.code == 1
    return checked.out.rpartition("checked ")[0]


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize(
    "command",
    [
        ("train", "spec.yaml"),
        ("train", "spec.yaml", "--smoke"),
        ("train", "--resume", "run"),
        ("evaluate", "run"),
        ("cross-validate", "spec.yaml"),
        ("search", "spec.yaml"),
    ],
    ids=" ".join,
)
def test_an_error_of_any_rule_ends_every_command(
    run: Run, command: tuple[str, ...], name: str
) -> None:
    spec = "run/spec.yaml" if "run" in command else "spec.yaml"
    Path("run").mkdir()
    Path("run/split.json").write_text("{}")
    Path(spec).write_text(faulty(name))
    expected = shown_by_check(run, spec)
    ended = run(*command)
    assert f"[{name}]" in ended.out
    assert ended.out.startswith(expected)
    assert (ended.code, ended.err) == (1, "")
    assert not Path("runs").exists()
    assert {path.name for path in Path("run").iterdir()} <= {"spec.yaml", "split.json", "lock"}


def test_one_output_under_the_default_loss_is_refused_in_the_words_of_check(run: Run) -> None:
    Path("tiny.yaml").write_text(ONE_OUTPUT)
    ended = run("train", "tiny.yaml")
    assert ended.code == 1
    assert ended.out.splitlines()[0] == (
        "tiny.yaml:4:64: categorical_cross_entropy of 1 output has nothing to learn: of one class "
        "the probability is always 1  [head-loss-mismatch]"
    )


def test_warnings_are_shown_once_and_training_goes_on(run: Run) -> None:
    Path("tiny.yaml").write_text(TRAINABLE.replace("{width: 4}", "{width: 4, spare: 1}"))
    for command in (("train",), ("cross-validate", "--folds", "2"), ("search", "--trials-only")):
        ended = run(command[0], "tiny.yaml", *command[1:], "--device", "cpu")
        assert ended.code == 0, ended.err
        assert ended.out.count("[unused-variable]") == 1
        assert ended.out.splitlines()[0].startswith("tiny.yaml:3:23: warning: ")
    assert run("train", "tiny.yaml", "-q", "--device", "cpu").out == ""


@pytest.mark.parametrize("way", ["comment", "spec", "configuration"])
def test_a_rule_that_is_ignored_does_not_stop_training_nor_what_follows(run: Run, way: str) -> None:
    """A focal loss behind a rectifier is a fault, and can be computed all the same."""
    text = TRAINABLE.replace("units: 10}", "units: 10, activation: relu}")
    if way == "comment":
        text = text.replace("]\ntrain", "]  # cnnkit: ignore[head-loss-mismatch]\ntrain")
    elif way == "spec":
        text += "rules: {ignore: [head-loss-mismatch]}\n"
    else:
        Path("cnnkit.toml").write_text('ignore = ["head-loss-mismatch"]\n')
    Path("tiny.yaml").write_text(text)
    trained = run("train", "tiny.yaml", "--run-dir", "run", "--device", "cpu")
    assert trained.code == 0, trained.out
    Path("cnnkit.toml").unlink(missing_ok=True)
    assert "ignore: [head-loss-mismatch]" in Path("run/spec.yaml").read_text()
    assert run("evaluate", "run").code == 0
    assert run("train", "--resume", "run").code == 0


def test_a_trial_that_check_refuses_is_rejected_with_the_reason(run: Run) -> None:
    text = TRAINABLE.replace("{width: 4}", "{width: 4, last: linear}").replace(
        "units: 10}", "units: 10, activation: $last}"
    )
    Path("tiny.yaml").write_text(
        text.replace("{variables.width: [4, 8],", "{variables.last: [linear, relu],")
        + "expect: {parameters: 310}\n"
    )
    ended = run("search", "tiny.yaml", "--trials-only", "--device", "cpu", "--run-dir", "found")
    assert ended.code == 0, ended.out + ended.err
    results = Path("found/results.json").read_text()
    assert "relu before categorical_cross_entropy: it keeps the logits at 0 or above" in results
    assert '"state": "complete"' in results
