"""Blocks that nothing uses, and their removal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def test_fix_deletes_a_block_with_its_comment(fixed: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
blocks:
  # two layers
  unit:
    layers:
      - relu

  # this was meant for later
  # and never used
  other:        # and this
    # an inner comment
    layers:
      - conv:
          filters: 8
          kernel: 3

  # one layer
  last:
    layers: [relu]
layers:
  - unit
  - last
"""
    assert (
        fixed("unused-block", spec)
        == """\
input: 32x32x3
blocks:
  # two layers
  unit:
    layers:
      - relu

  # one layer
  last:
    layers: [relu]
layers:
  - unit
  - last
"""
    )


def test_fix_deletes_the_whole_section(fixed: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3

# what the network is made of
blocks:
  unit:
    layers:
    - relu

# the layers
layers:
  - relu
"""
    assert (
        fixed("unused-block", spec)
        == """\
input: 32x32x3

# the layers
layers:
  - relu
"""
    )


def test_fix_leaves_what_shares_its_lines(fixed: Callable[[str, str], str]) -> None:
    spec = """\
input: 32x32x3
blocks: {unit: {layers: [relu]}, other: {layers: [relu]}}
layers:
  - unit
"""
    assert fixed("unused-block", spec) == spec


BASE = """\
input: 32x32x3
blocks:
  unit: {layers: [relu]}
  spare: {layers: [relu]}
layers: [unit]
"""


def test_fine_where_the_block_is_of_a_spec_that_it_extends(
    found: Callable[[str, str], str], fixed: Callable[[str, str], str], tmp_path: Path
) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    inherited = "extends: base.yaml\nlayers: [relu]\n"
    assert found("unused-block", inherited) == ""
    assert fixed("unused-block", inherited) == inherited


def test_of_two_files_only_the_own_text_is_judged(
    found: Callable[[str, str], str], fixed: Callable[[str, str], str], tmp_path: Path
) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    spec = """\
extends: base.yaml
blocks:
  unit: {layers: [gelu]}
  own: {layers: [relu]}
"""
    assert (
        found("unused-block", spec)
        == """\
4:3
block `own` is never used
help: take it out, as `cnnkit check --fix` does, or use it in `layers:`
"""
    )
    assert (
        fixed("unused-block", spec)
        == """\
extends: base.yaml
blocks:
  unit: {layers: [gelu]}
"""
    )
