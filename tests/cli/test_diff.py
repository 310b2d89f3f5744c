"""`cnnkit diff`: files and git revisions, conditions, exit codes, and what is said where."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import Run, runner

OLD = """\
name: net
input: 8x8x1
layers:
  - conv: {filters: 4, kernel: 3}
  - relu
"""
NEW = OLD.replace("filters: 4", "filters: 5")
BASE = "input: 8x8x1\nvariables: {w: 4}\nlayers: [{conv: {filters: $w, kernel: 3}}]\n"
CHILD = "extends: parts/base.yaml\nvariables: {w: 6}\n"


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("old.yaml").write_text(OLD)
    Path("new.yaml").write_text(NEW)
    return runner(monkeypatch, capfd)


@pytest.fixture
def history(run: Run) -> Run:
    """A repository: `specs/net.yaml` grew by a filter, `specs/child.yaml` extends another."""
    git("init", "-q", "-b", "main")
    Path("specs/parts").mkdir(parents=True)
    Path("specs/net.yaml").write_text(OLD)
    Path("specs/child.yaml").write_text(CHILD)
    Path("specs/parts/base.yaml").write_text(BASE)
    Path("specs/broken.yaml").write_text("input: [1\n")
    Path("specs/outside.yaml").write_text("extends: ../../old.yaml\n")
    Path("specs/sister.yaml").write_text("extends: ../old.yaml\n")
    git("add", "-A")
    git("commit", "-qm", "first")
    Path("specs/net.yaml").write_text(NEW)
    Path("specs/parts/base.yaml").write_text(BASE.replace("kernel: 3", "kernel: 5"))
    git("commit", "-qam", "second")
    return run


def document(run: Run, *arguments: str) -> dict[str, object]:
    done = run("diff", *arguments, "--format", "json")
    assert done.err == ""
    loaded: dict[str, object] = json.loads(done.out)
    return loaded


def totals(document: dict[str, object], name: str = "parameters") -> tuple[int, int]:
    figures = document["totals"]
    assert isinstance(figures, dict)
    return figures[name]["old"], figures[name]["new"]


def test_two_files(run: Run) -> None:
    done = run("diff", "old.yaml", "new.yaml")
    assert (done.code, done.err) == (0, "")
    assert "net  parameters +25.0 %, MACs +25.0 %" in done.out
    assert "filters 4 → 5" in done.out
    assert "2 layers changed" in done.out


def test_the_same_twice(run: Run) -> None:
    done = run("diff", "old.yaml", "old.yaml")
    assert done.code == 0
    assert "no difference" in done.out
    assert "Δ parameters" not in done.out
    assert "Δ parameters" in run("diff", "old.yaml", "old.yaml", "--all").out


def test_a_condition_that_holds_fails(run: Run) -> None:
    conditions = ("--fail-if", "parameters > +20%", "--fail-if", "macs > 1M")
    done = run("diff", "old.yaml", "new.yaml", *conditions)
    assert done.code == 1
    assert done.out.endswith(
        "✗ fails: parameters > +20%  (40 → 50, +10)\n✓ passes: macs > 1M  (1,296 → 1,620, +324)\n"
    )
    assert run("diff", "new.yaml", "old.yaml", *conditions).code == 0


def test_a_condition_that_is_none(run: Run) -> None:
    done = run("diff", "old.yaml", "new.yaml", "--fail-if", "size > 1")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(
        "cnnkit: --fail-if: there is no total `size`; the totals are neurons"
    )


def test_values_are_set_in_both(run: Run) -> None:
    for name, width in (("a.yaml", 4), ("b.yaml", 5)):
        Path(name).write_text(BASE.replace("w: 4", f"w: {width}"))
    assert totals(document(run, "a.yaml", "b.yaml")) == (40, 50)
    assert totals(document(run, "a.yaml", "b.yaml", "--set", "variables.w=2")) == (20, 20)


def test_standard_input_is_one_side(run: Run) -> None:
    done = run("diff", "-", "new.yaml", stdin=OLD.encode())
    assert "filters 4 → 5" in done.out
    done = run("diff", "-", "-")
    assert done.code == 2
    assert done.err == "cnnkit: only one of both can be read from standard input\n"


def test_formats_and_files(run: Run) -> None:
    assert run("diff", "old.yaml", "new.yaml", "-o", "diff.md").out == ""
    assert Path("diff.md").read_text("utf-8").startswith("### net: parameters +25.0 %")
    run("diff", "old.yaml", "new.yaml", "-o", "diff.json")
    assert json.loads(Path("diff.json").read_text())["format"] == 1
    done = run("diff", "old.yaml", "new.yaml", "-o", "nowhere/diff.md")
    assert (done.code, done.err) == (
        2,
        "cnnkit: cannot write nowhere/diff.md: No such file or directory\n",
    )


def test_a_new_fault_fails_and_an_old_one_does_not(run: Run) -> None:
    Path("faulty.yaml").write_text(OLD.replace("kernel: 3", "kernel: 9"))
    done = run("diff", "old.yaml", "faulty.yaml")
    assert done.code == 1
    assert "net  an error leaves figures unknown" in done.out
    assert "output 6x6x4 → ?" in done.out
    assert "faulty.yaml:4:32: kernel 9 does not fit into the input of 8" in done.out
    assert "[window-too-large]" in done.out
    done = run("diff", "faulty.yaml", "old.yaml", "--fail-if", "macs > +1%")
    assert done.code == 0
    assert "? unknown: macs > +1%  (? → 1,296, ?)" in done.out
    assert run("diff", "faulty.yaml", "old.yaml", "--fail-if", "macs > 1").code == 1
    assert "gone: 1 error" in done.out


def test_a_side_that_cannot_be_read_is_a_finding(run: Run) -> None:
    Path("broken.yaml").write_text("input: [1\n")
    done = run("diff", "broken.yaml", "new.yaml", "--fail-if", "macs > 1")
    assert (done.code, done.err) == (1, "")
    assert "cannot be compared" in done.out
    assert "broken.yaml:1:8: " in done.out
    assert document(run, "broken.yaml", "new.yaml")["totals"] is None


def test_a_file_that_is_missing(run: Run) -> None:
    done = run("diff", "old.yaml", "gone.yaml")
    assert (done.code, done.out, done.err) == (2, "", "cnnkit: there is no file gone.yaml\n")


def test_a_revision(history: Run) -> None:
    found = document(history, "HEAD~1:specs/net.yaml", "specs/net.yaml")
    assert totals(found) == (40, 50)
    assert found["old"] == {
        "name": "net",
        "file": "HEAD~1:specs/net.yaml",
        "input": [8, 8, 1],
        "output": [6, 6, 4],
        "readable": True,
    }
    assert totals(document(history, "main:specs/net.yaml", "HEAD~1:specs/net.yaml")) == (50, 40)


def test_what_a_revision_extends_is_of_the_same_revision(history: Run) -> None:
    found = document(history, "HEAD~1:specs/child.yaml", "HEAD:specs/child.yaml")
    assert totals(found) == (60, 156)  # 6 filters of 3·3 and of 5·5, and their biases
    assert totals(document(history, "HEAD~1:specs/child.yaml", "specs/child.yaml")) == (60, 156)


def test_a_revision_extends_what_is_elsewhere_in_the_repository(
    history: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = document(history, "HEAD:specs/sister.yaml", "specs/sister.yaml")
    assert totals(found) == (40, 40)  # 4 filters of 3·3, and their biases
    monkeypatch.chdir("specs")
    assert totals(document(history, "HEAD:./sister.yaml", "sister.yaml")) == (40, 40)


def test_a_path_is_of_the_repository_and_with_a_dot_of_this_folder(
    history: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("specs")
    assert totals(document(history, "HEAD~1:specs/net.yaml", "net.yaml")) == (40, 50)
    assert totals(document(history, "HEAD~1:./net.yaml", "net.yaml")) == (40, 50)
    assert totals(document(history, "HEAD~1:./child.yaml", "child.yaml")) == (60, 156)


def test_findings_of_a_revision_name_it(history: Run) -> None:
    done = history("diff", "HEAD:specs/broken.yaml", "new.yaml")
    assert done.code == 1
    assert "HEAD:specs/broken.yaml:1:8: " in done.out
    done = history("diff", "HEAD:specs/outside.yaml", "new.yaml")
    assert "`extends: ../../old.yaml` leads out of the project's folder" in done.out


def test_a_file_of_that_name_wins(history: Run) -> None:
    Path("HEAD:specs").mkdir()
    Path("HEAD:specs/net.yaml").write_text(OLD)
    assert totals(document(history, "HEAD:specs/net.yaml", "new.yaml")) == (40, 50)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nope:specs/net.yaml", "there is no revision nope"),
        ("HEAD~9:specs/net.yaml", "there is no revision HEAD~9"),
        ("HEAD:specs/gone.yaml", "there is no file specs/gone.yaml in HEAD"),
        ("HEAD:specs", "there is no file specs in HEAD"),
        ("HEAD:../net.yaml", "there is no file ../net.yaml in HEAD"),
        ("HEAD^{tree}:specs/net.yaml", "there is no revision HEAD^{tree}"),
        (
            "--output=x:specs/net.yaml",
            "--output=x:specs/net.yaml: a revision does not begin with `-`",
        ),
    ],
)
def test_a_revision_or_file_that_is_not_there(history: Run, source: str, message: str) -> None:
    done = history("diff", "--", source, "new.yaml")
    assert (done.code, done.out, done.err) == (2, "", f"cnnkit: {message}\n")
    assert not Path("x").exists()


def test_no_repository_and_no_git(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    done = run("diff", "HEAD:a.yaml", "new.yaml")
    assert done.code == 2
    assert done.err == "cnnkit: there is no file and no git repository to read HEAD: from\n"
    monkeypatch.setenv("PATH", "")
    done = run("diff", "HEAD:a.yaml", "new.yaml")
    assert (done.code, done.err) == (2, "cnnkit: git cannot be run: No such file or directory\n")


def test_a_file_in_git_that_is_too_large(history: Run) -> None:
    Path("specs/large.yaml").write_text("# " + "x" * (16 * 2**20) + "\n" + OLD)
    git("add", "-A")
    git("commit", "-qm", "large")
    done = history("diff", "HEAD:specs/large.yaml", "new.yaml")
    assert done.code == 1
    assert "[too-large]" in done.out


def test_all_specs_of_a_folder_since_a_revision(history: Run) -> None:
    Path("specs/new.yaml").write_text(OLD)
    Path("specs/broken.yaml").unlink()
    Path("specs/sister.yaml").unlink()
    done = history("diff", "HEAD~1:", "specs", "--format", "json")
    found = [(each["file"], each["status"]) for each in json.loads(done.out)]
    assert found == [
        ("specs/child.yaml", "changed"),  # by what it extends
        ("specs/net.yaml", "changed"),
        ("specs/new.yaml", "new"),
        ("specs/parts/base.yaml", "changed"),
        ("specs/sister.yaml", "removed"),
    ]
    assert totals(json.loads(done.out)[1]["comparison"]) == (40, 50)


def test_the_folder_is_found_from_below(history: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("specs")
    done = history("diff", "HEAD~1:", "net.yaml")
    assert done.code == 0
    assert done.out.startswith("net.yaml\nnet  parameters +25.0 %")
    assert history("diff", "HEAD:", "net.yaml") == (0, "", "")


def test_conditions_hold_for_each_spec_since_a_revision(history: Run) -> None:
    assert history("diff", "HEAD~1:", "specs/net.yaml", "--fail-if", "parameters > +20%").code == 1
    assert history("diff", "HEAD~1:", "specs/net.yaml", "--fail-if", "parameters > +30%").code == 0


def test_what_is_no_revision_or_no_repository(run: Run) -> None:
    done = run("diff", "HEAD:", "new.yaml")
    assert (done.code, done.err) == (2, "cnnkit: there is no git repository here\n")
    git("init", "-q")
    done = run("diff", "nope:", "new.yaml")
    assert (done.code, done.err) == (2, "cnnkit: there is no revision nope\n")
