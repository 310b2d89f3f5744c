"""The Python interface: the public names, and that specs and analyses are values."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

import cnnkit
from cnnkit.layers.activation import Relu
from cnnkit.layers.composition import Parallel, Residual
from cnnkit.layers.convolution import Conv
from cnnkit.layers.dense import Dense
from cnnkit.layers.pooling import GlobalMeanPool

FLAGSHIP = Path(__file__).parents[1] / "specs" / "lectures" / "rgb-valid-4-classes.yaml"


def built() -> cnnkit.Spec:
    return cnnkit.Spec(
        name="built",
        input="8x8x3",
        layers=[
            Conv(filters=4, kernel=3, padding="same", activation="relu", name="stem"),
            Residual(layers=[Conv(filters=4, kernel=1)], activation=Relu()),
            Parallel(branches={"0": (), "1": (Relu(),)}, merge="add"),
            GlobalMeanPool(),
            Dense(units=10),
        ],
        expect={"parameters": "182"},
    )


WRITTEN = """
name: built
input: 8x8x3
layers:
  - {name: stem, conv: {filters: 4, kernel: 3, padding: same, activation: relu}}
  - residual: {layers: [{conv: {filters: 4, kernel: 1}}], activation: relu}
  - parallel: {branches: [[], [relu]], merge: add}
  - global_mean_pool
  - dense: {units: 10}
expect: {parameters: 182}
"""


def test_every_public_name_is_there() -> None:
    for name in cnnkit.__all__:
        assert getattr(cnnkit, name) is not None
        assert name in dir(cnnkit)
    assert sorted(cnnkit.__all__) == cnnkit.__all__
    assert set(cnnkit._HOMES) | {"__version__"} == set(cnnkit.__all__)


def test_every_public_name_is_documented() -> None:
    for name in set(cnnkit.__all__) - {"__version__"}:
        assert getattr(cnnkit, name).__doc__, name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'cnnkit' has no attribute 'nothing'"):
        cnnkit.nothing  # noqa: B018 - the access is what is tested


def test_a_spec_built_in_python_equals_the_one_that_is_read() -> None:
    assert built() == cnnkit.load(WRITTEN)
    assert cnnkit.load(built().to_dict()) == built()
    assert (
        cnnkit.analyze(built()).to_dict()["totals"]
        == (cnnkit.analyze(cnnkit.load(WRITTEN)).to_dict()["totals"])
    )


def test_what_it_counts() -> None:
    totals = cnnkit.analyze(built()).totals
    assert totals.parameters == (27 * 4 + 4) + (16 + 4) + 50 == 182
    assert cnnkit.analyze(cnnkit.load(FLAGSHIP)).totals.parameters == 5100


def test_layers_know_no_text_but_have_paths() -> None:
    (finding,) = cnnkit.analyze(
        cnnkit.Spec(input="8x8x1", layers=[Conv(filters=1, kernel=3, stride=2, name="stem")])
    ).findings
    assert (finding.location, finding.path) == (None, "layers.stem")


def test_a_spec_is_a_value() -> None:
    spec = cnnkit.load(WRITTEN)
    with pytest.raises(ValidationError):
        spec.name = "other"
    with pytest.raises(ValidationError):
        spec.layers[0].name = "other"
    assert copy.deepcopy(spec) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301 - its own bytes
    assert spec.model_copy(update={"name": "other"}) != spec


def test_an_analysis_is_a_value() -> None:
    spec = cnnkit.load(WRITTEN)
    one, other = cnnkit.analyze(spec), cnnkit.analyze(spec)
    assert one == other
    assert one.to_dict() == other.to_dict()
    for value, field in ((one, "totals"), (one.totals, "settings"), (one.tree, "children")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, None)


def test_the_json_of_an_analysis_is_json() -> None:
    analysis = cnnkit.analyze(built())
    assert json.loads(json.dumps(analysis.to_dict())) == analysis.to_dict()
    assert analysis.to_dict()["format"] == 1


def test_wrong_values_are_refused_when_a_spec_is_built() -> None:
    for fields in (
        {"input": "0x8x1", "layers": []},
        {"input": "8", "layers": ["relu"]},
        {"input": "8", "layers": [], "colour": "red"},
        {"input": "8"},
    ):
        with pytest.raises(ValidationError):
            cnnkit.Spec(**fields)


def test_the_plain_data_of_a_spec() -> None:
    spec = cnnkit.load(
        """
name: $$5 net
input: 4x4x2
rounding: floor
variables: {k: 3}
blocks: {unit: {arguments: {n: 1}, layers: [{conv: {filters: $n, kernel: 1}}]}}
layers:
  - {when: false, relu: {}}
  - unit
  - {name: own, unit: {n: $k}}
  - unit
  - save: a
  - {name: two, repeat: {times: 2, layers: [{name: one, dropout: {rate: $(0.1 * index)}}]}}
  - merge: {with: a}
  - squeeze_excite: {units: 1, activation: null}
  - parallel: {branches: {x: [relu], y: []}}
