"""A bias that a batch norm subtracts again."""

from __future__ import annotations

from collections.abc import Callable


def test_defaults_are_not_offered_where_another_layer_needs_its_bias(
    found: Callable[[str, str], str],
) -> None:
    spec = """\
input: 32x32x3
layers:
  - conv: {filters: 64, kernel: 3, padding: same}
  - batch_norm
  - relu
  - conv: {filters: 10, kernel: 3, padding: same}
"""
    assert found("redundant-bias", spec).endswith("help: write `bias: false`\n")
