"""Weights that are not learnt: in the counts, in the network, and in converted code."""

from __future__ import annotations

import json
from typing import Any

import pytest

import cnnkit
from cnnkit.analysis import analyze
from cnnkit.layers import KINDS, layer_class
from cnnkit.layers.learner import Learner
from cnnkit.network.verification import verify
from cnnkit.report.kind import kind_example

LEARNERS = [kind for kind in KINDS if issubclass(layer_class(kind), Learner)]
NETWORK: dict[str, Any] = {
    "input": "6x6x3",
    "layers": [
        {"conv": {"filters": 4, "kernel": 3, "learnt": False, "weight_norm": "weight_norm"}},
        {"batch_norm": {"learnt": False}},
        {"prelu": {"learnt": False}},
        {"conv": {"filters": 5, "kernel": 2}},
        "batch_norm",
        "global_mean_pool",
        {"dense": {"units": 2}},
    ],
}
SETTLED = 3 * 9 * 4 + 4 + 4 + 4 * 4 + 4  # the kernel, bias and gain; the norm; the slopes
PARAMETERS = 4 * 4 * 5 + 5 + 2 * 5 + 5 * 2 + 2
RUNNING = 2 * 5


def test_frozen_weights_are_state() -> None:
    totals = analyze(cnnkit.load(NETWORK)).totals
    assert (totals.parameters, totals.state) == (PARAMETERS, SETTLED + RUNNING)
    all_learnt = analyze(cnnkit.load(_all_learnt(NETWORK))).totals
    # Of each there are no gradient and no two slots of Adam; but for the mean and variance.
    saved = 3 * 4 * (SETTLED - 2 * 4)
    assert all_learnt.training_memory is not None
    assert totals.training_memory == all_learnt.training_memory - saved
    assert totals.inference_memory == all_learnt.inference_memory
    assert totals.macs == all_learnt.macs


def _all_learnt(spec: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(spec).replace('"learnt": false', '"learnt": true')
    learnt: dict[str, Any] = json.loads(text)
    return learnt


@pytest.mark.parametrize("kind", LEARNERS)
def test_no_array_of_a_kind_is_a_parameter(kind: str) -> None:
    plain = cnnkit.load(kind_example(kind)).to_dict()
    usual = analyze(cnnkit.load(plain)).totals
    layers = [_unlearnt(each, kind) for each in plain["layers"]]
    spec = cnnkit.load({**plain, "layers": layers})
    analysis = analyze(spec)
    assert usual.parameters
    assert analysis.totals.parameters == 0
    assert analysis.totals.state == usual.parameters + usual.state
    assert verify(analysis).ok


def _unlearnt(layer: Any, kind: str) -> Any:
    if layer == kind:
        return {kind: {"learnt": False}}
    return {kind: {**layer[kind], "learnt": False}} if kind in layer else layer


def test_what_has_no_weights_has_no_such_field() -> None:
    with pytest.raises(cnnkit.SpecError) as caught:
        cnnkit.load({"input": "4x4x3", "layers": [{"max_pool": {"size": 2, "trainable": False}}]})
    (finding,) = caught.value.findings
    assert finding.message == "`max_pool` has no field `trainable`"
    with pytest.raises(cnnkit.SpecError) as caught:
        cnnkit.load({"input": "4", "layers": [{"dense": {"units": 2, "trainable": False}}]})
    (finding,) = caught.value.findings
    assert (finding.message, finding.help) == (
        "`dense` has no field `trainable`",
        "here it is `learnt`",
    )


def test_none_is_left_where_the_recipe_freezes_the_others() -> None:
    layers = [{"dense": {"units": 3, "learnt": False}}, {"dense": {"units": 2}}]
    text = {"input": "4", "layers": layers, "train": {"freeze": ["layers.1"]}}
    (finding,) = analyze(cnnkit.load(text)).findings
    assert finding.message == (
        "`freeze` names all layers that have weights, so that none is left to train"
    )
