"""The door: paths, texts and plain data in; a spec, or what is wrong with it, out."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from types import MappingProxyType

import pytest

import cnnkit
from cnnkit.errors import Finding, SpecError, UsageError
from cnnkit.spec.reading import Reading, read, read_from_text, read_input
from tests.spec.marked import only

TEXT = "input: 8x8x1\nlayers: [{conv: {filters: 2, kernel: 3}}]\n"
DATA = {"input": "8x8x1", "layers": [{"conv": {"filters": 2, "kernel": 3}}]}


def test_a_path_a_text_and_plain_data_give_the_same_spec(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(TEXT, encoding="utf-8")
    expected = cnnkit.load(DATA)
    assert cnnkit.load(path) == expected
    assert cnnkit.load(str(path)) == expected
    assert cnnkit.load(TEXT) == expected
    assert cnnkit.load(json.dumps(DATA)) == expected
    assert cnnkit.load(json.dumps(DATA, indent=2)) == expected
    assert cnnkit.load(MappingProxyType(DATA)) == expected


@pytest.mark.parametrize("text", ["{}", " {input: 8}", "input:\n", "input: 8", "layers:", ""])
def test_what_is_taken_for_a_text(text: str) -> None:
    with pytest.raises(SpecError):
        cnnkit.load(text)


@pytest.mark.parametrize("path", ["nope.yaml", "C:/nope.yaml", "a:b", "layers", "a" * 5000, "a\0b"])
def test_what_is_taken_for_a_path(path: str) -> None:
    with pytest.raises(UsageError) as error:
        cnnkit.load(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 100


def test_a_missing_file_is_named() -> None:
    with pytest.raises(UsageError, match=r"^there is no file nope\.yaml$"):
        cnnkit.load("nope.yaml")
    with pytest.raises(UsageError, match=r"^cannot read a{39}…: File name too long$"):
        cnnkit.load("a" * 5000)


def test_a_folder_and_a_link_to_nothing_are_findings(tmp_path: Path) -> None:
    assert only(list(read(tmp_path).findings)).message == f"`{tmp_path}` is a folder"
    link = tmp_path / "link.yaml"
    link.symlink_to(tmp_path / "nothing")
    assert only(list(read(link).findings)).rule == "unreadable-file"


def test_what_is_no_text_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"input: 8\nname: caf\xe9\n")
    reading = read(path)
    assert reading.spec is None
    assert only(list(reading.findings)).rule == "unreadable-file"
    with pytest.raises(SpecError):
        cnnkit.load(path)


@pytest.mark.skipif(sys.platform == "win32", reason="names are Unicode there")
def test_a_name_that_is_not_unicode(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.yaml")
    Path(path).write_text(TEXT, encoding="utf-8")
    assert cnnkit.load(path) == cnnkit.load(DATA)


def test_faults_are_raised_together() -> None:
    with pytest.raises(SpecError) as error:
        cnnkit.load("input: 8\nlayers: [rellu, {conv: {filters: 3}}]")
    rules = [finding.rule for finding in error.value.findings]
    assert rules == ["unknown-kind", "missing-field"]
    assert str(error.value) == (
        "<text>:2:10: there is no kind `rellu`  [unknown-kind] (help: did you mean `relu`?)\n"
        "<text>:2:18: `conv` needs `kernel`: extent of the filter, one number or one an axis  "
        "[missing-field] (help: add `kernel: …`, a whole number above 0, or a list of one for "
        "each axis)"
    )


def test_faults_of_plain_data_have_no_place() -> None:
    with pytest.raises(SpecError) as error:
        cnnkit.load({"input": "8", "layers": ["relu", "rellu"]})
    finding = only(list(error.value.findings))
    assert finding.location is None
    assert finding.path == "layers.1"
    assert str(error.value).startswith("there is no kind `rellu`")


def test_geometry_is_not_the_readers_business() -> None:
    spec = cnnkit.load("input: 8x8x1\nlayers: [{conv: {filters: 2, kernel: 3, stride: 2}}]")
    assert only(list(cnnkit.analyze(spec).findings)).rule == "invalid-stride"


def test_a_warning_is_no_fault() -> None:
    assert cnnkit.load("input: 8\nlayers: []").origin.findings[0].rule == "no-layers"


def test_the_origin_of_a_spec(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(TEXT, encoding="utf-8")
    assert cnnkit.load(path).origin.file == str(path)
    assert cnnkit.load(TEXT).origin.file is None
    assert cnnkit.Spec(input="8", layers=[]).origin.document is None


def test_standard_input() -> None:
    assert read_input(io.BytesIO(TEXT.encode())).spec == cnnkit.load(DATA)
    broken = read_input(io.BytesIO(b"layers: [rellu]"))
    assert str(broken.findings[0].location) == "<stdin>:1:1"
    assert read_input(io.BytesIO(b"\xef\xbb\xbf" + TEXT.encode()), ["name=x"]).spec is not None
    large = read_input(io.BytesIO(b" " * (16 * 1024**2 + 1)))
    assert only(list(large.findings)).rule == "too-large"


def test_findings_come_in_the_order_of_the_source() -> None:
    text = "budget: 5\ninput: 0\nlayers: [{conv: {colour: 1, filters: 1}}, rellu]\nname: [x]"
    places = [
        (finding.location.line, finding.location.column)
        for finding in read_from_text(text, "x").findings
        if finding.location
    ]
    assert len(places) == 6
    assert places == sorted(places)


def test_reading_again_gives_an_equal_spec() -> None:
    one, other = cnnkit.load(TEXT), cnnkit.load(TEXT.replace(": ", ":  "))
    assert one == other
    assert one.layers[0].place != other.layers[0].place


REST = "layers: [relu]\n"


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ('input: "$(null)"\n', 8),
        ('input: [8, "$(null)"]\n', 12),
        ('input: "$(None if 1 < 2 else 8)"\n', 8),
        ('name: "$(null)"\ninput: 8\n', 7),
        ('rounding: "$(null)"\ninput: 8\n', 11),
        ('expect: {parameters: "$(null)"}\ninput: 8\n', 22),
        ('budget: {macs: "$(null)"}\ninput: 8\n', 16),
        ('rules: {ignore: "$(null)"}\ninput: 8\n', 17),
    ],
)
def test_an_expression_that_gives_null_is_no_value_of_a_section(text: str, column: int) -> None:
    finding = only(list(read_from_text(text + REST, "a.yaml").findings))
    expression = text.split('"')[1]
    assert finding.message == f"`{expression}` gives null, which says nothing here"
    assert finding.help == "let the expression give a value, or leave the key out"
    assert (finding.rule, finding.level, str(finding.location)) == (
        "wrong-value",
        "error",
        f"a.yaml:1:{column}",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('layers: "$(null)"', '`layers` is "$(null)", not a list of layers'),
        ('layers: ["$(null)"]', "null is no kind of layer"),
        ('layers: [{when: "$(null)", relu: {}}]', "`when` is null, not true or false"),
        ('layers: [{name: "$(null)", relu: {}}]', "`name` cannot be null"),
        ('layers: [{dense: {units: "$(null)"}}]', "`units` cannot be null"),
        ('layers: [{repeat: {times: "$(null)", layers: [relu]}}]', "`times` cannot be null"),
        ('layers: [relu]\ntrain: "$(null)"', '`train` is "$(null)", not a mapping'),
        ('layers: [relu]\ntrain: {data: digits, loss: "$(null)"}', "null is no loss"),
    ],
)
def test_null_where_a_value_is_needed(text: str, message: str) -> None:
    reading = read_from_text(f"input: 8\n{text}\n", "a.yaml")
    assert message in [finding.message for finding in reading.findings]


def test_there_is_a_spec_or_an_error_by_construction() -> None:
    finding = only(list(Reading.of(None, []).findings))
    assert (finding.level, finding.message) == (
        "error",
        "there is no spec in it: it gives no `input`",
    )
    note = Finding("no-layers", "warning", "a note")
    assert [each.level for each in Reading.of(None, [note]).findings] == ["warning", "error"]
