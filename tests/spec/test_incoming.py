"""`$channels` and `$extents`: what comes into a layer, in its expressions."""

from __future__ import annotations

import pytest

import cnnkit
from cnnkit.analysis.solve import exact_inputs
from cnnkit.spec.reading import read
from tests.spec.marked import fault, findings


def outputs(text: str) -> list[tuple[int, ...] | None]:
    """The shapes that the layers which hold no others give."""
    analysis = cnnkit.analyze(cnnkit.load(text))
    assert analysis.findings == ()
    return [layer.output for layer in analysis.layers]


def test_a_layer_reads_what_the_layer_before_gives() -> None:
    text = """\
input: 8x6x3
layers:
  - conv: {filters: $(4 * channels), kernel: 3}
  - conv: {filters: $(channels // 2), kernel: "$(extents[0] // 2)"}
  - max_pool: {size: $extents}
  - flatten
  - dense: {units: $(channels + len(extents))}
"""
    assert outputs(text) == [(6, 4, 12), (4, 2, 6), (1, 1, 6), (6,), (6,)]


def test_in_composites_it_is_what_comes_into_each_list() -> None:
    text = """\
input: 8x8x4
layers:
  - residual:
      layers:
        - conv: {filters: $(3 * channels), kernel: 1}
        - conv: {filters: $(channels // 3), kernel: 1}
      shortcut:
        - conv: {filters: $channels, kernel: 1}
  - parallel:
      branches:
        - [{conv: {filters: $(2 * channels), kernel: 1}}, {conv: {filters: $channels, kernel: 1}}]
        - [{conv: {filters: $channels, kernel: 1}}]
  - squeeze_excite: {units: $(channels // 4)}
"""
    shapes = outputs(text)
    assert shapes[:3] == [(8, 8, 12), (8, 8, 4), (8, 8, 4)]
    assert shapes[4:8] == [(8, 8, 8), (8, 8, 8), (8, 8, 4), (8, 8, 12)]
    assert (3,) in shapes  # 12 // 4 units in the middle of the squeeze and excitation


def test_a_repeat_goes_on_from_copy_to_copy_and_a_block_sees_its_use() -> None:
    text = """\
input: 4x4x1
blocks:
  double:
    arguments: {width: $(2 * channels)}
    layers: [{conv: {filters: $width, kernel: 1}}]
  plain:
    layers: [{conv: {filters: $(channels + 1), kernel: 1}}]
layers:
  - repeat: {times: 3, layers: [double, plain]}
"""
    assert [shape[-1] for shape in outputs(text) if shape] == [2, 3, 6, 7, 14, 15]


def test_copies_that_come_out_alike_stay_one() -> None:
    text = """\
input: 4x4x8
layers:
  - repeat: {times: 3, layers: [{conv: {filters: $channels, kernel: 1}}]}
"""
    (layer,) = cnnkit.load(text).layers
    assert vars(layer)["copies"] is None


def test_a_remembered_tensor_brings_its_own() -> None:
    text = """\
input: 4x4x5
layers:
  - save: first
  - conv: {filters: 2, kernel: 3}
  - repeat:
      times: 2
      layers:
        - load: first
        - conv: {filters: "$(channels * extents[0])", kernel: 1}
        - save: first
"""
    analysis = cnnkit.analyze(cnnkit.load(text))
    convs = [layer.output for layer in analysis.layers if layer.kind == "conv"]
    assert convs == [(2, 2, 2), (4, 4, 20), (4, 4, 80)]


def test_defaults_and_conditions_read_it() -> None:
    text = """\
input: 4x4x6
defaults: {conv: {kernel: 1, groups: "$(2 if channels % 2 == 0 else 1)"}}
layers:
  - conv: {filters: 4}
  - {when: $(channels > 4), relu: {}}
  - {when: $(channels == 4), conv: {filters: 2}}
"""
    analysis = cnnkit.analyze(cnnkit.load(text))
    assert [layer.parameters for layer in analysis.layers] == [3 * 4 + 4, 2 * 2 + 2]


def test_a_variable_or_argument_of_the_name_goes_before_it() -> None:
    text = """\
input: 4x4x6
variables: {channels: 2}
blocks:
  unit:
    arguments: {extents: 3}
    layers: [{conv: {filters: $channels, kernel: $extents}}]
layers: [unit]
"""
    assert outputs(text) == [(2, 2, 2)]


def test_only_layers_have_something_that_comes_in() -> None:
    finding = fault("input: 4x4x6\nvariables: {a: «$channels»}\nlayers: [relu]\n")
    assert finding.message == "there is no variable `channels`"
    assert finding.help == (
        "`$channels` is what comes into a layer: only layers and arguments of blocks read it"
    )


def test_behind_a_fault_it_is_unknown_and_the_fault_is_told_alone() -> None:
    text = """\
input: 4x4x6
layers:
  - conv: {filters: 2, kernel: «9»}
  - conv: {filters: $channels, kernel: 1}
"""
    assert fault(text).rule == "window-too-large"
    assert [each.rule for each in findings(text.replace("«9»", "x"))] == ["wrong-type"]


def test_an_override_of_the_input_is_seen() -> None:
    text = "input: 4x4x6\nlayers: [{conv: {filters: $channels, kernel: 1}}]\n"
    spec = read(text, ["input=4x4x9"]).spec
    assert spec is not None
    assert cnnkit.analyze(spec).output == (4, 4, 9)


def test_written_out_it_is_the_same_network() -> None:
    text = """\
input: 8x8x4
layers:
  - repeat: {times: 2, layers: [{conv: {filters: $(channels + 1), kernel: 3}}]}
"""
    spec = cnnkit.load(text)
    again = cnnkit.analyze(cnnkit.load(spec.to_dict()))
    assert again.output == cnnkit.analyze(spec).output == (4, 4, 6)


@pytest.mark.parametrize("between", [(3, 12)])
def test_inputs_that_fit_are_found_where_the_layers_depend_on_them(
    between: tuple[int, int],
) -> None:
    # The pool leaves one cell of an even extent; 4x4 of an odd one is halved with a rest.
    text = """\
input: 8x8x1
layers:
  - max_pool: {size: "$(extents[0] // 2)"}
"""
    solution = exact_inputs(cnnkit.load(text), between)
    (axis,) = solution.axes
    fits = [n for n in range(3, 13) if (n - n // 2) % (n // 2) == 0]
    assert list(axis.answers) == fits
