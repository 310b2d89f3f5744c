"""The hook of pre-commit and the GitHub Action: valid, and their scripts do what they say.

pre-commit installs a hook from the package index and a job of Actions needs GitHub, so here the
scripts alone are run, with this checkout's `cnnkit` in the place where they expect it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ACTION = ROOT / "action.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FINE = "input: 3x3x3\nlayers:\n  - conv: {filters: 8, kernel: 3, activation: relu}\n"
FAULTY = "input: 7x7x3\nlayers:\n  - conv: {filters: 8, kernel: 3, stride: 3}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository whose last commit widens a spec, in a job of GitHub's Actions."""
    project = tmp_path / "project"
    (project / "specs").mkdir(parents=True)
    (project / "specs" / "a b.yaml").write_text(FINE)
    (project / "compose.yaml").write_text("services: {}\n")
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "Base")
    (project / "specs" / "a b.yaml").write_text(FINE.replace("8", "16"))
    (project / "compose.yaml").write_text("services: {web: {}}\n")
    git(project, "commit", "--quiet", "--all", "--message", "Widen")
    program = tmp_path / "temp" / "cnnkit" / "bin" / "cnnkit"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m cnnkit "$@"\n')
    program.chmod(0o755)
    return project


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    command = ["git", *who, *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def step(name: str) -> dict[str, Any]:
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    return next(each for each in steps if each.get("name") == name)


def run(name: str, project: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A step's script, as Actions run it."""
    temp = project.parent / "temp"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(project),
        "GITHUB_STEP_SUMMARY": str(temp / "summary.md"),
        "RUNNER_TEMP": str(temp),
        **variables,
    }
    assert variables.keys() == step(name).get("env", {}).keys()
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step(name)["run"]]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


