"""What is measured and predicted with the extension, and of networks that give no numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cnnkit.network import Network
from cnnkit.network.inference import InferenceEngine
from cnnkit.network.kernels import onednn
from cnnkit.network.weights import arrays_of, put_arrays
from cnnkit.spec.model.spec import Spec
from cnnkit.training.options import Options
from cnnkit.training.run import train
from cnnkit.training.use import evaluation
from cnnkit.training.use import trained as trained_networks
from cnnkit.training.use.evaluation import evaluate
from cnnkit.training.use.prediction import Refused, predict
from cnnkit.training.use.scoring import inference
from cnnkit.training.use.trained import load_run
from cnnkit.training.view.display import Quiet
from tests.training.bars import bars
from tests.training.conftest import Recipe

with_extension = pytest.mark.skipif(not onednn.load().active, reason=onednn.load().reason)


@pytest.fixture(scope="module")
def run(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "bars"
    train(recipe(epochs=1, ema=0.9), run_dir=path, display=Quiet())
    return path


@with_extension
def test_an_evaluation_has_the_same_figures_as_without_the_extension(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[InferenceEngine | None] = []

    def told(spec: Spec, network: Network) -> InferenceEngine | None:
        made.append(inference(spec, network))
        return made[-1]

    monkeypatch.setattr(evaluation, "inference", told)
    copy = shutil.copytree(run, tmp_path / "run")
    fused = evaluate(copy, Options())
    assert len(made) == 1
    assert made[0] is not None
    monkeypatch.setattr(evaluation, "inference", lambda *_: None)
    plain = evaluate(copy, Options())
    assert fused.figures["confusion"] == plain.figures["confusion"]
    assert fused.figures["accuracy"] == plain.figures["accuracy"]
    assert fused.figures["loss"] == pytest.approx(plain.figures["loss"], rel=1e-5)
    assert fused.judgement is not None
    assert plain.judgement is not None
    areas = [
        json.dumps(each.to_dict()["test"]["classes"], sort_keys=True) for each in (fused, plain)
    ]
    assert areas[0] == areas[1]


@with_extension
def test_a_prediction_is_that_of_the_network_within_rounding(run: Path) -> None:
    trained = load_run(run)
    assert trained.scoring.arrays[1]  # the extension takes part of it
    images, _ = bars(9)
    plain = np.asarray(trained.answers(trained.prepared(images)))
    np.testing.assert_allclose(trained.predict(images), plain, atol=1e-5)


def test_many_examples_are_computed_some_at_a_time(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trained_networks, "MOST_EXAMPLES", 4)
    trained = load_run(run)
    images, _ = bars(9)
    plain = np.asarray(trained.answers(trained.prepared(images)))
    for count in (0, 1, 4, 9):
        found = np.asarray(trained.predict(images[:count]))
        assert found.shape == (count, 3)
        np.testing.assert_allclose(found, plain[:count], atol=1e-5)


def test_what_the_network_has_no_number_for_is_refused(run: Path, tmp_path: Path) -> None:
    trained = load_run(run)
    arrays = arrays_of(trained.network)
    put_arrays(trained.network, {name: np.full_like(each, np.nan) for name, each in arrays.items()})
    np.save(tmp_path / "two.npy", bars(2)[0])
    found = list(predict(trained, [tmp_path / "two.npy"]))
    assert len(found) == 2
    for number, each in enumerate(found):
        name = f"{tmp_path / 'two.npy'}[{number}]"
        assert each == Refused(
            name,
            f"{name}: the network gives NaN or infinite values for it, for its own are such or so "
            "large that float32 ends before the network does",
        )
