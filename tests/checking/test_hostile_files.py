"""A file that cannot be read, or is no text of a spec: one finding, and the others go on."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from cnnkit.checking import check as check_module
from tests.checking.checked import FAULTY, FINE, Check, Write, rules_of

FILES: dict[str, tuple[bytes, str, str]] = {
    "empty.yaml": (b"", "syntax", "this is empty"),
    "blank.yaml": (b" \n\n", "syntax", "this is empty"),
    "comments.yaml": (b"# layers:\n", "syntax", "only comments are in here"),
    "zeros.yaml": (bytes(4096), "unreadable-file", "is not UTF-8 text"),
    "image.yaml": (
        b"\x89PNG\r\n\x1a\n\0\0layers: input:",
        "unreadable-file",
        "this looks like a PNG image",
    ),
    "archive.json": (gzip.compress(FINE.encode(), mtime=0), "unreadable-file", "gzip data"),
    "latin-1.yaml": (
        f"# d\xe9j\xe0 vu\n{FINE}".encode("latin-1"),
        "unreadable-file",
        "this looks like Latin-1 or Windows-1252",
    ),
    "utf-16.yaml": (FINE.encode("utf-16-le"), "unreadable-file", "UTF-16 without a byte order"),
    "cut.yaml": (b"\xff\xfe" + FINE.encode("utf-16-le")[:-1], "unreadable-file", "is damaged"),
    "huge.yaml": (FINE.encode() + b"#" * 50_000_000, "too-large", "50,000,116 bytes long"),
    "cyclic.yaml": (b"input: 8x8x3\nlayers: &a [relu, *a]\n", "syntax", "stands inside what"),
    "all-cyclic.yaml": (b"&a {input: 8x8x3, layers: *a}\n", "syntax", "stands inside what"),
    "bomb.yaml": (
        b"input: 8x8x3\na: &a [0,0,0,0,0,0,0,0,0]\n"
        + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9))
                   for n in range(9))
        + b"layers: *j\n",
        "too-large",
        "the limit is",
    ),
    "deep.json": (b'{"input": 8, "layers": ' + b"[" * 9999, "too-large", "nested"),
    "broken.yaml": (FINE.encode() + b"  - conv: {filters: 3\n", "syntax", "never closed"),
    "two.yaml": (FINE.encode() + b"---\n" + FINE.encode(), "syntax", "second document"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_gives_one_clear_finding(name: str, write: Write, check: Check) -> None:
    data, rule, message = FILES[name]
    write(name, "")
    Path(name).write_bytes(data)
    [result] = check(name)
    [finding] = result.findings
    assert (finding.rule, finding.level) == (rule, "error")
    assert message in finding.message
    assert finding.location is not None
    assert finding.location.file == name


def test_the_others_go_on(write: Write, check: Check) -> None:
    for name, (data, _, _) in FILES.items():
        write(name, "")
        Path(name).write_bytes(data)
    write("a-first.yaml", FINE)
    write("z-last.yaml", FAULTY)
    # Comments alone are passed over in a folder: they may belong to any tool.
    found = {result.file: rules_of([result]) for result in check(".")}
    expected = {name: [rule] for name, (_, rule, _) in FILES.items() if name != "comments.yaml"}
    assert found == {**expected, "a-first.yaml": [], "z-last.yaml": ["invalid-stride"]}
    named = check("z-last.yaml", *FILES, "a-first.yaml")
    assert rules_of(named) == ["invalid-stride", *(rule for _, rule, _ in FILES.values())]


def test_a_file_that_vanishes_meanwhile_is_a_finding(
    write: Write, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        write(name)
    read = check_module.read

    def unlink_first(task: check_module.CheckTask) -> object:
        if task.name == "b.yaml":
            Path("b.yaml").unlink()
        return read(task)

    monkeypatch.setattr(check_module, "read", unlink_first)
    first, gone, last = check(".")
    assert first.ok
    assert last.ok
    [finding] = gone.findings
    assert finding.rule == "unreadable-file"
    assert finding.message == "there is no file `b.yaml`"


def test_a_file_that_may_not_be_read_is_a_finding(
    write: Write, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.yaml")
    write("b.yaml")
    opened = io.open

    def refuse(path: str | Path, *rest: object, **options: object) -> object:
        if Path(path).name == "a.yaml":
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(io, "open", refuse)  # which `Path` calls
    for results in (check("."), check("a.yaml", "b.yaml")):
        refused, fine = results
        assert fine.ok
        [finding] = refused.findings
        assert finding.rule == "unreadable-file"
        assert finding.message == "`a.yaml` may not be read: permission denied"


def test_a_link_to_nothing_is_a_finding(write: Write, check: Check) -> None:
    write("a.yaml")
    Path("b.yaml").symlink_to("gone.yaml")
    for results in (check("."), check("a.yaml", "b.yaml")):
        fine, broken = results
        assert fine.ok
        assert rules_of([broken]) == ["unreadable-file"]


def test_large_data_in_json_is_passed_over_in_a_folder(write: Write, check: Check) -> None:
    Path(write("a.json", "").name).write_bytes(b'{"images": [' + b"0," * 9_000_000 + b"0]}")
    assert check(".") == []
    assert rules_of(check("a.json")) == ["too-large"]


def test_no_finding_follows_from_a_fault_of_the_text(write: Write, check: Check) -> None:
    """`expect` of a spec whose layers cannot be read says nothing new."""
    write(
        "a.yaml",
        """\
        input: 8x8x3
        layers:
          - conv: {filter: 8, kernel: 3}
          - flatten
        expect: {parameters: 5, output: [5]}
        """,
    )
    assert rules_of(check()) == ["unknown-key"]
