"""A data set that is streamed is trained on as one that lies on the device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jax
import pytest

from cnnkit.data import Dataset
from cnnkit.spec.model.spec import Spec
from cnnkit.training.compute.step import make_steps
from cnnkit.training.engine import Resident, Streamed, engine
from cnnkit.training.prepare.material import prepare
from cnnkit.training.proof.resume import compare
from cnnkit.training.run import train
from cnnkit.training.view.display import Quiet

Recipe = Callable[..., Spec]


def test_a_streamed_run_ends_in_the_bits_of_a_resident_one(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
