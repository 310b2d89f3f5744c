"""Specs that say one network in several ways, and those that only look alike."""

from __future__ import annotations

import pytest

from cnnkit import analyze, load
from cnnkit.analysis.compare import compare

PLAIN = "input: 8x8x4\nlayers:\n"
SAME = {
    "an activation in its layer, or behind it": (
        "- conv: {filters: 4, kernel: 3, activation: relu}",
        "- conv: {filters: 4, kernel: 3}\n- relu",
    ),
    "padding in words or in cells": (
        "- conv: {filters: 4, kernel: 3, padding: same}",
        "- {name: stem, conv: {filters: 4, kernel: [3, 3], padding: [[1, 1], [1, 1]]}}",
    ),
    "a window that is rounded up, or padding behind": (
        "- max_pool: {size: 3, stride: 2, rounding: ceil}",
        "- max_pool: {size: 3, stride: 2, padding: [[0, 1], [0, 1]]}",
    ),
    "branches in any order": (
        "- parallel: {merge: add, branches: [[conv: {filters: 4, kernel: 1}], [relu]]}",
        "- parallel: {merge: add, branches: [[relu], [conv: {filters: 4, kernel: 1}]]}",
    ),
    "a repeat, or its layers": (
        "- repeat: {times: 2, layers: [{conv: {filters: 4, kernel: 1}}]}",
        "- conv: {filters: 4, kernel: 1}\n- conv: {filters: 4, kernel: 1}",
    ),
    "a residual, or tensors that are saved": (
        "- residual: {layers: [conv: {filters: 4, kernel: 1}]}",
        "- save: x\n- conv: {filters: 4, kernel: 1}\n- merge: {with: x, by: add}",
    ),
    "groups of one channel": (
        "- conv: {filters: 8, kernel: 3, groups: 4}",
        "- depthwise_conv: {kernel: 3, multiplier: 2}",
    ),
    "what changes nothing": ("- linear\n- drop_path: {rate: 0}\n- relu", "- relu"),
    "cells off both sides, or a pair for each axis": (
        "- crop: {cells: 1}",
        "- crop: {cells: [[1, 1], [1, 1]]}",
    ),
    "an extent, or how many times it is": (
        "- upsample: {factor: 2, method: linear}",
        "- upsample: {size: [16, 16], method: linear}",
    ),
}
OTHER = {
    "sides of a crop": ("- crop: {cells: [[1, 0], [1, 0]]}", "- crop: {cells: [[0, 1], [0, 1]]}"),
    "padding": (
        "- max_pool: {size: 2, stride: 2, padding: [[1, 1], [1, 1]]}",
        "- max_pool: {size: 2, stride: 2, padding: [[0, 2], [0, 2]]}",
    ),
    "an order that matters": (
        "- parallel: {branches: [[conv: {filters: 4, kernel: 1}], [relu]]}",
        "- parallel: {branches: [[relu], [conv: {filters: 4, kernel: 1}]]}",
    ),
    "a rate": ("- dropout: {rate: 0.5}", "- dropout: {rate: 0.4}"),
    "a dropout elsewhere": ("- dropout: {rate: 0.5}\n- relu", "- relu\n- dropout: {rate: 0.5}"),
    "what is padded": (
        "- conv: {filters: 4, kernel: 3, padding: 1}",
        "- conv: {filters: 4, kernel: 3, padding: 1, padding_mode: reflect}",
    ),
    "cells that count": (
        "- mean_pool: {size: 2, stride: 2, padding: 1}",
        "- mean_pool: {size: 2, stride: 2, padding: 1, count_padding: true}",
    ),
    "sides of a pad": ("- pad: {padding: [[1, 0], [0, 1]]}", "- pad: {padding: [[0, 1], [1, 0]]}"),
    "a window of neighbours": (
        "- local_response_norm: {size: 3}",
        "- local_response_norm: {size: 5}",
    ),
    "weights that are shared": (
        "- {name: a, conv: {filters: 4, kernel: 1}}\n- shared: {layer: a}",
        "- {name: a, conv: {filters: 4, kernel: 1}}\n- {name: b, conv: {filters: 4, kernel: 1}}",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_operations(name: str) -> None:
    one, other = (analyze(load(PLAIN + layers)) for layers in SAME[name])
    comparison = compare(one, other)
    assert comparison.same_operations
    assert not comparison.same
    assert comparison.to_dict()["same_operations"]


@pytest.mark.parametrize("name", OTHER)
def test_other_operations(name: str) -> None:
    one, other = (analyze(load(PLAIN + layers)) for layers in OTHER[name])
    assert not compare(one, other).same_operations


ALIKE = {
    "padding in words or in cells": (
        "- conv: {filters: 4, kernel: 3, padding: same}",
        "- conv: {filters: 4, kernel: [3, 3], padding: [[1, 1], [1, 1]]}",
    ),
    "no padding": (
        "- conv: {filters: 4, kernel: 2, stride: 2, padding: valid}",
        "- conv: {filters: 4, kernel: 2, stride: 2, padding: 0}",
    ),
    "a stride that is that of the kind": (
        "- max_pool: {size: 2, stride: 2}",
        "- max_pool: {size: 2}",
    ),
    "names of tensors": (
        "- save: a\n- relu\n- merge: {with: a, by: add}",
        "- save: b\n- relu\n- merge: {with: b, by: add}",
    ),
    "names of branches": (
        "- parallel: {branches: {a: [relu], b: []}}",
        "- parallel: {branches: [[relu], []]}",
    ),
    "a repeat of no times": ("- relu\n- repeat: {times: 0, layers: [relu]}", "- relu"),
}


@pytest.mark.parametrize("name", ALIKE)
def test_what_says_the_same_is_no_difference(name: str) -> None:
    one, other = (analyze(load(PLAIN + layers)) for layers in ALIKE[name])
    assert compare(one, other).same


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        # Of an extent of 7 both are a cell on each side; of 8 `same` is one behind alone.
        (
            "- conv: {filters: 4, kernel: 3, stride: 2, padding: same}",
            "- conv: {filters: 4, kernel: 3, stride: 2, padding: 1}",
            "padding",
        ),
        (
            "- save: a\n- relu\n- save: b\n- merge: {with: a, by: add}",
            "- save: a\n- relu\n- save: b\n- merge: {with: b, by: add}",
            "others",
        ),
    ],
)
def test_what_says_other_things_is_one(old: str, new: str, field: str) -> None:
    one, other = (analyze(load(f"input: 7x7x4\nlayers:\n{layers}")) for layers in (old, new))
    (change,) = compare(one, other).changes
    assert [setting.field for setting in change.settings] == [field]
