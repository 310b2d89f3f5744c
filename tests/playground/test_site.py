"""The folder of the page, and the server of the loopback. What others made is stood in for."""

from __future__ import annotations

import http.client
import json
import lzma
import re
import threading
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from cnnkit.errors import MissingExtraError, UsageError
from cnnkit.layers import KINDS
from cnnkit.layers.kinds import DEPRECATED
from cnnkit.playground import shelf, site, vendor
from cnnkit.playground.language import words
from cnnkit.playground.server import server_of
from cnnkit.spec.model.spec import SECTIONS
from tests.cli.command import runner

PAGE = vendor.HOME / "web" / "site"


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of what is fetched."""
    home = tmp_path / "vendor"
    for name, text in {
        "pyodide/pyodide.mjs": "export {}",
        "pyodide/pyodide.asm.wasm": "wasm",
        "editor/crelt.js": "export {}",
        "editor.json": '{"crelt": "crelt.js"}',
        "licences/crelt.txt": "MIT",
        "stdlib/os.pyc": "bytes",
        "site/yaml/__init__.pyc": "bytes",
        "bytecode/errors.pyc": "compiled",
        "bytecode.json": json.dumps(
            {"errors.py": sha256((vendor.HOME.parent / "errors.py").read_bytes()).hexdigest()}
        ),
    }.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(site, "VENDOR", home)
    few = {name: vendor.HOME.parent / name for name in ("errors.py", "garbage.py")}
    monkeypatch.setattr(site, "modules", few.items)  # all of them take a while to compress
    return home


def test_the_folder_holds_all_that_the_page_loads(parts: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    site.write(folder, "input: 4")
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    manifest = json.loads((folder / site.MANIFEST).read_text())
    licences = {name for name in found if name.startswith("licences/")}
    assert {*manifest["files"], site.MANIFEST, *licences} == found
    assert {"index.html", "python.xz", "pyodide/python_stdlib.zip", "menu.json"} <= found
    assert json.loads((folder / "menu.json").read_text("utf-8"))["start"] == "input: 4"
    page = (folder / "index.html").read_text("utf-8")
    assert '{"imports": {"crelt": "./editor/crelt.js"}}' in page
    assert "@" not in page
    assert manifest["version"] in (folder / "service-worker.js").read_text("utf-8")
    with zipfile.ZipFile(folder / "pyodide" / "python_stdlib.zip") as library:
        assert library.namelist() == ["os.pyc"]


def test_bytecode_of_another_source_is_left_out(parts: Path, tmp_path: Path) -> None:
    site.write(tmp_path / "site")
    line, _, rest = lzma.decompress((tmp_path / "site" / "python.xz").read_bytes()).partition(b"\n")
    index = dict(json.loads(line))
    assert {"cnnkit/errors.pyc", "cnnkit/garbage.py", "yaml/__init__.pyc"} <= index.keys()
    assert "cnnkit/errors.py" not in index
    assert sum(index.values()) == len(rest)


def test_the_same_is_written_each_time(parts: Path, tmp_path: Path) -> None:
    versions = []
    for _ in range(2):
        site.write(tmp_path / "site")
        versions.append((tmp_path / "site" / site.MANIFEST).read_text())
    assert versions[0] == versions[1]


def test_a_folder_of_others_is_left_alone(parts: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="holds other files: name an empty folder"):
        site.write(tmp_path)
    (tmp_path / site.MANIFEST).write_text('{"files": ["thesis.txt"]}')  # one of another program
    with pytest.raises(UsageError, match="holds other files: name an empty folder"):
        site.write(tmp_path)
    (tmp_path / site.MANIFEST).unlink()
    with pytest.raises(UsageError, match=r"thesis\.txt is a file: name a folder"):
        site.write(tmp_path / "thesis.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.txt", "vendor"]


def test_a_checkout_without_the_parts_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(site, "VENDOR", tmp_path / "none")
    with pytest.raises(MissingExtraError, match=r"`python -m cnnkit\.playground\.vendor` fetches"):
        site.write(tmp_path / "site")
    done = runner(monkeypatch, capfd)("playground", "--output", str(tmp_path / "site"))
    assert done.code == 2
    assert done.err.startswith("cnnkit: this checkout lacks what others made of the playground: ")
    assert not (tmp_path / "site").exists()


def test_the_command_writes_the_folder(
    parts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    run = runner(monkeypatch, capfd)
    spec = tmp_path / "a.yaml"
    assert run("playground", str(spec)).err == (
        f"cnnkit: cannot read {spec}: No such file or directory\n"
    )
    spec.write_bytes(b"\xff")
    assert (
        run("playground", str(spec)).err == f"cnnkit: cannot read {spec}: it is no text in UTF-8\n"
    )
    spec.write_text("input: 4")
    folder = tmp_path / "site"
    done = run("playground", str(spec), "--output", str(folder))
    assert done.out == f"wrote {folder}: any web host can serve it, with index.html as its page\n"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    (tmp_path / "a.wasm").write_bytes(b"\0asm")
    with server_of(tmp_path, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[0], server.server_address[1]  # type: ignore[misc]
        server.shutdown()
        thread.join()


def test_the_server_is_for_this_machine_alone(address: tuple[str, int]) -> None:
    answers = []
    for host in ("localhost", "127.0.0.1", "evil.example"):
        connection = http.client.HTTPConnection(*address)
        connection.request("GET", "/a.wasm", headers={"Host": f"{host}:{address[1]}"})
        answer = connection.getresponse()
        answers.append((answer.status, answer.headers["Content-Type"].partition(";")[0]))
        connection.close()
    assert address[0] == "127.0.0.1"
    assert answers == [(200, "application/wasm"), (200, "application/wasm"), (403, "text/html")]


def test_a_port_that_is_taken_is_said(address: tuple[str, int], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"cannot listen at 127.0.0.1:{address[1]}: "):
        server_of(tmp_path, address[1])


def test_the_menu_has_templates_lectures_and_zoo() -> None:
    shelves = shelf.shelves()
    assert list(shelves) == ["templates", "lectures", "zoo"]
    for kind in ("lectures", "zoo"):
        files = {path.stem for path in (vendor.SPECS / kind).glob("*.yaml")}
        assert {entry["name"] for entry in shelves[kind]} == files
    assert all(entry["text"] for entries in shelves.values() for entry in entries)
    about = {entry["name"]: entry["about"] for entry in shelves["lectures"]}
    assert all(about.values())
    assert about["elu"].startswith("An ELU is x where x ≥ 0")  # by its `about:`
    assert about["dense-mnist"].startswith("A dense layer on a small grey image")  # by a comment


def test_the_editor_knows_every_word_of_the_language() -> None:
    known = words(["invalid-stride"])
    assert set(known["sections"]) == set(SECTIONS)
    assert set(known["kinds"]) == set(KINDS) - set(DEPRECATED)
    conv = known["kinds"]["conv"]
    assert conv["needs"] == ["filters", "kernel"]
    assert conv["fields"]["padding"]["about"].startswith("Cells added round the input.")
    assert {"valid", "same"} <= set(conv["fields"]["padding"]["values"])
    assert known["kinds"]["relu"]["needs"] == []
    assert known["sections"]["rules"]["fields"]["ignore"]["values"] == ["invalid-stride"]


def test_the_page_has_all_messages_in_both_languages() -> None:
    """Each key that a module says is in the table, and each entry has two texts."""
    table = (PAGE / "messages.js").read_text("utf-8")
    entries = re.findall(
        r'^  (\w+): \[\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)",?\s*\]', table, re.M
    )
    keys = {key for key, english, french in entries if english and french}
    said = set()
    for path in PAGE.glob("*.js"):
        said |= set(re.findall(r'\bsay\("(\w+)"', path.read_text("utf-8")))
    page = (PAGE / "index.html").read_text("utf-8")
    said |= set(re.findall(r'data-(?:say|label)="(\w+)"', page))
    assert len(keys) > 80
    assert said <= keys, said - keys


def test_the_page_names_no_other_host() -> None:
    for path in PAGE.iterdir():
        addresses = set(re.findall(r"https?://[\w.]+", path.read_text("utf-8")))
        assert addresses <= {"http://www.w3.org"}, path  # the name of a namespace


def test_the_page_lets_nothing_of_others_in() -> None:
    page = (PAGE / "index.html").read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'self' 'sha256-{site._HASH}'"
    assert rules["connect-src"] == "'self'"
