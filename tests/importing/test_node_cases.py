"""The operator tests of the package `onnx`: those that can be said give what the package states."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cnnkit import analyze
from tests.importing.node_cases import Said, cases, differences, modules, row_of, said

onnx = pytest.importorskip("onnx")

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "onnx-operators.md"
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_cases_give_what_the_package_states_and_the_page_lists_the_rest(
    part: int, tmp_path: Path
) -> None:
    page = PAGE.read_text("utf-8")
    stated = re.findall(r"^\| .* \|$", page, re.MULTILINE)
    networks, rows = [], []
    for module in modules()[part::PARTS]:
        found = [(case, said(case, tmp_path)) for case in cases(module)]
        networks += [(case, made) for case, made in found if isinstance(made, Said)]
        rows += [row_of(found).line()] if found else []
    for case, made in networks:
        assert analyze(made.imported.spec).totals.parameters == made.imported.parameters, case.name
    for name, got, wanted, rtol in differences(networks):
        np.testing.assert_allclose(got, wanted, rtol, 1e-6, err_msg=name)
    assert networks
    if f"`onnx` {onnx.__version__}" in page:  # other versions have other cases
        assert [row for row in rows if row not in stated] == []


def test_the_page_adds_its_rows_up() -> None:
    page = PAGE.read_text("utf-8")
    counts = [(int(a), int(b)) for a, b in re.findall(r"^\| \w+ \| (\d+) \| (\d+) \|", page, re.M)]
    total, read = (sum(column) for column in zip(*counts, strict=True))
    assert f"{read} of {total:,} cases" in page
    assert read >= 368
