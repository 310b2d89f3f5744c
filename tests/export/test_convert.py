"""`cnnkit.export.convert`: the text of the files, and what a target cannot say."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import cnnkit
from cnnkit.export import TARGETS, convert
from cnnkit.export import flax as to_flax
from cnnkit.export import keras as to_keras
from cnnkit.export import torch as to_torch
from cnnkit.layers import KINDS
from cnnkit.layers.base import Layer
from cnnkit.report.findings.finding import findings_text
from cnnkit.spec.tracing import trace

ROOT = Path(__file__).parents[2]
ZOO = sorted((ROOT / "specs" / "zoo").glob("*.yaml"))
TRACED = {"separable_conv", "residual", "parallel", "repeat", "squeeze_excite", "attention"}
TRACED |= {"save", "merge", "load", "head", "output", "shared", "each", "split"}

BLOCKS = """
name: blocks
input: 16x16x3
blocks:
  unit:
    arguments: {filters: required, stride: 1}
    layers:
      - conv: {filters: $filters, kernel: 3, padding: 1, stride: $stride, rounding: floor}
      - batch_norm
      - relu
layers:
  - {name: stem, unit: {filters: 8, stride: 2}}
  - repeat: {times: 3, layers: [{unit: {filters: 8}}]}
  - residual:
      layers: [{unit: {filters: 8}}, {drop_path: {rate: 0.1}}]
      activation: relu
  - save: skip
  - parallel:
      branches: {wide: [{conv: {filters: 4, kernel: 3, padding: 1}}], narrow: []}
  - conv: {filters: 8, kernel: 1}
  - merge: {with: skip, by: add}
  - global_mean_pool
  - {name: classifier, dense: {units: 10}}
  - softmax
"""

NOTHING = [
    "",
    "{save: b}",
    "{save: b}, {load: b}",
    "{repeat: {times: 0, layers: [relu]}}",
    "{repeat: {times: 3, layers: []}}",
    "{repeat: {times: 3, layers: [{save: a$index}]}}",
    "{repeat: {times: 2, layers: [empty, empty]}}",
    "empty",
    "{head: {layers: [], loss_weight: 0.4}}",
]
"""Layers that compute nothing."""


def code(text: str, target: str) -> str:
    found = convert(cnnkit.load(text), target).code
    assert found is not None
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_the_whole_file(target: str, golden: Callable[[str, str], None]) -> None:
    golden(f"export/blocks_{target}.py.txt", code(BLOCKS, target))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_the_zoo_is_code_of_lines_that_can_be_read(path: Path, target: str) -> None:
    found = convert(cnnkit.load(path), target).code
    assert found is not None
    compile(found, target, "exec")
    lines = found.splitlines()
    assert max(map(len, lines)) <= 100
    assert not any(line != line.rstrip() for line in lines)
    assert len(lines) < 520  # what repeats is a loop or a class
    assert "import cnnkit" not in found
    assert "from cnnkit" not in found


def test_what_repeats_is_written_once() -> None:
    shallow, deep = (
        convert(cnnkit.load(ROOT / "specs" / "zoo" / f"resnet-{depth}.yaml"), "torch").code
        for depth in (50, 152)
    )
    assert shallow is not None
    assert deep is not None
    assert len(shallow.splitlines()) == len(deep.splitlines())
    assert "*[Unit2(" in deep or "for _ in range(times)" in deep


@pytest.mark.parametrize("target", [to_flax, to_torch, to_keras])
def test_each_target_has_each_kind(target: ModuleType) -> None:
    written = [kind for family in target._FAMILIES for kind in family.WRITERS]
    assert {*written, *TRACED} == set(KINDS)
    assert len(written) == len(set(written))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "name",
    [
        '"""',
        "a\nb",
        "class",
        "x",
        "{evil}",
        "self",
        "nn",
        "layers",
        "\\",
        "1",
        "",
        "'''",
        'a" + b + "',
    ],
)
def test_names_of_any_kind_stay_names(name: str, target: str) -> None:
    spec = cnnkit.Spec.model_validate(
        {"name": name, "input": "4x4x2", "layers": list(_layers(name or "name"))}
    )
    found = convert(spec, target).code
    assert found is not None
    compile(found, target, "exec")
    tree = ast.parse(found)
    evaluated = [
        ast.unparse(node.value) for node in ast.walk(tree) if isinstance(node, ast.FormattedValue)
    ]
    assert set(evaluated) <= {"name", "copy", "index", "parameters"}


