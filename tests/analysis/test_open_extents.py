"""Open extents: formulas by hand, and each formula against the numbers of a hundred extents."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest

import cnnkit
from cnnkit.analysis.extents import OpenAnalysis, Polynomial, open_analysis, open_input
from cnnkit.analysis.extents.formulas import COUNTS
from cnnkit.analysis.extents.polynomial import interpolated
from cnnkit.checking.admission import findings_of
from cnnkit.errors import SpecError, UsageError
from cnnkit.report.extents import sheet
from cnnkit.spec.reading import read
from cnnkit.spec.text.source import read_file, read_text

CONVS = """\
input: HxWx3
layers:
  - conv: {filters: 8, kernel: 7, stride: 2, bias: false}
  - max_pool: {size: 2}
  - conv: {filters: 4, kernel: 3, padding: 1, activation: relu}
"""
BRANCHES = """\
input: NxNx2
rounding: floor
layers:
  - save: x
  - conv: {filters: 4, kernel: 3, stride: 2, padding: 1}
  - parallel:
      branches:
        - [{conv: {filters: 2, kernel: [1, 5], padding: [0, 2]}}]
        - [{max_pool: {size: 3, stride: 1, padding: 1}}]
  - squeeze_excite
  - upsample: {factor: 2}
  - conv: {filters: 3, kernel: 2}
  - global_mean_pool
  - dense: {units: 5}
"""
SIGNAL = """\
input: Lx2
layers:
  - conv: {filters: 4, kernel: 5, stride: 3, padding: causal}
  - batch_norm
  - transposed_conv: {filters: 2, kernel: 4, stride: 2, padding: 1}
"""
UNLIKE = """\
input: HxWx1
layers:
  - conv: {filters: 2, kernel: [3, 5], stride: [2, 3]}
  - conv: {filters: 2, kernel: [2, 3], stride: [3, 1]}
"""
FLAT = """\
input: 16xWx2
layers:
  - conv: {filters: 3, kernel: 3, padding: same, stride: 2}
  - flatten
  - dense: {units: 7}