def test_the_action_is_valid() -> None:
    command = [sys.executable, "-m", "check_jsonschema"]
    command += ["--builtin-schema", "vendor.github-actions", str(ACTION)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize(
    "schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"]
)
def test_the_workflows_are_valid(schema: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    subprocess.run([*command, *map(str, WORKFLOWS)], check=True, capture_output=True)


def test_no_input_is_put_into_a_script() -> None:
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    for workflow in WORKFLOWS:
        jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
        steps += [each for job in jobs for each in job["steps"]]
    for each in steps:
        assert "${{" not in each.get("run", "")


def test_the_workflow_tests_every_python_that_is_stated() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    stated = [each.rpartition(" ")[2] for each in classifiers if "Python :: 3." in each]
    assert jobs["tests"]["strategy"]["matrix"]["python"] == stated


def test_pre_commit_runs_what_ci_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    entries = [hook["entry"] for hook in hooks if hook["id"] != "pytest"]
    assert [line for line in script if line in entries] == entries
    assert any("&& pytest" in line for line in script)


@pytest.mark.parametrize("script", sorted((ROOT / ".ci").iterdir()), ids=lambda path: path.name)
def test_a_script_of_ci_can_be_run(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_every_dependency_has_its_reason_and_its_lowest_version() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    stated = [*project["dependencies"], *project["optional-dependencies"]["train"]]
    # What is after a semicolon says where there are wheels of it.
    assert all(re.fullmatch(r"[\w-]+>=[\d.]+(; sys_platform .+)?", each) for each in stated)
    for each in [*stated, *project["optional-dependencies"]["dev"]]:
        assert re.search(rf'^    "{re.escape(each)}", # .+$', text, re.MULTILINE), each


def test_the_action_annotates_and_fails(project: Path) -> None:
    (project / "specs" / "faulty.yaml").write_text(FAULTY)
    done = run("Check", project, PATHS="specs compose.yaml", ARGS="--specs-only")
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=specs/faulty.yaml,line=3,endLine=3,col=43")
    done = run("Check", project, PATHS="specs", ARGS="--ignore invalid-stride")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_action_writes_a_report_even_if_the_check_fails(project: Path) -> None:
    (project / "specs" / "faulty.yaml").write_text(FAULTY)
    done = run("Write the SARIF report", project, PATHS=".", ARGS="", SARIF="out.sarif")
    assert (done.returncode, done.stderr) == (0, "")
    [log] = json.loads((project / "out.sarif").read_text())["runs"]
    assert [result["ruleId"] for result in log["results"]] == ["invalid-stride"]


def test_the_action_shows_what_a_pull_request_changes(project: Path) -> None:
    done = run(
        "Compare changed specs", project, PATHS=".", BASE=git(project, "rev-parse", "HEAD~1")
    )
    assert (done.returncode, done.stderr) == (0, "")
    summary = (project.parent / "temp" / "summary.md").read_text()
    assert summary.startswith("### `specs/a b.yaml`\n\n")
    assert "compose" not in summary
    assert "448" in summary, "the parameters after it"


def test_the_action_shows_new_specs_removed_ones_and_children_of_a_changed_parent(
    project: Path,
) -> None:
    (project / "specs" / "child.yaml").write_text("extends: a b.yaml\nbudget: {macs: 1G}\n")
    (project / "specs" / "gone.yaml").write_text(FINE)
    (project / "specs" / "still.yaml").write_text(FINE)
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "More")
    (project / "specs" / "a b.yaml").write_text(FINE.replace("8", "32"))
    (project / "specs" / "gone.yaml").unlink()
    (project / "specs" / "new.yaml").write_text(FINE)
    (project / "other.yaml").write_text(FINE)
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--all", "--message", "Change")
    done = run(
        "Compare changed specs", project, PATHS="specs", BASE=git(project, "rev-parse", "HEAD~1")
    )
    assert (done.returncode, done.stderr) == (0, "")
    summary = (project.parent / "temp" / "summary.md").read_text()
    sections = [line for line in summary.splitlines() if line.startswith("### `")]
    assert sections == [
        "### `specs/a b.yaml`",
        "### `specs/child.yaml`",
        "### `specs/new.yaml` (new)",
        "### `specs/gone.yaml` (removed)",
    ]


def test_a_pull_request_without_specs_shows_nothing(project: Path) -> None:
    done = run("Compare changed specs", project, PATHS=".", BASE="HEAD")
    assert (done.returncode, done.stderr) == (0, "")
    assert (project.parent / "temp" / "summary.md").read_text() == ""


def test_the_comment_of_an_earlier_run_is_written_anew(project: Path) -> None:
    temp = project.parent / "temp"
    (temp / "cnnkit-diff.md").write_text("### `a.yaml`\n")
    program = temp / "gh"
    program.write_text(
        '#!/bin/sh\necho "$@" >> "$RUNNER_TEMP/calls"\n'
        'case "$*" in *--jq*) cat "$RUNNER_TEMP/known" ;; esac\n'
    )
    program.chmod(0o755)
    variables = {"GH_TOKEN": "", "NUMBER": "7"}
    shared = {"PATH": f"{temp}:{os.environ['PATH']}", "GITHUB_REPOSITORY": "me/it"}
    comment = f"--field body=@{temp}/cnnkit-diff.md.comment"
    for known, call in (
        ("", f"api --silent repos/me/it/issues/7/comments {comment}"),
        ("12", f"--method PATCH repos/me/it/issues/comments/12 {comment}"),
    ):
        (temp / "known").write_text(known)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in shared.items():
                patch.setenv(name, value)
            done = run("Comment on the pull request", project, **variables)
        assert (done.returncode, done.stderr) == (0, "")
        assert call in (temp / "calls").read_text()
    assert (temp / "cnnkit-diff.md.comment").read_text() == "<!-- cnnkit -->\n### `a.yaml`\n"
    # Once nothing is left to show, the old comment says so, and no new one is written.
    (temp / "cnnkit-diff.md").write_text("")
    for known, calls in (("12", 2), ("", 1)):
        (temp / "known").write_text(known)
        (temp / "calls").unlink()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in shared.items():
                patch.setenv(name, value)
            done = run("Comment on the pull request", project, **variables)
        assert (done.returncode, done.stderr) == (0, "")
        assert len((temp / "calls").read_text().splitlines()) == calls
        comment = (temp / "cnnkit-diff.md.comment").read_text()
        assert comment == "<!-- cnnkit -->\nNo spec is changed any more.\n"


def test_the_hook_checks_specs_and_passes_others_over(project: Path) -> None:
    [hook] = yaml.safe_load(HOOKS.read_text())
    assert hook["language"] == "python"
    program, *arguments = shlex.split(hook["entry"])
    assert program == "cnnkit"
    files = ["compose.yaml", "specs/a b.yaml"]
    command = [sys.executable, "-m", "cnnkit", *arguments, *files]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GITHUB_ACTIONS": ""}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "checked 1 spec: no findings\n")
