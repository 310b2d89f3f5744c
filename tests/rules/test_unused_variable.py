"""Variables that nothing reads, and their removal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def test_fix_keeps_a_comment_that_may_be_about_what_follows(
    fixed: Callable[[str, str], str],
) -> None:
    spec = """\
input: 32x32x3
variables:
  # the widths
  a: 1
  b: 2
  # of the stem
  c: 3    # used
  # of the rest
  d:
    - 4
    - 5
  # used, too
  e: 6
layers:
  - conv: {filters: $c, kernel: $e}
"""
    assert (
        fixed("unused-variable", spec)
        == """\
input: 32x32x3
variables:
  # the widths
  # of the stem
  c: 3    # used
  # used, too
  e: 6
layers:
  - conv: {filters: $c, kernel: $e}
"""
    )


def test_fix_deletes_text_of_several_lines(fixed: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
variables:
  a: 8
  b: "one

    two"
  c: |
    three
      # four

    five

  d: >-
    six
layers:
  - conv: {filters: $a, kernel: 3}
"""
    assert (
        fixed("unused-variable", spec)
        == """\
input: 32x32x3
variables:
  a: 8

layers:
  - conv: {filters: $a, kernel: 3}
"""
    )


def test_fix_deletes_the_whole_section(fixed: Callable[[str, str], str]) -> None:
    spec = """\
variables: {a: 1,
  b: 2}
input: 32x32x3
layers:
- relu
"""
    assert (
        fixed("unused-variable", spec)
        == """\
input: 32x32x3
layers:
- relu
"""
    )


def test_fine_where_a_spec_that_it_extends_reads_it(
    found: Callable[[str, str], str], tmp_path: Path
) -> None:
    (tmp_path / "base.yaml").write_text("""\
input: 32x32x3
variables: {width: 16, spare: 3}
layers: [{conv: {filters: $width, kernel: 3}}]
""")
    assert found("unused-variable", "extends: base.yaml\nvariables: {width: 32}\n") == ""
