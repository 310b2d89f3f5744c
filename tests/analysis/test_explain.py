from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from cnnkit import report
from cnnkit.analysis import Analysis, analyze
from cnnkit.analysis.explain import Explanation, explain
from cnnkit.spec.reading import load, read, read_from_text

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.yaml"))
FLAGSHIP = next(path for path in SPECS if path.stem == "rgb-valid-4-classes")

EVERYTHING = """\
name: everything
input: 225x224x8
layers:
  - conv: {filters: 8, kernel: [7, 3], stride: 2, padding: [[3, 2], 1], rounding: floor}
  - conv: {filters: 8, kernel: 5, padding: same}
  - conv: {filters: 8, kernel: 3, stride: 2, padding: same}
  - conv: {filters: 8, kernel: 1, stride: 2, padding: same}
  - conv: {filters: 8, kernel: 3, dilation: 2, padding: same}
  - conv: {filters: 8, kernel: 3, groups: 2, activation: {maxout: {pieces: 2}}}
  - depthwise_conv: {kernel: 3, multiplier: 2}
  - separable_conv: {filters: 8, kernel: 3, activation: relu}
  - transposed_conv: {filters: 4, kernel: 4, stride: 2, padding: 1}
  - transposed_conv: {filters: 4, kernel: 4, stride: 2, padding: same}
  - transposed_conv: {filters: 4, kernel: 2, stride: 3, padding: same}
  - max_pool: {size: 3, stride: 2, padding: 1, rounding: ceil}
  - max_pool: {size: 2, stride: 2, rounding: floor}
  - locally_connected: {filters: 2, kernel: 3}
  - batch_norm
  - layer_norm
  - prelu
  - pad: {padding: [[1, 2], 3]}
  - crop: {cells: 2}
  - upsample: {factor: 2, method: linear}
  - save: x
  - conv: {filters: 2, kernel: 3, padding: same}
  - merge: {with: x, by: concat}
  - channel_shuffle: {groups: 2}
  - channel_slice: {start: 1, stop: 4}
  - maxout: {pieces: 3}
  - adaptive_mean_pool: {output: 7}
  - parallel: {branches: [[{conv: {filters: 1, kernel: 1}}], []], merge: add}
  - reshape: {shape: [49, 1]}
  - conv: {filters: 4, kernel: 3, padding: causal, dilation: 2}
  - global_mean_pool: {keep_axes: true}
  - flatten
  - dense: {units: 3, activation: softmax}
"""

_NUMBER = r"\d+(?:,\d{3})*"
_EQUATION = re.compile(
    rf"(?<![\d,])((?:max\(|{_NUMBER}|[(⌊⌈])(?:max|{_NUMBER}|, 0\)|[()⌊⌋⌈⌉×·+−/ ])*?)"
    rf" = (−?{_NUMBER}(?:/\d+)?)(?![\d.])"
)
_PYTHON = {"×": "*", "·": "*", "−": "-", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")"}


def value(expression: str) -> Fraction:
    """The value of an expression as it stands on the board."""
    numbers = re.sub(_NUMBER, lambda match: f"Fraction({match[0].replace(',', '')})", expression)
    code = "".join(_PYTHON.get(char, char) for char in numbers)
    names = {"Fraction": Fraction, "floor": math.floor, "ceil": math.ceil, "max": max}
    return Fraction(eval(code, {"__builtins__": {}}, names))  # noqa: S307 - our own text


def equations(text: str) -> list[tuple[str, str]]:
    return [(match[1], match[2]) for match in _EQUATION.finditer(text)]


def analysis_of(text: str) -> Analysis:
    spec = read_from_text(text, "spec.yaml").spec
    assert spec is not None
    return analyze(spec)


def lines_of(layers: str, input_shape: str) -> dict[str, list[str]]:
    """The lines of all operations, as ``label: text``, by path."""
    explained = explain(analysis_of(f"input: {input_shape}\nlayers:\n{layers}\n"))
    return {each.path: [f"{line.label}: {line.text}" for line in each.lines] for each in explained}


def test_checker_reads_equations() -> None:
    assert equations("P = (32−1)·1+5−32 = 4, 2 before; F′ = 2·(3−1)+1 = 5") == [
        ("(32−1)·1+5−32", "4"),
        ("2·(3−1)+1", "5"),
    ]
    assert value("⌊(224+6−7)/2⌋+1") == 112
    assert value("max((16−1)·2+1−32, 0)") == 0
    assert value("1,024×2 + 3/2") == Fraction(4099, 2)
    assert equations("(7−3)/3+1 = 2.33 is no integer") == []


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_equation_holds(path: Path) -> None:
    spec = read(path).spec
    assert spec is not None
    check(analyze(spec))


def test_every_equation_of_every_kind_holds() -> None:
    check(analysis_of(EVERYTHING))


def check(analysis: Analysis) -> None:
    for explanation in explain(analysis):
        for line in explanation.lines:
            found = equations(line.text)
            if " = " in line.text and "not an integer" not in line.text:
                assert found, line.text
            for expression, shown in found:
                assert value(expression) == value(shown), line.text


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_totals_and_layers_agree_with_the_analysis(path: Path) -> None:
    spec = read(path).spec
    assert spec is not None
    analysis = analyze(spec)
    totals = {line.label: line.text.split(" = ")[-1] for line in explain(analysis)[-1].lines}
    for label in ("neurons", "parameters", "MACs", "FLOPs", "activations"):
        assert totals[label] == f"{getattr(analysis.totals, label.lower()):,}"
    counted = {"neurons": 0, "parameters": 0, "state": 0, "MACs": 0}
    for explanation in explain(analysis)[:-1]:
        for line in explanation.lines:
            if line.label in counted:
                number = line.text.split(" = ")[-1].replace(",", "")
                counted[line.label] += explanation.times * int(number)
    assert counted == {label: getattr(analysis.totals, label.lower()) for label in counted}


def test_flagship_as_on_the_board() -> None:
    text = report.render([analyze(load(FLAGSHIP))], explain=True)
    for expected in (
        "height and width: (D−F)/S+1 = (32−7)/1+1 = 26",
        "neurons: height×width×filters = 26×26×3 = 2,028",
        "neurons: height×width×filters = 18×18×5 = 1,620",
        "neurons: height×width×filters = 8×8×4 = 256",
        "parameters: filters×F×F×channels = 3×7×7×3 = 441",
        "MACs: height×width×filters×F×F×channels = 26×26×3×7×7×3 = 298,116",
        "elements: 8×8×4 = 256",
        "parameters: inputs×units = 256×4 = 1,024",
        "receptive field: r = r₀+(F−1)·s₀ = 1+(7−1)·1 = 7, stride 1·1 = 1",
        "f(x): e^x_i / Σ e^x_k",
        "neurons: 2,028 + 1,620 + 256 + 4 = 3,908",
        "parameters: 441 + 1,215 + 2,420 + 1,024 = 5,100",
    ):
        assert f"\n  {expected}\n" in text


@pytest.mark.parametrize("network", ["flagship", "everything"])
def test_golden(network: str, golden: Callable[[str, str], None]) -> None:
    analysis = analyze(load(FLAGSHIP)) if network == "flagship" else analysis_of(EVERYTHING)
    golden(f"report/explain-{network}.txt", report.render([analysis], explain=True))


def test_bias_is_a_term_of_its_own() -> None:
    lines = lines_of("  - conv: {filters: 3, kernel: 7}", "32x32x3")["layers.0"]
    assert "parameters: 3×7×7×3 + 3 = 444" in lines
    assert "add operations: 26×26×3 = 2,028" in lines


def test_same_padding() -> None:
    lines = lines_of("  - conv: {filters: 1, kernel: 5, padding: same}", "32x32x1")["layers.0"]
    assert lines[:2] == [
        "height and width: P = (32−1)·1+5−32 = 4, 2 before and 2 after",
        "height and width: (32+4−5)/1+1 = 32",
    ]


def test_same_padding_with_a_stride() -> None:
    conv = "  - conv: {filters: 1, kernel: 7, stride: 2, padding: same}"
    assert lines_of(conv, "224x224x1")["layers.0"][:3] == [
        "height and width: ⌈224/2⌉ = 112",
        "height and width: P = (112−1)·2+7−224 = 5, 2 before and 3 after",
        "height and width: (224+5−7)/2+1 = 112",
    ]


def test_axes_that_differ_have_lines_of_their_own() -> None:
    lines = lines_of("  - conv: {filters: 1, kernel: [3, 5]}", "9x12x1")["layers.0"]
    assert lines[:2] == ["height: (9−3)/1+1 = 7", "width: (12−5)/1+1 = 8"]
    assert lines[-1] == "receptive field of width: r = 1+(5−1)·1 = 5, stride 1·1 = 1"


def test_dilation() -> None:
    lines = lines_of("  - conv: {filters: 1, kernel: 3, dilation: 2}", "9x1")["layers.0"]
    assert lines[:2] == ["length: F′ = 2·(3−1)+1 = 5", "length: (9−5)/1+1 = 5"]


def test_floor_and_what_is_never_read() -> None:
    conv = "  - conv: {filters: 1, kernel: 7, stride: 2, padding: 3, rounding: floor}"
    assert "height and width: ⌊(224+6−7)/2⌋+1 = 112" in lines_of(conv, "224x224x1")["layers.0"]
    pool = "  - max_pool: {size: 2, stride: 4, rounding: floor}"
    assert (
        "length: ⌊(9−2)/4⌋+1 = 2, the last 3 cells are never read"
        in (lines_of(pool, "9x1")["layers.0"])
    )


