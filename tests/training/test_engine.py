"""A data set that is streamed is trained on as one that lies on the device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest

from cnnkit.data import Dataset
from cnnkit.network import runtime
from cnnkit.spec.model.spec import Spec
from cnnkit.training.compute.step import make_steps
from cnnkit.training.engine import Resident, Streamed, engine
from cnnkit.training.engine.base import STEP
from cnnkit.training.prepare.material import prepare
from cnnkit.training.proof.resume import compare
from cnnkit.training.run import train
from cnnkit.training.view.display import Quiet

Recipe = Callable[..., Spec]


def test_a_streamed_run_ends_in_the_bits_of_a_resident_one(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[None] = []
    monkeypatch.setattr(runtime, "give_back", lambda: given_back.append(None))
    spec = recipe(epochs=2, augment=[{"shift": 1}])
    resident = train(spec, run_dir=tmp_path / "resident", display=Quiet())
    monkeypatch.setattr(Dataset, "fits_on_device", lambda self, budget=0: False)
    streamed = train(spec, run_dir=tmp_path / "streamed", display=Quiet())
    assert resident.summary is not None
    assert streamed.summary is not None
    assert (
        streamed.summary["validation"]["confusion"] == resident.summary["validation"]["confusion"]
    )
    assert streamed.summary["validation"]["roc_auc"] == resident.summary["validation"]["roc_auc"]
    kept = [(run.path / "wrong.csv").read_text() for run in (resident, streamed)]
    assert kept[0] == kept[1]
    assert compare(resident.path, streamed.path) == []
    assert len(given_back) == 4  # of each run before and after its first step


def test_the_engine_follows_from_the_size(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = recipe()
    assert spec.train is not None
    material = prepare(spec, spec.train, 3, data_dir=None)
    steps = make_steps(spec, spec.train, examples=60, batch_size=16)
    device = jax.devices()[0]
    sharding = jax.sharding.SingleDeviceSharding(device)
    assert isinstance(engine(steps, [material], sharding, [device]), Resident)
    monkeypatch.setattr(Dataset, "fits_on_device", lambda self, budget=0: False)
    assert isinstance(engine(steps, [material], sharding, [device]), Streamed)


def test_totals_and_scores_come_of_one_pass(recipe: Recipe) -> None:
    spec = recipe(batch_size=8)  # of 15 examples, whose last batch is filled up
    assert spec.train is not None
    material = prepare(spec, spec.train, 3, data_dir=None)
    steps = make_steps(spec, spec.train, examples=60, batch_size=8)
    device = jax.devices()[0]
    machine = engine(steps, [material], jax.sharding.SingleDeviceSharding(device), [device])
    state = machine.start()
    machine.compile(state, splits=("validation",), training=False)
    together = machine.judged(state, "validation", lambda: False)
    assert together is not None
    totals, scores = together
    apart = machine.evaluate(state, "validation", lambda: False)
    assert apart is not None
    assert int(totals.examples) == 15
    np.testing.assert_array_equal(totals.confusion, apart.confusion)
    np.testing.assert_allclose(totals.loss, apart.loss, rtol=1e-6)
    alone = machine.scores(state, "validation")
    assert scores[""].shape == (15, 3)
    np.testing.assert_allclose(scores[""], alone[""], rtol=1e-5, atol=1e-6)
    assert machine.judged(state, "validation", lambda: True) is None


def test_what_is_compiled_before_the_weights_are_drawn_trains_to_the_same_bits(
    recipe: Recipe,
) -> None:
    spec = recipe(batch_size=8)
    assert spec.train is not None
    material = prepare(spec, spec.train, 3, data_dir=None)
    steps = make_steps(spec, spec.train, examples=60, batch_size=8)
    device = jax.devices()[0]
    trained = []
    for early in (True, False):
        machine = engine(steps, [material], jax.sharding.SingleDeviceSharding(device), [device])
        if early:
            machine.begin_compiling(machine.placed_template())
            begun = machine.program(STEP)
        state = machine.start()
        machine.compile(state)
        assert not early or machine.program(STEP) is begun
        state = machine.epoch(state, 1)
        totals = machine.evaluate(state, "validation", lambda: False)
        trained.append([np.asarray(leaf).tobytes() for leaf in jax.tree.leaves((state, totals))])
    assert trained[0] == trained[1]