"""


def opened(text: str, *overrides: str) -> OpenAnalysis:
    node, _ = read_text(text, "open.yaml")
    given = open_input(node, None, overrides)
    assert given is not None
    return open_analysis(given)


def texts(formulas: tuple[Polynomial | None, ...]) -> list[str]:
    return [formula.text for formula in formulas if formula is not None]


def test_formulas_by_hand() -> None:
    # (H − 7)/2 + 1 = (H − 5)/2, halved by the pool; 8·7·7·3 = 1,176 and 4·3·3·8 + 4 = 292.
    found = opened(CONVS)
    assert [texts(layer.output) for layer in found.layers] == [
        ["(H − 5)/2", "(W − 5)/2", "8"],
        ["(H − 5)/4", "(W − 5)/4", "8"],
        ["(H − 5)/4", "(W − 5)/4", "4"],
    ]
    assert texts((found.totals["parameters"],)) == ["1,468"]
    # 1,176/4·(H − 5)(W − 5) + 288/16·(H − 5)(W − 5) = 312·(H − 5)(W − 5)
    assert texts((found.totals["macs"],)) == ["312·H·W − 1,560·H − 1,560·W + 7,800"]
    assert [(each.text, each.residues, each.least) for each in found.extents] == [
        ("H = 4·n + 1", (1,), 9),
        ("W = 4·n + 1", (1,), 9),
    ]


def test_resnet_is_exact_for_every_32nd_extent_and_one() -> None:
    path = Path(__file__).parents[2] / "specs" / "zoo" / "resnet-18.yaml"
    node, _ = read_file(path)
    given = open_input(node, str(path), ("input=NxNx3",))
    assert given is not None
    found = open_analysis(given, depth=1)
    (extents,) = found.extents
    assert (extents.text, extents.residues) == ("N = 32·n + 1", (1,))
    assert texts(found.layers[6].output) == ["(N + 31)/32", "(N + 31)/32", "512"]
    assert texts((found.totals["parameters"],)) == ["11,689,512"]  # torchvision's


@pytest.mark.parametrize("text", [CONVS, BRANCHES, SIGNAL, UNLIKE, FLAT])
def test_every_formula_gives_the_numbers_of_a_hundred_extents(text: str) -> None:
    found = opened(text)
    rng = random.Random(3)  # noqa: S311
    assert None not in [*found.totals.values(), *found.output]
    for _ in range(100):
        values = {each.letter: each.least + each.step * rng.randrange(60) for each in found.extents}
        overrides = {**_plain(text), "input": list(found.given.shape(values))}
        analysis = cnnkit.analyze(cnnkit.load(overrides))
        assert analysis.ok
        assert analysis.output == tuple(_at(each, values) for each in found.output)
        for name in COUNTS:
            assert getattr(analysis.totals, name) == _at(found.totals[name], values)
        for layer, formulas in zip(analysis.layers, found.layers, strict=True):
            assert layer.output == tuple(_at(each, values) for each in formulas.output)
            assert layer.input == tuple(_at(each, values) for each in formulas.input)
            for name in COUNTS:
                assert getattr(layer, name) == _at(formulas.counts[name], values)


def _plain(text: str) -> dict[str, object]:
    node, _ = read_text(text, "open.yaml")
    assert node is not None
    plain: dict[str, object] = node.plain()
    return plain


def _at(formula: Polynomial | None, values: dict[str, int]) -> int:
    assert formula is not None
    value = formula.at(values)
    assert value.denominator == 1
    return int(value)


@pytest.mark.parametrize("text", [CONVS, UNLIKE])
def test_the_residues_are_those_that_the_analysis_accepts(text: str) -> None:
    found = opened(text)
    for each in found.extents:
        others = {other.letter: other.least + 4 * other.step for other in found.extents}
        for extent in range(60, 60 + 2 * each.step):
            shape = found.given.shape({**others, each.letter: extent})
            analysis = cnnkit.analyze(cnnkit.load({**_plain(text), "input": list(shape)}))
            assert analysis.ok == (extent % each.step in each.residues)


def test_below_the_least_extent_a_window_does_not_fit() -> None:
    (height, width) = opened(CONVS).extents
    assert (height.least, width.least) == (9, 9)
    small = {**_plain(CONVS), "input": [5, 5, 3]}
    assert not cnnkit.analyze(cnnkit.load(small)).ok


def test_same_padding_is_exact_for_all_and_the_formulas_hold_for_a_part() -> None:
    found = opened(
        "input: NxNx1\nlayers: [{conv: {filters: 1, kernel: 3, stride: 2, padding: same}}]"
    )
    assert sheet(found).remarks[0] == (
        "N: exact for every extent; N = 2·n holds in every formula, from 2 on"
    )


def test_parameters_that_depend_on_an_extent_are_a_formula() -> None:
    # 16xW halves to 8x(W/2) in 3 channels: 12·W values to 7 units, 7 biases and 57 of the conv.
    found = opened(FLAT)
    assert texts((found.totals["parameters"],)) == ["84·W + 64"]


def test_explained_with_the_letters_put_in() -> None:
    remarks = sheet(opened(CONVS), explain=True).remarks
    assert "  height: (H − 7)/2 + 1 = (H − 5)/2" in remarks
    assert "  parameters: 8×7×7×3 = 1,176" in remarks
    assert "  MACs: 1,176·(H − 5)/2·(W − 5)/2 = 294·H·W − 1,470·H − 1,470·W + 7,350" in remarks


def test_faults_of_the_text_and_layers_that_never_fit_are_told() -> None:
    with pytest.raises(SpecError, match="there is no kind `cnv`"):
        opened("input: HxWx3\nlayers: [cnv]")
    with pytest.raises(SpecError, match="divisible by `groups`"):
        opened("input: HxWx3\nlayers: [{conv: {filters: 4, kernel: 1, groups: 2}}]")
    with pytest.raises(UsageError, match="the layers of HxWx3 change with its extents"):
        opened('input: HxWx3\nlayers: [{when: "$(extents[0] > 4)", relu: {}}]')


@pytest.mark.parametrize("given", ["32x32x3", "xx3", "HxW", "HHxWx3", "3", "Hx3xW"])
def test_inputs_that_are_not_open(given: str) -> None:
    node, _ = read_text(f"input: {given}\nlayers: [relu]", "open.yaml")
    assert open_input(node, None, ()) is None


@pytest.mark.parametrize("section", ["input: HxWx3", "inputs: {image: 2xWx3, depth: 4}"])
def test_open_extents_where_numbers_are_needed(section: str) -> None:
    (finding,) = findings_of(read(f"{section}\nlayers: [relu]"))
    key, shape = ("input", "HxWx3") if "HxWx3" in section else ("image", "2xWx3")
    assert finding.message == (
        f'`{key}` has open extents, which only `analyze` takes, of a single `input`: "{shape}"'
    )


def test_a_polynomial_through_its_values() -> None:
    def value(point: tuple[int, ...]) -> int:
        h, w = point
        return 3 * h * h * w - 5 * w + 7

    found = interpolated(("H", "W"), [[2, 5, 9], [1, 4, 6]], value)
    assert found.text == "3·H^2·W − 5·W + 7"
    assert found.at({"H": 10, "W": 3}) == 892
    assert Polynomial(("H",), {}).text == "0"
    half = Polynomial(("H",), {(1,): Fraction(1, 2), (0,): Fraction(-5, 2)})
    assert (half.text, half.factor) == ("(H − 5)/2", "(H − 5)/2")