def test_ceil() -> None:
    pool = "  - max_pool: {size: 3, stride: 2, rounding: ceil}"
    assert lines_of(pool, "112x1")["layers.0"][0] == (
        "length: ⌈(112−3)/2⌉+1 = 56, the last window reaches over the border by 1"
    )
    dropped = "  - max_pool: {size: 2, stride: 3, padding: 1, rounding: ceil}"
    assert lines_of(dropped, "5x1")["layers.0"][1] == (
        "length: ⌈(5+2−2)/3⌉+1 = 3, and 3−1 = 2 as the last would start in the padding, "
        "the last cell is never read"
    )


def test_stride_that_does_not_fit() -> None:
    assert lines_of("  - conv: {filters: 1, kernel: 3, stride: 3}", "7x7x1")["layers.0"][0] == (
        "height and width: (7−3)/3+1 = 2.33 is not an integer; "
        "from here on ⌊(7−3)/3⌋+1 = 2, the last cell is never read"
    )


def test_what_comes_after_an_error_is_unknown() -> None:
    lines = lines_of("  - dense: {units: 3}\n  - relu", "7x7x1")
    assert lines["layers.0"] == [
        "output: dense takes a vector, the input is a feature map of 7x7x1"
    ]
    assert lines["layers.1"] == ["output: unknown, as what comes in is"]


def test_separable_conv_is_two_operations() -> None:
    lines = lines_of("  - separable_conv: {filters: 8, kernel: 3}", "10x10x4")
    assert "channels of a group: 4/4 = 1" in lines["layers.0.depthwise"]
    assert "parameters: 4×3×3×1 = 36" in lines["layers.0.depthwise"]
    assert "parameters: 8×1×1×4 + 8 = 40" in lines["layers.0.pointwise"]


def test_batch_norm() -> None:
    lines = lines_of("  - batch_norm", "4x4x64")["layers.0"]
    assert lines[:2] == ["parameters: 2×64 = 128", "state: 2×64 = 128"]


def test_cells_and_channels_that_change_places() -> None:
    layers = "  - depth_to_space: {block: 2}\n  - space_to_depth: {block: [2, 3]}"
    lines = lines_of(layers, "6x6x8")
    assert lines["layers.0"][:2] == ["height and width: 6·2 = 12", "channels: 8/4 = 2"]
    assert lines["layers.1"][2] == "channels: 2·6 = 12"


def test_upsampling_by_no_whole_factor() -> None:
    layers = "  - save: large\n  - max_pool: {size: 2, padding: 1}\n  - upsample: {to: large}"
    lines = lines_of(layers, "6x6x8")
    assert lines["layers.2"][0] == "height and width: 4 → 6, 2/3 of a cell apart"


def test_locally_connected() -> None:
    lines = lines_of("  - locally_connected: {filters: 2, kernel: 3}", "8x8x1")["layers.0"]
    assert "parameters: 6×6×2×3×3×1 + 6×6×2 = 720" in lines


def test_repeat_is_explained_once() -> None:
    repeat = "  - repeat: {times: 3, layers: [{conv: {filters: 4, kernel: 3, padding: 1}}]}"
    explained = explain(analysis_of(f"input: 8x8x4\nlayers:\n{repeat}\n"))
    assert [(each.path, each.times) for each in explained] == [("layers.0.conv[0]", 3), ("", 1)]
    assert explained[-1].lines[1].text == "148 + 148 + 148 = 444"


def test_many_terms_are_those_of_the_top_layers() -> None:
    layers = [
        {"repeat": {"times": 30, "layers": [{"dense": {"units": 4}}]}},
        {"dense": {"units": 2}},
    ]
    totals: Explanation = explain(analyze(load({"input": [4], "layers": layers})))[-1]
    assert totals.lines[0].text == "120 + 2 = 122"
    stack = [{"dense": {"units": 4}}] * 30
    totals = explain(analyze(load({"input": [4], "layers": stack})))[-1]
    assert totals.lines[0].text == "30×4 = 120"


