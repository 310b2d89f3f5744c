from __future__ import annotations

import os
from pathlib import Path

import pytest

from cnnkit.checking.configuration import Configurations
from cnnkit.checking.discovery import discover
from cnnkit.errors import UsageError
from tests.checking.checked import FINE, Check, Write

COMPOSE = "services:\n  web:\n    image: nginx\n    extends: {file: base.yaml}\n"
OTHERS = {
    "docker-compose.yml": COMPOSE,
    "ci.yaml": "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n",
    "package.json": '{"name": "x", "scripts": {}}',
    "tsconfig.json": '{"extends": "./base.json", "compilerOptions": {}}',
    "eslint.json": '{"extends": "standard", "rules": {}}',
    "renovate.json": '{"extends": ["config:base"]}',
    "keras.json": '{"class_name": "Sequential", "config": {"layers": []}}',
    "network.yaml": "layers: {0: neck, 1: head}\n",
    "list.yaml": "- layers\n- input\n",
    "scalar.yaml": "layers\n",
    "helm.yaml": "{{- if .Values.on }}\nkind: Pod\n{{- end }}\n",
    "latin.yaml": "services: {}\n# \xe9t\xe9\n",
    "comment.yaml": "# nothing yet\n",
}


def found(*paths: str, specs_only: bool = False) -> list[str]:
    discovery = discover(paths, Configurations(), specs_only=specs_only)
    assert not discovery.findings
    return [candidate.name for candidate in discovery.candidates]


def test_a_folder_is_searched_in_the_order_of_names(write: Write) -> None:
    for name in ("b.yaml", "a/z.yml", "a/c.json", "c.yaml", "notes.txt", "A.YAML"):
        write(name)
    assert found(".") == ["A.YAML", "a/c.json", "a/z.yml", "b.yaml", "c.yaml"]
    assert found("a") == ["a/c.json", "a/z.yml"]
    assert found("./a/") == ["./a/c.json", "./a/z.yml"]


@pytest.mark.parametrize(
    "name", [".hidden/a.yaml", ".b.yaml", "node_modules/a.yaml", ".venv/a.yaml", "x/.git/a.yaml"]
)
def test_what_belongs_to_tools_is_not_searched(name: str, write: Write) -> None:
    write(name)
    assert found(".") == []


def test_a_virtual_environment_of_any_name_is_not_searched(write: Write) -> None:
    write("env/lib/a.yaml")
    write("env/pyvenv.cfg", "home = /usr/bin\n")
    assert found(".") == []


def test_a_hidden_folder_that_is_named_is_searched(write: Write) -> None:
    write(".hidden/a.yaml")
    assert found(".hidden") == [".hidden/a.yaml"]


def test_a_file_is_found_once_however_often_it_is_named(write: Write) -> None:
    path = write("specs/a.yaml")
    assert found("specs", "specs/a.yaml", "./specs/a.yaml", str(path), "specs") == ["specs/a.yaml"]


def test_a_link_to_a_file_is_the_file(write: Write) -> None:
    write("a.yaml")
    Path("b.yaml").symlink_to("a.yaml")
    assert found(".") == ["a.yaml"]


def test_links_that_lead_round_end(write: Write) -> None:
    write("a/b/spec.yaml")
    Path("a/b/up").symlink_to("..", target_is_directory=True)
    Path("a/b/self").symlink_to(".", target_is_directory=True)
    Path("again").symlink_to("a", target_is_directory=True)
    assert found(".") == ["a/b/spec.yaml"]


def test_a_folder_behind_a_link_is_searched(write: Write, tmp_path: Path) -> None:
    write("real/spec.yaml")
    Path("specs").mkdir()
    Path("specs/linked").symlink_to("../real", target_is_directory=True)
    assert found("specs") == ["specs/linked/spec.yaml"]


def test_a_pipe_in_a_folder_is_not_opened(write: Write) -> None:
    write("a.yaml")
    os.mkfifo("b.yaml")
    assert found(".") == ["a.yaml"]


