"""The commands of the README and of the documentation are run again, and print what is shown."""

from __future__ import annotations

import doctest
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

import cnnkit
from tests.cli.command import Run

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
# Their commands work in a folder of their own, in `test_docs.py`.
APART = {"own-images", "rare-disease", "segmentation", "several-inputs", "ten-commands"}
# Pages in another language show what those of the lecture do.
TRANSLATED = DOCS / "fr"
GENERATED = {"kinds", "rules", "commands", "zoo"}
WRITTEN = [
    README,
    *(page for page in sorted(DOCS.rglob("*.md")) if page.parent.name not in GENERATED),
]
PAGES = [page for page in WRITTEN if page.stem not in APART and page.parent != TRANSLATED]
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"^```ya?ml\n(# (\S+\.yaml)\n.*?)^```$", re.MULTILINE | re.DOTALL)
FRAGMENT = re.compile(r"^```yml\n((?:train:\n  data|search):.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def pages_with(pattern: re.Pattern[str], among: Sequence[Path] = PAGES) -> pytest.MarkDecorator:
    found = [page for page in among if pattern.search(read(page))]
    names = [page.relative_to(ROOT).as_posix() for page in found]
    return pytest.mark.parametrize("page", found, ids=names)


def printed(command: str, run: Run) -> str:
    """What a command line prints, as in a pipe."""
    program, *arguments = shlex.split(command, comments=True)
    assert program == "cnnkit", f"a page runs {program}, which this test does not"
    done = run(*arguments)
    assert done.code in (0, 1), done.err
    return done.out + done.err


def again(block: str, run: Run) -> str:
    """A block with each command followed by what it prints now."""
    commands = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
    return "".join(f"$ {command}\n{printed(command, run)}" for command in commands)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like that of the project, in which commands may write."""
    for name in ("specs", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pages_with(CONSOLE)
def test_commands_print_what_a_page_shows(
    page: Path, run: Run, request: pytest.FixtureRequest, folder: Path
) -> None:
    """Blocks of YAML that begin with the name of a file are that file."""
    text = read(page)
    for content, name in NAMED.findall(text):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    renewed = CONSOLE.sub(lambda found: f"```console\n{again(found[1], run)}```", text)
    if request.config.getoption("--overwrite-golden"):
        page.write_text(renewed, encoding="utf-8", newline="\n")
    else:
        assert renewed == text


FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (\d+\. )?", re.MULTILINE)


@pytest.mark.parametrize("page", sorted(TRANSLATED.glob("*.md")), ids=lambda page: page.stem)
def test_a_translation_shows_the_same(page: Path, request: pytest.FixtureRequest) -> None:
    """Headings and blocks are those of the English page, one after the other."""
    translated, original = read(page), read(DOCS / "lecture" / page.name)
    blocks = FENCED.findall(original)
    assert len(FENCED.findall(translated)) == len(blocks)
    assert HEADING.findall(translated) == HEADING.findall(original)
    if request.config.getoption("--overwrite-golden"):
        shown = iter(blocks)
        translated = FENCED.sub(lambda _: next(shown), translated)
        page.write_text(translated, encoding="utf-8", newline="\n")
    assert FENCED.findall(translated) == blocks


@pages_with(YAML)
def test_specs_of_a_page_are_sound(page: Path) -> None:
    for text in YAML.findall(read(page)):
        assert cnnkit.analyze(cnnkit.load(text)).findings == (), text


@pages_with(FRAGMENT)
def test_sections_of_a_page_are_sound(page: Path) -> None:
    """A section stands in place of that of a spec; what is searched needs one that is."""
    for text in FRAGMENT.findall(read(page)):
        name = text.partition(":")[0]
        shipped = "digits-search" if name == "search" else "digits"
        spec = (ROOT / "specs" / f"{shipped}.yaml").read_text(encoding="utf-8")
        whole = re.sub(rf"^{name}:\n(?:[ #].*\n|\n)*", text + "\n", spec, flags=re.MULTILINE)
        assert whole != spec
        assert cnnkit.analyze(cnnkit.load(whole)).findings == ()


@pages_with(re.compile(r"^>>> ", re.MULTILINE))
def test_python_of_a_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    outcome = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pages_with(LINK, WRITTEN)
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    """Those to generated pages lead to where the site has them."""
    for target in LINK.findall(read(page)):
        path = (page.parent / target).resolve()
        made = path.parent.name in GENERATED and path.is_relative_to(DOCS)
        assert made or path.exists(), target


def test_ci_runs_the_readmes_own_install_and_test_commands() -> None:
    line = next(line for line in read(README).splitlines() if line.endswith("&& pytest"))
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert line in script


def test_the_readme_is_what_a_newcomer_needs() -> None:
    """A newcomer reads no more than this, and it loads at once."""
    assert len(read(README).splitlines()) <= 250
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", read(README))
    assert len(pictures) == 3
    assert sum((ROOT / picture).stat().st_size for picture in pictures) < 300_000


def test_every_kind_is_in_the_reference() -> None:
    from cnnkit.layers import KINDS

    text = read(DOCS / "reference" / "specs.md")
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []


def test_every_command_is_in_the_reference() -> None:
    from cnnkit.cli import COMMANDS

    text = read(DOCS / "reference" / "commands.md")
    assert [name for name in COMMANDS if f"`cnnkit {name}" not in text] == []


def test_every_public_name_is_in_the_reference() -> None:
    told = re.findall(
        r"^\.\. auto\w+:: cnnkit\.(\w+)$", read(DOCS / "reference/python.md"), re.MULTILINE
    )
    assert sorted([*told, "__version__"]) == sorted(cnnkit.__all__)


def test_the_slides_have_every_spec_of_the_lecture() -> None:
    specs = [path.name for path in sorted((ROOT / "specs" / "lectures").glob("*.yaml"))]
    for page in (DOCS / "lecture" / "slides.md", DOCS / "fr" / "slides.md"):
        assert [name for name in specs if name not in read(page)] == []
