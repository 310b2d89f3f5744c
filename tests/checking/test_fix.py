from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cnnkit import rules
from cnnkit.checking import fix
from cnnkit.checking.fix import edited
from cnnkit.errors import UsageError
from cnnkit.rules import Removal, Replacement
from tests.checking.checked import Check, Write, rules_of

SPEC = """\
# The head of the file.
input: 3x3x3
variables:
  width: 8   # of the convolution
  height: 9
blocks:
  # never used
  idle:
    layers:
      - relu
  unit:  # used
    layers:
      - conv: {filters: $width, kernel: 3}  # the only one
layers:
  - unit
  # what is done here
  - dropout: {rate: 0}
  - relu  # the end
"""
MENDED = """\
# The head of the file.
input: 3x3x3
variables:
  width: 8   # of the convolution
blocks:
  # never used
  unit:  # used
    layers:
      - conv: {filters: $width, kernel: 3}  # the only one
layers:
  - unit
  # what is done here
  - relu  # the end
"""


def test_lines_without_effect_are_deleted_and_comments_kept(write: Write, check: Check) -> None:
    path = write("a.yaml", SPEC)
    assert set(rules_of(check())) == {"unused-variable", "unused-block", "no-op-layer"}
    [result] = check(fix=True)
    assert result.findings == ()
    assert sorted(result.fixed) == [
        "fixed no-op-layer: removed line 17",
        "fixed unused-block: removed lines 8 to 10",
        "fixed unused-variable: removed line 5",
    ]
    assert path.read_text() == MENDED
    [again] = check(fix=True)
    assert again.fixed == ()


def test_what_only_a_deleted_line_used_goes_with_it(write: Write, check: Check) -> None:
    path = write(
        "a.yaml",
        """\
        input: 3x3x3
        variables:
          size: 3
          width: 8
        blocks:
          unit: {layers: [{conv: {filters: $width, kernel: 3}}]}
          idle: {layers: [{conv: {filters: 4, kernel: $size}}]}
        layers:
          - unit
        """,
    )
    [result] = check(fix=True)
    assert result.findings == ()
    assert "size" not in path.read_text()
    assert "width: 8" in path.read_text()


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_line_endings_and_encoding_stay(
    ending: str, encoding: str, write: Write, check: Check
) -> None:
    path = write("a.yaml", "")
    path.write_bytes((SPEC + "# größer").replace("\n", ending).encode(encoding))
    [result] = check(fix=True)
    assert result.fixed
    assert path.read_bytes() == (MENDED + "# größer").replace("\n", ending).encode(encoding)


def test_permissions_and_links_stay(write: Write, check: Check) -> None:
    path = write("real/a.yaml", SPEC)
    path.chmod(0o640)
    Path("link.yaml").symlink_to("real/a.yaml")
    [result] = check("link.yaml", fix=True)
    assert result.fixed
    assert Path("link.yaml").is_symlink()
    assert path.read_text() == MENDED
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in path.parent.iterdir()] == ["a.yaml"]


def test_what_is_ignored_or_expected_stays(write: Write, check: Check) -> None:
    path = write("a.yaml", SPEC.replace("height: 9", "height: 9 # cnnkit: ignore"))
    check(fix=True, ignore=("no-op-layer",))
    assert "height: 9" in path.read_text()
    assert "dropout" in path.read_text()
    assert "idle" not in path.read_text()
    expected = SPEC + "expect: {findings: [unused-variable, unused-block, no-op-layer]}\n"
    write("a.yaml", expected)
    check(fix=True)
    assert path.read_text() == expected


def test_a_spec_that_another_extends_stays(write: Write, check: Check) -> None:
    path = write("base.yaml", SPEC)
    write(
        "a.yaml", "extends: base.yaml\nlayers:\n  - idle\n  - conv: {filters: $height, kernel: 3}\n"
    )
    check(fix=True)
    assert path.read_text() == SPEC


def test_a_spec_with_other_errors_keeps_them(write: Write, check: Check) -> None:
    path = write("a.yaml", SPEC + "  - conv: {filters: 3, kernel: 3, stride: 2}\n")
    [result] = check(fix=True)
    assert "window-too-large" in rules_of([result])
    assert "idle" not in path.read_text()


def test_what_would_change_the_network_is_left(
    write: Write, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a.yaml", SPEC)

    def wrong(analysis: object, names: list[str]) -> list[Removal]:
        return [Removal(15, 15)] if "no-op-layer" in names else []

    monkeypatch.setattr(rules, "edits", wrong)
    [result] = check(fix=True)
    assert result.fixed == ("not fixed: it would be another network",)
    assert path.read_text() == SPEC


def test_a_file_that_was_changed_meanwhile_is_left(
    write: Write, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a.yaml", SPEC)
    replaced = fix._replace

    def late(target: Path, old: str, new: str) -> None:
        path.write_text("input: 3\n")
        replaced(target, old, new)

    monkeypatch.setattr(fix, "_replace", late)
    [result] = check(fix=True)
    assert result.fixed == ("not fixed: the file cannot be written: it was changed meanwhile",)
    assert path.read_text() == "input: 3\n"


def test_a_failure_on_the_way_leaves_the_file(
    write: Write, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a.yaml", SPEC)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    [result] = check(fix=True)
    assert result.fixed == ("not fixed: the file cannot be written: No space left on device",)
    assert path.read_text() == SPEC
    assert [each.name for each in path.parent.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize("rest", [{"overrides": ("variables.width=3",)}, {}])
def test_it_takes_neither_overrides_nor_standard_input(
    rest: dict[str, object], check: Check
) -> None:
    with pytest.raises(UsageError, match=r"^--fix edits files: it takes neither --set nor"):
        check("." if rest else "-", fix=True, **rest)


def test_all_line_breaks_of_yaml_count() -> None:
    text = "1\n2\r\n3\r4\x855\u20286\u20297"
    assert edited(text, [Removal(2, 3), Removal(5, 6)]) == "1\n4\x857"
    assert edited(text, [Removal(1, 7)]) == ""
    assert edited(text, []) == text


def test_parts_are_replaced_from_the_last_to_the_first() -> None:
    parts = [
        Replacement(1, 1, 1, 3, "x"),
        Replacement(1, 4, 3, 2, "y\n"),
        Replacement(4, 1, 4, 1, "z"),
    ]
    assert edited("ab cd\ne\nfg\nh\n", parts) == "x y\ng\nzh\n"
    assert edited("ab cd\ne\nfg\nh\n", [Removal(4, 4), *parts[:2]]) == "x y\ng\n"


def test_a_deprecated_kind_is_rewritten_and_a_useless_one_deleted(
    write: Write, check: Check
) -> None:
    path = write(
        "a.yaml",
        """\
        input: 8x8x6
        layers:
          - channel_slice: {stop: 6}  # all
          - {name: part, channel_slice: {start: 1}}  # but the first
          - conv: {filters: 2, kernel: 3, activation: relu}
        """,
    )
    [before] = check(strict=True)
    assert rules_of([before]) == ["no-op-layer", "deprecated", "deprecated"]
    assert [each.level for each in before.findings if before.fails(each)] == ["warning"]
    [result] = check(fix=True)
    assert result.findings == ()
    assert sorted(result.fixed) == [
        "fixed deprecated: rewrote line 4",
        "fixed no-op-layer: removed line 3",
    ]
    assert (
        path.read_text()
        == """\
input: 8x8x6
layers:
  - {name: part, slice: {axis: channels, start: 1}}  # but the first
  - conv: {filters: 2, kernel: 3, activation: relu}
"""
    )
