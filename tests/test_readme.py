"""The commands of the README and of pages like it are run again, and print what they show."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import cnnkit

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = (README, ROOT / "docs" / "exercises.md")
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(pattern: re.Pattern[str]) -> list[str]:
    return pattern.findall(README.read_text(encoding="utf-8"))


def printed(command: str) -> str:
    """What a command line prints: standard output, as in a pipe."""
    program, *arguments = shlex.split(command, comments=True)
    assert program == "cnnkit", f"the README runs {program}, which this test does not"
    environment = {**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    environment.pop("COLUMNS", None)
    run = subprocess.run(
        [sys.executable, "-m", "cnnkit", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout
    return run.stdout


def again(block: str) -> str:
    """A block with each command followed by what it prints now."""
    commands = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
    return "".join(f"$ {command}\n{printed(command)}" for command in commands)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_print_what_a_page_shows(page: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text(encoding="utf-8")
    renewed = CONSOLE.sub(lambda found: f"```console\n{again(found[1])}```", text)
    if request.config.getoption("--overwrite-golden"):
        page.write_text(renewed, encoding="utf-8", newline="\n")
    else:
        assert renewed == text


@pytest.mark.parametrize("text", blocks(YAML))
def test_specs_of_the_readme_are_sound(text: str) -> None:
    analysis = cnnkit.analyze(cnnkit.load(text))
    assert analysis.findings == ()


FRAGMENT = re.compile(r"^```yml\n((?:train|search):\n.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", blocks(FRAGMENT))
def test_sections_of_the_readme_are_sound(text: str) -> None:
    """A section stands in place of that of a spec; what is searched needs one that is."""
    name = text.partition(":")[0]
    shipped = "digits-search" if name == "search" else "digits"
    spec = (ROOT / "specs" / f"{shipped}.yaml").read_text(encoding="utf-8")
    whole = re.sub(rf"^{name}:\n(?:[ #].*\n|\n)*", text + "\n", spec, flags=re.MULTILINE)
    assert whole != spec
    assert cnnkit.analyze(cnnkit.load(whole)).findings == ()


def test_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    outcome = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_ci_runs_the_readmes_own_install_and_test_commands() -> None:
    readme = README.read_text(encoding="utf-8")
    line = next(line for line in readme.splitlines() if line.endswith("&& pytest"))
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert line in script


def test_every_kind_is_in_the_readme() -> None:
    from cnnkit.layers import KINDS

    text = README.read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []
