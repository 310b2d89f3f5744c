"""Linear layers in a row."""

from __future__ import annotations

from collections.abc import Callable


def test_fine_a_map_that_is_enlarged_between_two_convs(found: Callable[[str, str], str]) -> None:
    """A sub-pixel convolution, and a decoder that enlarges by repetition."""
    for between in ("depth_to_space: {block: 2}", "upsample: {factor: 2}"):
        spec = f"""\
input: 32x32x16
layers:
  - conv: {{filters: 64, kernel: 3, padding: same}}
  - {between}
  - conv: {{filters: 3, kernel: 3, padding: same}}
"""
        assert found("missing-nonlinearity", spec) == ""
    spec = spec.replace(between, "pad: {padding: 1}")
    assert "together they are one linear layer" in found("missing-nonlinearity", spec).replace(
        "\n", " "
    )
