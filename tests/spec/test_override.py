"""`--set PATH=VALUE`: where a path leads, and what is said where it leads nowhere."""

from __future__ import annotations

from typing import Any

import pytest

import cnnkit
from cnnkit.errors import UsageError
from cnnkit.spec.language.override import override
from cnnkit.spec.reading import read
from cnnkit.spec.text.source import read_text
from tests.spec.marked import only

SPEC = """\
input: 8x8x1
variables: {k: 3, depths: [1, 2], name: relu}
defaults: {conv: {padding: same}}
blocks:
  unit:
    arguments: {width: 4, kernel: 1}
    layers: [{name: inner, conv: {filters: $width, kernel: $kernel}}]
layers:
  - {name: stem, conv: {filters: 2, kernel: $k, activation: {leaky_relu: {slope: 0.1}}}}
  - relu
  - batch_norm:
  - unit: {width: 8}
  - unit
  - residual: {layers: [{name: first, conv: {filters: 4, kernel: [3, 3]}}], activation: elu}
  - parallel: {branches: [[relu], [tanh, {dropout: {rate: 0.1}}]]}
  - parallel: {branches: {left: [relu]}}
  - save: here
  - {repeat: {times: 2, layers: [{name: only, relu: {}}]}}
train: {epochs: 1, augment: [{flip: horizontal}, {shift: 4}]}
"""


ONE_COPY = (
    "`only[1]` is one copy of what is written once; a path leads through the text, such as "
    "layers.stage2.layers.0.filters"
)