def _layers(name: str) -> list[Layer]:
    from cnnkit import layers

    return [
        layers.Conv(filters=2, kernel=1, name=name),
        layers.Save(tensor=name),
        layers.Relu(),
        layers.Merge.model_validate({"with": name, "by": "add"}),
    ]


def test_values_that_the_spec_gives_are_in_the_code() -> None:
    text = """
input: 3x3x1
layers:
  - conv: {filters: 1, kernel: 2, bias: [0.5], weights: [[[[1]], [[-1]]], [[[0]], [[2.5]]]]}
  - flatten
  - dense: {units: 2, init: 0.25}
  - dense: {units: 2, init: orthogonal}
"""
    values = "[[[[1]], [[-1]]], [[[0]], [[2.5]]]]"
    flax, torch, keras = (code(text, target) for target in TARGETS)
    assert f"kernel_init=given({values}), bias_init=given([0.5])" in " ".join(flax.split())
    assert "kernel_init=nnx.initializers.constant(0.25)" in flax
    assert "kernel_init=nnx.initializers.orthogonal()" in flax
    assert f"kernel={values}, bias=[0.5]" in " ".join(torch.split())
    assert "kernel=nn.init.orthogonal_" in torch
    assert f"kernel_initializer=Given({values})" in " ".join(keras.split())
    assert 'kernel_initializer="orthogonal"' in keras


def test_a_file_holds_only_the_helpers_it_uses() -> None:
    text = "input: 4x4x4\nlayers: [{maxout: {pieces: 2}}]"
    assert "def maxout" in code(text, "flax")
    assert "def adaptive_pool" not in code(text, "flax")
    assert "import math" not in code(text, "flax")
    assert "import math" in code("input: 4x4x4\nlayers: [{depth_to_space: {block: 2}}]", "flax")


def test_a_torch_file_flattens_in_the_order_of_the_spec() -> None:
    assert "x.movedim(1, -1).flatten(1)" in code("input: 4x4x2\nlayers: [flatten]", "torch")
    assert "x = x.flatten(1)" in code("input: 4x4x1\nlayers: [flatten]", "torch")
    assert "[N, 2, 4, 4], channels first" in code("input: 4x4x2\nlayers: [flatten]", "torch")


def test_side_outputs_are_for_training() -> None:
    text = """
input: 8
layers: [{dense: {units: 4}}, {head: {layers: [{dense: {units: 2}}], loss_weight: 0.4}}, relu]
"""
    for target in ("flax", "torch"):
        assert "heads: bool = False" in code(text, target)
        assert "losses are 0.4" in code(text, target)
    assert "return keras.Model(inputs, [x, y]" in code(text, "keras").replace("y, x", "x, y")


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (
            "transposed_conv: {filters: 2, kernel: 3, groups: 2}",
            "its transposed convolutions have no groups, the layer has 2",
        ),
        (
            "transposed_conv: {filters: 2, kernel: 3, stride: 2, dilation: 2}",
            "its transposed convolutions take a stride (=2) or a dilation (=2), not both",
        ),
        (
            "transposed_conv: {filters: 2, kernel: 3, stride: 3, output_padding: 1}",
            (
                "its transposed convolutions give no cells beyond the reach of the kernel, which "
                "this `output_padding` adds"
            ),
        ),
    ],
)
def test_what_keras_cannot_say_names_the_line(layer: str, said: str) -> None:
    spec = cnnkit.load(f"input: 4x4x4\nlayers:\n  - relu\n  - {layer}\n")
    conversion = convert(spec, "keras")
    assert conversion.code is None
    (finding,) = conversion.findings
    assert finding.message == f"Keras cannot say this: {said}"
    assert finding.help is not None
    assert "--to flax" in finding.help
    assert (finding.rule, finding.path) == ("not-convertible", "layers.1")
    assert finding.location is not None
    assert finding.location.line == 4
    assert convert(spec, "torch").code
    assert convert(spec, "flax").code