expect: {output: [4, 4, 4], macs: 1k}
budget: {parameters: 1M}
rules: {ignore: [large-dense]}
train: {data: {csv: costs $$3.csv}}
"""
    )
    plain = spec.to_dict()
    assert plain == {
        "name": "$$5 net",
        "input": "4x4x2",
        "rounding": "floor",
        "blocks": {
            "unit": {"layers": [{"conv": {"kernel": 1, "filters": 1}}]},
            "unit-2": {"layers": [{"conv": {"kernel": 1, "filters": 3}}]},
        },
        "layers": [
            "unit",
            {"name": "own", "unit-2": None},
            "unit",
            {"save": "a"},
            {
                "name": "two",
                "repeat": {
                    "times": 1,
                    "layers": [
                        {
                            "repeat": {
                                "times": 1,
                                "layers": [{"name": "one", "dropout": {"rate": rate}}],
                            }
                        }
                        for rate in (0, 0.1)
                    ],
                },
            },
            {"merge": {"with": "a"}},
            {"squeeze_excite": {"units": 1, "activation": None}},
            {"parallel": {"branches": {"x": ["relu"], "y": []}}},
        ],
        "expect": {"macs": 1000, "output": [4, 4, 4]},
        "budget": {"parameters": 1000000},
        "rules": {"ignore": ["large-dense"]},
        "train": {"data": {"csv": "costs $$3.csv"}},
    }
    assert cnnkit.load(plain).to_dict() == plain
    assert cnnkit.load(plain).name == "$5 net"


def test_a_spec_with_faults_has_no_plain_data() -> None:
    from cnnkit.spec.reading import read

    spec = read("input: 8\nlayers: [rellu]").spec
    assert spec is not None
    with pytest.raises(cnnkit.SpecError, match="there is no kind `rellu`"):
        spec.to_dict()


def test_the_tree_of_exceptions() -> None:
    for error in (cnnkit.SpecError, cnnkit.UsageError):
        assert issubclass(error, cnnkit.CnnkitError)
    assert cnnkit.SpecError([]).findings == ()


def test_a_finding_as_json_has_every_key() -> None:
    finding = cnnkit.Finding("a-rule", "error", "what is wrong")
    assert finding.to_dict() == {
        "rule": "a-rule",
        "level": "error",
        "message": "what is wrong",
        "help": None,
        "file": None,
        "line": None,
        "column": None,
        "end_line": None,
        "end_column": None,
        "path": None,
    }


def test_only_public_names_are_listed() -> None:
    from cnnkit import layers, selection, training

    assert sorted(dir(cnnkit)) == cnnkit.__all__
    assert sorted(dir(training)) == sorted(training.__all__)
    assert sorted(dir(selection)) == sorted(selection.__all__)
    classes = {layers.class_name(kind) for kind in layers.KINDS}
    assert set(dir(layers)) == {*layers.__all__, *classes}


def test_an_analysis_is_shown_in_a_line() -> None:
    assert repr(cnnkit.analyze(built())) == (
        "Analysis(built: 8x8x3 → 10, 182 parameters, 7,976 MACs, 0 findings)"
    )
    broken = cnnkit.analyze(cnnkit.load("input: 8x8x1\nlayers: [{dense: {units: 2}}]"))
    assert repr(broken) == "Analysis(network: 8x8x1 → ?, 0 parameters, 0 MACs, 1 finding)"


def test_the_package_is_typed() -> None:
    assert (Path(cnnkit.__file__).parent / "py.typed").exists()


def test_a_report_is_written_to_a_path_that_is_a_text(tmp_path: Path) -> None:
    from cnnkit import report

    for output in (tmp_path / "a.json", str(tmp_path / "b.json")):
        report.write([cnnkit.analyze(built())], "json", output)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_paths_are_taken_as_texts_and_as_paths() -> None:
    """By their annotations: every public function and option that takes a path takes a text."""
    pytest.importorskip("flax")
    pytest.importorskip("optuna")
    import inspect
    import re

    from cnnkit import data, doctor, report, selection, training

    told = []
    for module in (data, doctor, report, selection, training):
        for name in module.__all__:
            public = getattr(module, name)
            if not callable(public) or name in ("Trained", "Result"):  # what a call gives
                continue
            told += [
                f"{module.__name__}.{name}({parameter})"
                for parameter in inspect.signature(public).parameters.values()
                if re.search(r"\bPath\b", str(parameter.annotation))
            ]
    assert told == []