def plain(*assignments: str, text: str = SPEC) -> Any:
    node, _ = read_text(text, "spec.yaml")
    assert node is not None
    for assignment in assignments:
        node = override(node, assignment)
    return node.plain()


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("name=mine", ["name"], "mine"),
        ("input=[4, 4, 1]", ["input"], [4, 4, 1]),
        ("rounding=floor", ["rounding"], "floor"),
        ("variables.k=5", ["variables", "k"], 5),
        ("variables.k = 5 ", ["variables", "k"], 5),
        ("variables.k=", ["variables", "k"], ""),
        ("variables.k=null", ["variables", "k"], None),
        ("variables.k=1e-3", ["variables", "k"], 1e-3),
        ("variables.k='5'", ["variables", "k"], "5"),
        ("variables.k=a=b", ["variables", "k"], "a=b"),
        ("variables.depths=[3,8,36,3]", ["variables", "depths"], [3, 8, 36, 3]),
        ("variables.depths.1=7", ["variables", "depths", 1], 7),
        ("variables={k: 9}", ["variables"], {"k": 9}),
        ("defaults.conv.bias=false", ["defaults", "conv", "bias"], False),
        ("defaults.relu6={}", ["defaults", "relu6"], {}),
        ("blocks.unit.arguments.width=9", ["blocks", "unit", "arguments", "width"], 9),
        ("blocks.unit.layers.0.filters=9", ["blocks", "unit", "layers", 0, "conv", "filters"], 9),
        ("blocks.unit.layers.inner.stride=2", ["blocks", "unit", "layers", 0, "conv", "stride"], 2),
        ("layers.0.filters=16", ["layers", 0, "conv", "filters"], 16),
        ("layers.stem.filters=16", ["layers", 0, "conv", "filters"], 16),
        ("layers.stem.conv.filters=16", ["layers", 0, "conv", "filters"], 16),
        ("layers.0.stride=2", ["layers", 0, "conv", "stride"], 2),
        ("layers.0.name=root", ["layers", 0, "name"], "root"),
        ("layers.0.when=false", ["layers", 0, "when"], False),
        ("layers.0.activation=relu", ["layers", 0, "conv", "activation"], "relu"),
        (
            "layers.0.activation.slope=0.3",
            ["layers", 0, "conv", "activation", "leaky_relu", "slope"],
            0.3,
        ),
        (
            "layers.0.activation.leaky_relu.slope=0.3",
            ["layers", 0, "conv", "activation", "leaky_relu", "slope"],
            0.3,
        ),
        ("layers.1=tanh", ["layers", 1], "tanh"),
        ("layers.1.name=act", ["layers", 1], {"relu": None, "name": "act"}),
        ("layers.2.momentum=0.5", ["layers", 2], {"batch_norm": {"momentum": 0.5}}),
        ("layers.3.width=9", ["layers", 3, "unit", "width"], 9),
        ("layers.4.kernel=9", ["layers", 4], {"unit": {"kernel": 9}}),
        (
            "layers.5.layers.first.filters=9",
            ["layers", 5, "residual", "layers", 0, "conv", "filters"],
            9,
        ),
        (
            "layers.5.layers.0.kernel.1=5",
            ["layers", 5, "residual", "layers", 0, "conv", "kernel"],
            [3, 5],
        ),
        (
            "layers.5.activation.alpha=2",
            ["layers", 5, "residual", "activation"],
            {"elu": {"alpha": 2}},
        ),
        (
            "layers.6.branches.1.1.rate=0.5",
            ["layers", 6, "parallel", "branches", 1, 1, "dropout", "rate"],
            0.5,
        ),
        ("layers.7.branches.left.0=tanh", ["layers", 7, "parallel", "branches", "left", 0], "tanh"),
        ("layers.8.tensor=there", ["layers", 8], {"save": {"tensor": "there"}}),
        ("layers.9.times=5", ["layers", 9, "repeat", "times"], 5),
        ("layers.9.layers.only.name=one", ["layers", 9, "repeat", "layers", 0, "name"], "one"),
        ("train.epochs=2", ["train", "epochs"], 2),
        ("train.optimizer.sgd.momentum=0.9", ["train", "optimizer", "sgd", "momentum"], 0.9),
        ("train.augment.1.shift=2", ["train", "augment", 1, "shift"], 2),
        ("budget.parameters=10k", ["budget", "parameters"], "10k"),
        ("rules.ignore=[a]", ["rules", "ignore"], ["a"]),
    ],
)
def test_one_value_is_set(assignment: str, path: list[str | int], value: object) -> None:
    before, after = plain(), plain(assignment)
    found = after
    for part in path:
        found = found[part]
    assert found == value
    for section in before.keys() - {path[0]}:
        assert after[section] == before[section]


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("variables.k", "write PATH=VALUE, such as variables.width=64"),
        ("=5", "write PATH=VALUE, such as variables.width=64"),
        ("", "write PATH=VALUE, such as variables.width=64"),
        ("variables..k=5", "write PATH=VALUE, such as variables.width=64"),
        (".k=5", "write PATH=VALUE, such as variables.width=64"),
        (
            "variables.k=[1,",
            "the value is no YAML: a value is expected here, not the end of the text",
        ),
        ("variables.k=# nothing", "the value is no YAML: only comments are in here"),
        ("layer.0=relu", "there is no `layer`; did you mean `layers`?"),
        ("extends=a.yaml", "only the text of a spec says what it extends"),
        ("variables.kk=5", "there is no `kk`; did you mean `k`?"),
        ("variables.zzz=5", "there is no `zzz`; known here: k, depths, name"),
        ("variables.depths.2=5", "there is no index 2, the list has 2 entries"),
        ("variables.depths.x=5", "there is no `x`; known here: nothing"),
        ("variables.k.x=5", "there is no `x`; known here: nothing"),
        ("blocks.unut.layers.0=relu", "there is no `unut`; did you mean `unit`?"),
        ("blocks.unit.arguments.x=1", "there is no `x`; known here: width, kernel"),
        ("layers.10=relu", "there is no index 10, the list has 10 entries"),
        ("layers.-1=relu", "there is no `-1`; known here: stem"),
        (f"layers.{'9' * 5000}=relu", f"there is no index {'9' * 5000}, the list has 10 entries"),
        ("layers.stm.filters=1", "there is no `stm`; did you mean `stem`?"),
        ("layers.0.filtrs=1", "there is no `filtrs`; did you mean `filters`?"),
        ("layers.1.slope=1", "there is no `slope`; known here: nothing"),
        ("layers.3.widht=1", "there is no `widht`; did you mean `width`?"),
        (
            "layers.3.layers.0.filters=1",
            "the layers of a block are set where they stand, at `blocks.unit.layers.0.filters`",
        ),
        (
            "layers.3.unit.layers.0.filters=1",
            "the layers of a block are set where they stand, at `blocks.unit.layers.0.filters`",
        ),
        ("layers.9.only[1].name=x", ONE_COPY),
        ("layers.0.filters.x=1", "there is no `x`; known here: nothing"),
        ("layers.5.layers.9=relu", "there is no index 9, the list has 1 entry"),
        ("layers.0.activation.slop=1", "there is no `slop`; did you mean `slope`?"),
    ],
)
def test_a_path_that_leads_nowhere(assignment: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        plain(assignment)
    assert str(error.value) == f"--set {assignment}: {message}"


def test_a_section_that_is_not_there_is_made_where_something_reads_it() -> None:
    text = "input: 8\nlayers: [relu]\n"
    assert plain("train.epochs=2", text=text)["train"] == {"epochs": 2}
    assert plain("defaults.conv.bias=false", text=text)["defaults"] == {"conv": {"bias": False}}
    with pytest.raises(UsageError, match="there is no `k`; known here: nothing"):
        plain("variables.k=2", text=text)
    assert plain("train.a.b=1", text="input: 8\nlayers: [relu]\ntrain:\n")["train"] == {
        "a": {"b": 1}
    }


def test_several_are_set_in_turn() -> None:
    assert plain("variables.k=5", "variables.k=7")["variables"]["k"] == 7
    both = plain("layers.0.name=a", "layers.a.filters=9")
    assert both["layers"][0]["conv"]["filters"] == 9


def test_the_original_stays_as_it_was() -> None:
    node, _ = read_text(SPEC, "spec.yaml")
    assert node is not None
    before = node.plain()
    override(node, "layers.0.filters=16")
    assert node.plain() == before


def test_a_text_that_is_no_mapping_is_left_to_the_reader() -> None:
    assert plain("variables.k=5", text="- relu") == ["relu"]


def test_a_fault_of_the_value_is_pointed_at() -> None:
    found = read({"input": "8", "layers": ["relu"]}, ["layers.0=rellu"]).findings
    location = only(list(found)).location
    assert location is not None
    assert str(location) == "--set layers.0:1:1"
    assert location.text == "rellu"


def test_a_fault_of_a_layer_that_was_set_still_has_a_place() -> None:
    found = read("input: 8\nlayers:\n  - relu", ["layers.0.name=5"]).findings
    assert only(list(found)).message == "`name` cannot be 5"
    spec = read("input: 8x8x1\nlayers:\n  - max_pool", ["layers.0.size=9"]).spec
    assert spec is not None
    finding = only(list(cnnkit.analyze(spec).findings))
    assert str(finding.location) == "--set layers.0.size:1:1"


def test_a_set_value_is_what_comes_out() -> None:
    spec = read(SPEC, ["variables.k=5", "layers.4.width=3", "train.epochs=2"]).spec
    assert spec is not None
    assert spec.train is not None
    assert spec.train.epochs == 2
    assert cnnkit.analyze(spec).layers[0].parameters == 25 * 2 + 2
