"""Reading texts, files and plain data: places, budgets, and that nothing ever raises."""

import json
import os
import threading
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnkit.errors import Finding, Location
from cnnkit.spec.text import source as source_module
from cnnkit.spec.text.plain import node_of
from cnnkit.spec.text.source import Source, YamlNode, read_file, read_text

SPEC = """\
name: lenet
layers:
  - conv: {filters: 6, kernel: [5, 5]}  # a comment
  - flatten

# the end
"""


@pytest.fixture(params=["C", "Python"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Python":
        monkeypatch.setattr(source_module, "_Parser", yaml.SafeLoader)


def tree(text: str) -> YamlNode:
    node, findings = read_text(text, "spec.yaml")
    assert findings == []
    assert node is not None
    return node


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    assert findings[0].level == "error"
    return findings[0]


def span(location: Location | None) -> tuple[int, int, int, int]:
    assert location is not None
    return location.line, location.column, location.end_line, location.end_column


def inner(node: YamlNode, *path: str | int) -> YamlNode:
    for step in path:
        assert isinstance(node.value, dict | list)
        node = node.value[step]  # type: ignore[index]
    return node


@pytest.mark.usefixtures("_parser")
def test_every_value_and_key_knows_its_place() -> None:
    root = tree(SPEC)
    assert root.plain() == {
        "name": "lenet",
        "layers": [{"conv": {"filters": 6, "kernel": [5, 5]}}, "flatten"],
    }
    assert span(root.location()) == (1, 1, 4, 12)  # not to where the parser looked for more
    assert span(inner(root, "name").location()) == (1, 7, 1, 12)
    assert span(inner(root, "layers").location()) == (3, 3, 4, 12)
    assert span(inner(root, "layers", 0, "conv").location()) == (3, 11, 3, 39)
    assert span(inner(root, "layers", 0, "conv").key_location("kernel")) == (3, 24, 3, 30)
    assert span(inner(root, "layers", 0, "conv", "kernel", 1).location()) == (3, 36, 3, 37)
    assert root.key_location("nothing") is None
    location = inner(root, "layers", 1).location()
    assert location == Location("spec.yaml", 4, 5, 4, 12, "  - flatten")


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"])
def test_lines_are_counted_as_the_parser_counts_them(line_break: str) -> None:
    text = line_break.join(["a: é😀", "b: [1,", "  2]", "'c d': x", ""])
    root = tree(text)
    assert span(inner(root, "b").location()) == (2, 4, 3, 5)
    location = inner(root, "c d").location()
    assert location == Location("spec.yaml", 4, 8, 4, 9, "'c d': x")
    assert span(inner(root, "a").location()) == (1, 4, 1, 6)  # characters, not bytes


def test_a_form_feed_is_no_line_break() -> None:
    finding = only(read_text("a: 1\nb: x\x0cy\n", "spec.yaml")[1])
    assert finding.message == "the control character U+000C is not allowed in YAML"
    assert finding.help == 'remove it, or write it as "\\x0c" in double quotes'
    assert finding.location == Location("spec.yaml", 2, 5, 2, 6, "b: x\x0cy")


def test_an_empty_value_stands_after_its_key() -> None:
    assert span(inner(tree("a:\nb: 1"), "a").location()) == (1, 3, 1, 3)


@pytest.mark.usefixtures("_parser")
def test_an_alias_shares_the_node_of_its_anchor() -> None:
    root = tree("a: &x {k: 1}\nb: [*x, *x]\n&name c: &v 1\nd: *name\ne: {*name : *v}\n")
    assert inner(root, "b", 0) is inner(root, "a")
    plain = {"a": {"k": 1}, "b": [{"k": 1}, {"k": 1}], "c": 1, "d": "c", "e": {"c": 1}}
    assert root.plain() == plain
    assert span(inner(root, "b", 1).location()) == (1, 4, 1, 13)
    assert span(inner(root, "e").key_location("c")) == (5, 5, 5, 10)


def test_a_changed_copy_keeps_its_place() -> None:
    node = inner(tree("a: {b: 1}"), "a")
    changed = node.with_value({**node.value, "c": node})  # type: ignore[dict-item]
    assert changed.plain() == {"b": 1, "c": {"b": 1}}
    assert changed.location() == node.location()
    assert changed.key_location("b") == node.key_location("b")
    assert repr(changed) == "YamlNode({'b': 1, 'c': {'b': 1}}, spec.yaml:1:4)"


# JSON


@pytest.mark.usefixtures("_parser")
def test_surrogate_pairs_and_tabs_of_json_leave_all_columns_right() -> None:
    text = '{"a\\\\ud83d":\t"\\ud83d\\ude00 \\/ \\\\",\n\t"b": [1e5, -0, null]}'
    root = tree(text)
    assert root.plain() == json.loads(text)
    assert span(inner(root, "a\\ud83d").location()) == (1, 14, 1, 34)
    assert span(inner(root, "b", 0).location()) == (2, 8, 2, 11)


@pytest.mark.usefixtures("_parser")
def test_half_a_surrogate_pair_is_a_fault_at_its_string() -> None:
    node, findings = read_text('{"a": "x", "b": "\\ud83d!"}', "spec.json")
    assert node is not None
    assert node.plain() == {"a": "x", "b": "?!"}
    finding = only(findings)
    message = "`\\ud83d` is one half of a surrogate pair, and the other half is missing"
    assert (finding.rule, finding.message) == ("syntax", message)
    assert span(finding.location) == (1, 17, 1, 26)


# The characters that JSON takes raw in a string, and YAML not or as a line break.
_RAW = st.characters(codec="utf-8", exclude_characters="\x7f")
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40) + 1, 10**40 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(_RAW),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(_RAW, max_size=20), inside),
    max_leaves=20,
)


