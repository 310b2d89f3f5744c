"""`cnnkit new`: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cnnkit import templates
from tests.cli.command import Run, runner


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capfd)


def read(name: str) -> str:
    return Path(name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", templates.names())
def test_writes_a_template_that_checks(run: Run, name: str) -> None:
    assert run("new", "spec.yaml", "--template", name).code == 0
    assert read("spec.yaml") == templates.text(name)
    assert run("check", "--strict", "spec.yaml").code == 0


def test_says_what_it_wrote_and_what_comes_next(run: Run) -> None:
    done = run("new", "my net.yaml")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"wrote my net.yaml: {templates.summary('minimal')}",
        "next: cnnkit analyze 'my net.yaml'",
    ]


def test_lists_the_templates(run: Run) -> None:
    done = run("new", "--list")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == list(templates.names())
    assert "signal-1d  A classifier of signals" in done.out
    assert not list(Path().iterdir())


def test_writes_over_a_file_only_if_told_to(run: Run) -> None:
    Path("spec.yaml").write_text("mine", encoding="utf-8")
    done = run("new", "spec.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.err == "cnnkit: spec.yaml exists; --force writes over it\n"
    assert read("spec.yaml") == "mine"
    assert run("new", "spec.yaml", "--force").code == 0
    assert read("spec.yaml") == templates.text("minimal")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["specs/mine.yaml"], "there is no folder specs: make it first"),
        ([".", "--force"], ". is a folder: name a file in it, such as network.yaml"),
        (["a.yaml", "-t", "u_net"], "there is no template u_net; did you mean u-net?"),
        (["a.yaml", "-t", "../x"], f"there is no template ../x; there are {templates.names()[0]}"),
        (["-t", "vgg"], "name the file to write, such as: cnnkit new network.yaml"),
    ],
)
def test_a_wrong_call_leaves_no_file(run: Run, arguments: list[str], said: str) -> None:
    done = run("new", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"cnnkit: {said}")
    assert not list(Path().iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_closed(run: Run) -> None:
    Path("closed").mkdir(mode=0o500)
    done = run("new", "closed/a.yaml")
    assert done.code == 2
    assert done.err == "cnnkit: closed/a.yaml cannot be written: Permission denied\n"


def test_no_arguments_show_the_help(run: Run) -> None:
    done = run("new")
    assert done.code == 2
    assert "Example: cnnkit new lenet.yaml --template lenet" in done.out + done.err