@pytest.mark.parametrize(
    ("shape", "layer", "kind"),
    [
        ("1x1x4", "instance_norm", "instance norm"),
        ("4", "{group_norm: {groups: 4}}", "group norm"),
    ],
)
def test_what_pytorch_refuses_names_the_line(shape: str, layer: str, kind: str) -> None:
    spec = cnnkit.load(f"input: {shape}\nlayers:\n  - {layer}\n")
    (finding,) = convert(spec, "torch").findings
    assert finding.message == (
        f"PyTorch cannot say this: its {kind} refuses sets of one value, which is its own mean"
    )
    assert finding.location is not None
    assert finding.location.line == 3
    assert convert(spec, "flax").code
    assert convert(spec, "keras").code


def test_what_keras_would_drop_is_told() -> None:
    spec = cnnkit.load((ROOT / "tests" / "golden" / "ok" / "load.yaml").read_text())
    text = findings_text(convert(spec, "keras").findings)
    assert text == (
        "<text>:6:5: Keras cannot say this: its models leave out layers whose output nothing "
        "reads, and their parameters  [not-convertible]\n"
        "  6 |   - conv: {filters: 2, kernel: 8}\n"
        "    |     ^~~~\n"
        "  help: remove the layer, or `merge` what it gives; or `--to flax` or `--to torch`\n\n"
        "1 error"
    )


def test_keras_names_hold_no_sign_that_a_backend_refuses() -> None:
    found = code(BLOCKS, "keras")
    names = re.findall(r'name=f?"([^"]*)"', found)
    assert "layers-1-unit-{index}" in names
    assert "layers-2-add" in names
    assert all(re.fullmatch(r"[\w{}-]+", name) for name in names)


def test_two_names_that_keras_would_take_for_one_are_told() -> None:
    spec = cnnkit.load(
        "input: 4\nlayers:\n"
        "  - {name: fc-1, dense: {units: 2}}\n"
        "  - {name: fc_1, dense: {units: 2}}\n"
    )
    text = findings_text(convert(spec, "keras").findings)
    assert text.startswith(
        "<text>:3:18: Keras cannot say this: two of its layers would be named `layers-fc_1`: a "
        "name there holds letters, digits, `_` and `-` between the parts of a path  "
        "[not-convertible]\n"
    )
    assert "help: give one of them another `name`, or `--to flax` or `--to torch`" in text
    assert convert(spec, "torch").code


def test_a_faulty_spec_gives_its_findings() -> None:
    spec = cnnkit.Spec.model_validate({"input": "7x7x1", "layers": [_stride()]})
    conversion = convert(spec, "flax")
    assert conversion.code is None
    assert [finding.rule for finding in conversion.findings] == ["invalid-stride"]


def _stride() -> Layer:
    from cnnkit import layers

    return layers.Conv(filters=1, kernel=3, stride=3)


def test_an_unknown_target() -> None:
    spec = cnnkit.Spec.model_validate({"input": "7", "layers": []})
    with pytest.raises(cnnkit.UsageError, match="there is no target pytorch; did you mean torch"):
        convert(spec, "pytorch")


def test_converting_loads_no_framework() -> None:
    program = (
        "import sys, cnnkit; from cnnkit.export import TARGETS, convert\n"
        f"spec = cnnkit.load({str(ZOO[0])!r})\n"
        "assert all(convert(spec, target).code for target in TARGETS)\n"
        "print({'jax', 'flax', 'torch', 'keras', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", ["7", "1x1x1"])
@pytest.mark.parametrize("layers", NOTHING)
def test_a_network_of_nothing_is_python(layers: str, shape: str, target: str) -> None:
    text = f"input: {shape}\nblocks: {{empty: {{layers: []}}}}\nlayers: [{layers}]\n"
    spec = cnnkit.load(text)
    assert not trace(spec.layers, spec.input).nodes
    found = convert(spec, target).code
    assert found is not None
    compile(found, target, "exec")
    assert "from keras import" not in found  # there is nothing to import from it
