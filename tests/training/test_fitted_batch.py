"""A batch that is not said leaves an epoch twenty steps; one that is said stays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import cnnkit
from cnnkit.spec.model.training import Train
from cnnkit.training.prepare.batch_size import FEWEST_STEPS, SMALLEST, fitted
from cnnkit.training.run import train
from cnnkit.training.view.display import Quiet


@pytest.mark.parametrize(
    ("examples", "size"),
    [
        (60_000, 128),
        (2_560, 128),  # twenty steps of 128
        (2_559, 64),
        (1_257, 32),
        (700, 32),
        (640, 32),
        (639, 16),
        (160, 8),
        (28, 8),  # fewer would make the statistics of a batch norm too rough
        (5, 5),
    ],
)
def test_a_batch_that_is_not_said(examples: int, size: int) -> None:
    assert fitted(Train(), examples).batch_size == size
    if examples >= FEWEST_STEPS * SMALLEST:
        assert examples // size >= FEWEST_STEPS


def test_a_batch_that_is_said() -> None:
    assert fitted(Train(batch_size=128), 1000).batch_size == 128
    assert fitted(Train(batch_size=128), 100).batch_size == 100
    assert fitted(Train(batch_size="auto"), 1000).batch_size == "auto"


def test_what_is_said_is_written_and_read_again() -> None:
    text = "input: 4\nlayers: [{dense: {units: 2}}]\ntrain: {epochs: 1, batch_size: 128}\n"
    spec = cnnkit.load(text)
    assert spec.to_dict()["train"] == {"epochs": 1, "batch_size": 128}
    again = cnnkit.load(spec.to_dict())
    assert again == spec
    assert again.train is not None
    assert not again.train.fits_batch
    left_out = cnnkit.load(text.replace(", batch_size: 128", ""))
    assert left_out.to_dict()["train"] == {"epochs": 1}
    assert left_out.train is not None
    assert left_out.train.fits_batch


def test_a_run_keeps_the_batch_that_was_fitted(tmp_path: Path) -> None:
    inputs = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    np.savez(tmp_path / "data.npz", inputs=inputs, targets=(inputs[:, 0] > 0).astype(int))
    data = {"arrays": str(tmp_path / "data.npz")}
    spec = cnnkit.load(
        {"input": "4", "layers": [{"dense": {"units": 2}}], "train": {"data": data, "epochs": 1}}
    )
    result = train(spec, run_dir=tmp_path / "run", display=Quiet())
    kept = cnnkit.load(result.path / "spec.yaml").train
    assert kept is not None
    assert kept.batch_size == 8
    assert result.summary is not None
    assert result.summary["steps"] == result.summary["updates"] == 27  # of 210 examples
    assert json.loads((result.path / "summary.json").read_text())["training"]["accuracy"] > 0.5