def test_a_pattern_is_read_as_a_shell_does(write: Write) -> None:
    for name in ("a.yaml", "b.json", "sub/c.yaml", "sub/deep/d.yaml", "x[1].yaml"):
        write(name)
    assert found("*.yaml") == ["a.yaml", "x[1].yaml"]
    assert found("**/*.yaml") == ["a.yaml", "sub/c.yaml", "sub/deep/d.yaml", "x[1].yaml"]
    assert found("su*") == ["sub/c.yaml", "sub/deep/d.yaml"]
    assert found("[ab].*") == ["a.yaml", "b.json"]
    assert found("x[1].yaml") == ["x[1].yaml"], "a file of that name is no pattern"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("xyz", "there is no file or folder xyz"),
        ("spec.yml", "there is no file or folder spec.yml; did you mean spec.yaml?"),
        ("away/a.yaml", "there is no file or folder away/a.yaml"),
        ("*.toml", "no file matches *.toml"),
    ],
)
def test_a_path_that_leads_nowhere_is_wrong_usage(path: str, message: str, write: Write) -> None:
    write("spec.yaml")
    with pytest.raises(UsageError) as raised:
        found(path)
    assert str(raised.value) == message


def test_other_files_of_a_folder_are_passed_over_in_silence(write: Write, check: Check) -> None:
    for name, text in OTHERS.items():
        write(name, text)
    Path("latin.yaml").write_bytes(OTHERS["latin.yaml"].encode("latin-1"))
    assert check(".") == []
    assert check(*OTHERS, specs_only=True) == []


@pytest.mark.parametrize("name", sorted(OTHERS.keys() - {"comment.yaml"}))
def test_a_file_that_is_named_is_checked_whatever_it_is(
    name: str, write: Write, check: Check
) -> None:
    write(name, OTHERS[name])
    [result] = check(name)
    assert not result.ok


@pytest.mark.parametrize(
    "text",
    [
        FINE,
        "extends: base.yaml\nlayers: []\n",
        "extends: base.yaml\nvariables: {width: 8}\n",
        "cnnkit: 1\n",
        '{"input": [8, 8, 3], "layers": ["relu"]}',
        "\ufeff" + FINE,
        FINE.replace("\n", "\r\n"),
        FINE.replace("\n", "\r"),
        "{input: 8x8x3, layers: [relu]}",
        "{input: 8x8x3, layers: [relu",
        FINE + "  - conv: {filters\n",
        "input: 8x8x3\nlayers:\n\t- relu\n",
    ],
)
def test_a_spec_is_found_right_or_broken(text: str, write: Write, check: Check) -> None:
    write("base.yaml", FINE)
    write("sub/spec.yaml", text)
    assert [result.file for result in check("sub")] == ["sub/spec.yaml"]


def test_a_file_that_is_found_and_named_is_named(write: Write, check: Check) -> None:
    write("other.yaml", COMPOSE)
    assert check(".") == []
    assert [result.ok for result in check(".", "other.yaml")] == [False]


def test_excluded_files_are_checked_only_where_they_are_named(write: Write, check: Check) -> None:
    write("cnnkit.toml", 'exclude = ["old", "data/*.json", "*.gen.yaml"]')
    for name in ("a.yaml", "old/a.yaml", "sub/old/b.yaml", "data/c.json", "d.gen.yaml"):
        write(name)
    assert [result.file for result in check(".")] == ["a.yaml"]
    assert [result.file for result in check("old/a.yaml")] == ["old/a.yaml"]
    assert check("old/a.yaml", "d.gen.yaml", specs_only=True) == []


def test_a_folder_that_cannot_be_searched_is_a_finding(
    write: Write, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.yaml")
    write("locked/b.yaml")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    locked, fine = check(".")
    [finding] = locked.findings
    assert finding.message == "the folder `locked` cannot be searched: Permission denied"
    assert fine.ok