@settings(deadline=None)
@given(_JSON, st.sampled_from([None, 1, "\t"]))
def test_json_reads_as_json_says(data: object, indent: int | str | None) -> None:
    node, findings = read_text(json.dumps(data, indent=indent), "spec.json")
    assert findings == []
    assert node is not None
    assert node.plain() == data
    assert node_of(data).plain() == data


# Nothing raises


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("ab:,-?&*!|>'\"%@`#{}[]()$<~.0123e \n\t\r\\\ud83d\x00\u2028\ufeff")))
def test_no_text_raises(text: str) -> None:
    node, findings = read_text(text, "spec.yaml")
    assert node is not None or findings
    for finding in findings:
        assert finding.message
        assert finding.location is not None
        assert finding.location.line <= len(Source("", text).lines)
    if node is not None:
        node.plain()


@settings(deadline=None)
@given(data=st.binary() | st.text().map(lambda text: text.encode("utf-16")))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(data)
    node, findings = read_file(path)
    assert node is not None or findings


# Files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_file_of_any_unicode_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes("k: é\n".encode(encoding))
    node, findings = read_file(path, "shown.yaml")
    assert findings == []
    assert node is not None
    assert inner(node, "k").location() == Location("shown.yaml", 1, 4, 1, 5, "k: é")


@pytest.mark.parametrize(
    ("data", "message", "place"),
    [
        (
            b"\xef\xbb\xbfa: 1\nb\xc3\xa9: caf\xe9\n",
            "byte 16 (0xe9) is not UTF-8 text: this looks like Latin-1 or Windows-1252",
            (2, 8, 2, 9),
        ),
        (
            "a: 1".encode("utf-16-le"),
            "byte 1 (0x00) is not UTF-8 text: this looks like UTF-16 without a byte order mark",
            (1, 2, 1, 3),
        ),
        (
            b"a: 1\nb: \0",
            "byte 8 (0x00) is not UTF-8 text: this looks like binary data",
            (2, 4, 2, 5),
        ),
        (
            b"\x89PNG\r\n\x1a\n",
            "byte 0 (0x89) is not UTF-8 text: this looks like a PNG image",
            (1, 1, 1, 2),
        ),
        (b"\xff\xfea", "byte 2 (0x61) is not UTF-16-LE text: the file is damaged", (1, 1, 1, 1)),
    ],
)
def test_a_file_that_is_no_text(
    tmp_path: Path, data: bytes, message: str, place: tuple[int, int, int, int]
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(data)
    finding = only(read_file(path)[1])
    assert (finding.rule, finding.message) == ("unreadable-file", message)
    assert finding.help == "a spec is text in UTF-8: save it in that encoding"
    assert span(finding.location) == place


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "lenet.yaml").touch()
    missing = tmp_path / "lenet.yml"
    finding = only(read_file(missing)[1])
    assert finding.rule == "unreadable-file"
    assert finding.message == f"there is no file `{missing}`"
    assert finding.help == f"did you mean `{tmp_path / 'lenet.yaml'}`?"
    assert finding.location == Location(str(missing), 1, 1, 1, 1)

    finding = only(read_file(tmp_path / "none" / "x.yaml", "x.yaml")[1])
    assert finding.help == f"there is no folder `{tmp_path / 'none'}` to read from"
    assert only(read_file(tmp_path, "here")[1]).message == "`here` is a folder"
    assert only(read_file(Path("a\0b"), "x")[1]).message == "`x` cannot be read: embedded null byte"


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # the tests may run as a user who may read all
    finding = only(read_file(tmp_path / "spec.yaml", "spec.yaml")[1])
    assert finding.message == "`spec.yaml` may not be read: permission denied"


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    finding = only(read_file(path)[1])
    assert finding.rule == "too-large"
    assert finding.message == "the file is 50,000,000 bytes long; the limit is 16,777,216"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices here")
def test_an_endless_device_is_read_only_up_to_the_limit() -> None:
    finding = only(read_file(Path("/dev/zero"))[1])
    message = "the file is more than 16,777,216 bytes long; the limit is 16,777,216"
    assert (finding.rule, finding.message) == ("too-large", message)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("a: 1",))
    writer.start()
    node, _ = read_file(pipe)
    writer.join()
    assert node is not None
    assert node.plain() == {"a": 1}