def formulas_of(layers: str, input_shape: str) -> list[str]:
    """The lines of the first operation that have a formula, with it."""
    first = explain(analysis_of(f"input: {input_shape}\nlayers:\n{layers}\n"))[0]
    return [f"{line.label}: {line.equation}" for line in first.lines if line.formula]


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (
            "conv: {filters: 1, kernel: 3, stride: 2}",
            "7x7x1",
            [
                "height and width: (D−F)/S+1 = (7−3)/2+1 = 3",
                "neurons: height×width×filters = 3×3×1 = 9",
                "parameters: filters×F×F×channels + filters = 1×3×3×1 + 1 = 10",
                "MACs: height×width×filters×F×F×channels = 3×3×1×3×3×1 = 81",
                "receptive field: r = r₀+(F−1)·s₀ = 1+(3−1)·1 = 3, stride 1·2 = 2",
            ],
        ),
        (
            "max_pool: {size: 3, stride: 2, padding: 1, rounding: floor}",
            "8x1",
            [
                "length: P = before + after = 1+1 = 2",
                "length: ⌊(D+P−F)/S⌋+1 = ⌊(8+2−3)/2⌋+1 = 4",
                (
                    "receptive field: r = r₀+(F−1)·s₀ = 1+(3−1)·1 = 3, stride 1·2 = 2, "
                    "padding 0+1·1 = 1"
                ),
            ],
        ),
        (
            "conv: {filters: 4, kernel: [3, 1], dilation: [2, 1], groups: 2, padding: same}",
            "9x9x4",
            [
                "height: F′ = dilation·(F−1)+1 = 2·(3−1)+1 = 5",
                "height: P = (N−1)·S+F′−D = (9−1)·1+5−9 = 4, 2 before and 2 after",
                "height: (D+P−F′)/S+1 = (9+4−5)/1+1 = 9",
                "width: P = (N−1)·S+F−D = (9−1)·1+1−9 = 0",
                "width: (D−F)/S+1 = (9−1)/1+1 = 9",
                "neurons: height×width×filters = 9×9×4 = 324",
                (
                    "parameters: filters×F_height×F_width×channels/groups + filters = "
                    "4×3×1×2 + 4 = 28"
                ),
                (
                    "MACs: height×width×filters×F_height×F_width×channels/groups = "
                    "9×9×4×3×1×2 = 1,944"
                ),
            ],
        ),
        ("dense: {units: 10}", "784", [
            "neurons: units = 10",
            "parameters: inputs×units + units = 784×10 + 10 = 7,850",
            "MACs: inputs×units = 784×10 = 7,840",
        ]),
        ("batch_norm", "4x4x64", [
            "parameters: 2×channels = 2×64 = 128",
            "state: 2×channels = 2×64 = 128",
        ]),
        ("transposed_conv: {filters: 4, kernel: 4, stride: 2, padding: 1}", "8x2", [
            "length: P = before + after = 1+1 = 2",
            "length: (D−1)·S−P+F = (8−1)·2−2+4 = 16",
            "neurons: length×filters = 16×4 = 64",
            "parameters: filters×F×channels + filters = 4×4×2 + 4 = 36",
        ]),
    ],
)  # fmt: skip
def test_the_formula_goes_before_its_numbers(layer: str, shape: str, expected: list[str]) -> None:
    found = formulas_of(f"  - {layer}", shape)
    assert [line for line in found if not line.startswith("receptive field of")] == expected


def test_what_has_no_name_has_no_formula() -> None:
    assert formulas_of("  - lstm: {units: 3}", "5x2") == []


def test_letters_are_explained_where_there_are_any() -> None:
    letters = "D extent, F window (F′ dilated), S stride, P padding of both sides, N output\n"
    assert letters in report.render([analyze(load(FLAGSHIP))], explain=True)
    dense = analysis_of("input: 4\nlayers: [{dense: {units: 2}}]")
    assert letters not in report.render([dense], explain=True)


def test_each_activation_is_drawn_once() -> None:
    network = "input: 4\nlayers: [relu, {elu: {alpha: 2}}, relu, {elu: {alpha: 1}}, softmax]"
    explained = explain(analysis_of(network))
    drawn = [each.activation and each.activation.equation for each in explained]
    assert drawn == [
        "max(0, x)",
        "x where x ≥ 0, else alpha·(e^x − 1) with alpha 2",
        None,
        "x where x ≥ 0, else alpha·(e^x − 1) with alpha 1",
        None,  # a function of all values together
        None,  # the totals
    ]
    text = report.render([analysis_of(network)], explain=True)
    assert text.count("−4              0              4") == 3


@pytest.mark.parametrize(
    ("layer", "name"),
    [("attention: {heads: 2}", "layers.1.attend"), ("layer_norm: {over: all}", "layers.1")],
)
def test_what_reads_all_of_a_map_says_so(layer: str, name: str) -> None:
    conv = "{conv: {filters: 4, kernel: 3}}"
    text = f"input: 9x8x4\nlayers: [{conv}, {{{layer}}}, {conv}]"
    explained = explain(analyze(load(text)))
    lines = {each.path: {line.label: line.text for line in each.lines} for each in explained}
    assert lines[name]["receptive field"] == "9x8: each cell sees all of the map"
    assert lines["layers.2"]["receptive field of height"] == "9, all that a layer before has seen"
