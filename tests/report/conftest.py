"""The networks that the formats are shown on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnkit.analysis import Analysis, analyze
from cnnkit.spec.reading import read, read_from_text

FLAGSHIP = Path(__file__).parents[2] / "specs" / "lectures" / "rgb-valid-4-classes.yaml"

FAULTY = """\
name: lenet
input: 7x7x1

layers:
  - conv: {filters: 6, kernel: 3, stride: 3}
  - relu
  - flatten
  - dense: {units: 10}
"""

NESTED = """\
name: nested
input: 32x32x3
blocks:
  unit:
    arguments: {width: required, stride: 1}
    layers:
      - residual:
          layers:
            - conv: {filters: $width, kernel: 3, stride: $stride, padding: same, bias: false}
            - batch_norm
            - relu
            - conv: {filters: $width, kernel: 3, padding: same, bias: false}
            - batch_norm
          shortcut:
            - when: $(stride > 1)
              conv: {filters: $width, kernel: 1, stride: $stride, padding: same}
          activation: relu
layers:
  - {name: stem, conv: {filters: 16, kernel: 3, padding: same, activation: relu}}
  - repeat: {times: 3, layers: [{unit: {width: 16}}]}
  - unit: {width: 32, stride: 2}
  - head: {layers: [global_mean_pool, {dense: {units: 10}}]}
  - parallel:
      branches:
        - [{conv: {filters: 8, kernel: 1}}]
        - [{max_pool: {size: 3, stride: 1, padding: 1}}]
  - repeat: {times: 2, layers: [{conv: {filters: $(8 * (index + 1)), kernel: 3, padding: 1}}]}
  - global_mean_pool
  - dense: {units: 10, activation: softmax}
"""

UNKNOWN = """\
name: unknown
input: 32x32x3
layers:
  - conv: {filters: 3, kernel: 7}
  - Conv2D: {filters: 5, kernel: 9}
  - max_pool: {size: 50}
"""

HOSTILE = """\
name: "=a|b`c`<script>\\e[2J\\u202E*x*"
input: 8x8x1
blocks:
  "@sum<b>|`": {layers: [{conv: {filters: 2, kernel: 3}}]}
layers:
  - {name: "-x|<i>\\e[31m`y`", conv: {filters: 2, kernel: 3}}
  - "@sum<b>|`"
"""


def analysis_of(text: str, name: str = "spec.yaml") -> Analysis:
    spec = read_from_text(text, name).spec
    assert spec is not None
    return analyze(spec)


@pytest.fixture
def flagship() -> Analysis:
    spec = read(FLAGSHIP).spec
    assert spec is not None
    return analyze(spec)


@pytest.fixture
def faulty() -> Analysis:
    return analysis_of(FAULTY, "lenet.yaml")


@pytest.fixture
def nested() -> Analysis:
    return analysis_of(NESTED, "nested.yaml")


@pytest.fixture
def unknown() -> Analysis:
    return analysis_of(UNKNOWN, "unknown.yaml")


@pytest.fixture
def hostile() -> Analysis:
    return analysis_of(HOSTILE, "hostile.yaml")
