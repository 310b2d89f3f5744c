"""A network of two inputs and two outputs from its training to its predictions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnnkit.data import Dataset
from cnnkit.errors import DataError, UsageError
from cnnkit.network.weights_file import written
from cnnkit.spec.model.training import Arrays, Train
from cnnkit.training.completion import Result
from cnnkit.training.compute.augmentation import of_several
from cnnkit.training.compute.step import make_steps
from cnnkit.training.engine import Streamed
from cnnkit.training.options import Options
from cnnkit.training.prepare.feed import feed_of, pool_of
from cnnkit.training.prepare.material import Material, prepare
from cnnkit.training.prepare.resolution import outputs_of
from cnnkit.training.proof.resume import compare
from cnnkit.training.run import resume, train
from cnnkit.training.use.evaluation import evaluate
from cnnkit.training.use.naming import Naming
from cnnkit.training.use.prediction import Prediction, Refused, predict
from cnnkit.training.use.trained import load_run
from cnnkit.training.use.weights import trained_of, weights_of_file, weights_of_run
from cnnkit.training.view.display import Quiet
from tests.training.pairs import fusion, fusion_arrays

SHARDING = jax.sharding.SingleDeviceSharding(jax.devices()[0])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples of two inputs and two targets."""
    path = tmp_path_factory.mktemp("data") / "fusion.npz"
    np.savez(path, **fusion_arrays())
    return path


@pytest.fixture(scope="module")
def finished(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A run that came to its end."""
    return train(fusion(file), run_dir=tmp_path_factory.mktemp("runs") / "run", display=Quiet())


def material_of(file: Path, **fields: Any) -> Material:
    spec = fusion(file, **fields)
    assert spec.train is not None
    return prepare(spec, spec.train, outputs_of(spec), data_dir=None)


def test_each_output_is_measured_and_the_loss_is_their_weighted_sum(finished: Result) -> None:
    assert finished.summary is not None
    figures = finished.summary["validation"]
    assert figures["examples"] == 15
    for name in ("label.accuracy", "label.macro_f1", "label.roc_auc", "angle.mean_squared_error"):
        assert figures[name] is not None
    total = figures["label.loss"] + 0.5 * figures["angle.loss"]
    assert figures["loss"] == pytest.approx(total, rel=1e-6)
    assert figures["angle.loss"] == pytest.approx(figures["angle.mean_squared_error"], rel=1e-6)
    assert np.shape(figures["outputs"]["label"]["confusion"]) == (3, 3)
    assert finished.summary["monitor"] == "loss"
    lines = (finished.path / "metrics.jsonl").read_text().splitlines()
    assert {"loss", "label.accuracy", "angle.loss"} <= json.loads(lines[0])["train"].keys()
    page = (finished.path / "report.html").read_text()
    assert "validation label: accuracy" in page
    assert "Classes of label" in page


def test_a_resumed_run_ends_in_the_same_bits(finished: Result, tmp_path: Path) -> None:
    path = tmp_path / "run"
    shutil.copytree(finished.path, path)
    (path / "summary.json").unlink()
    for checkpoint in (path / "checkpoints").glob("*-epoch-0003"):
        shutil.rmtree(checkpoint)
    assert resume(path, display=Quiet()).ending == "epochs"
    assert compare(finished.path, path) == []


def test_what_is_streamed_is_what_lies_on_the_device(file: Path) -> None:
    material = material_of(file)
    spec = fusion(file)
    assert spec.train is not None
    steps = make_steps(spec, spec.train, examples=60, batch_size=16)
    feed = feed_of([material], SHARDING, pool_of(material.table("train"), SHARDING))
    state = steps.init(jnp.uint32(1))
    order = steps.order(feed, 0)
    resident = jax.jit(steps.update)(state, feed, order)
    engine = Streamed(steps, [material], SHARDING, jax.devices()[:1])
    engine.compile(state, splits=())
    streamed = engine.advance(jax.tree.map(jnp.copy, state), np.asarray(order), 1)
    for ours, theirs in zip(
        jax.tree.leaves(resident.params), jax.tree.leaves(streamed.params), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_a_step_follows_the_gradient_that_pytorch_has(file: Path) -> None:
    """Cross-entropy of the label and half of the squared error of the angle, by SGD."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    recipe = {"optimizer": "sgd", "learning_rate": 0.1, "standardize": "none"}
    spec = fusion(file, **recipe)
    spec = spec.model_copy(update={"layers": spec.layers[3:]})  # without the convolution
    assert spec.train is not None
    material = material_of(file, **recipe)
    steps = make_steps(spec, spec.train, examples=16, batch_size=16)
    inputs, targets = material.table("train").at(np.arange(16))
    feed = feed_of([material], SHARDING, pool_of(material.table("train"), SHARDING))
    state = steps.init(jnp.uint32(1))
    after = jax.jit(steps.update)(state, feed, jnp.arange(16))

    def weights(params: Any) -> list[np.ndarray]:
        return [np.asarray(leaf) for leaf in jax.tree.leaves(params)]

    old, new = weights(state.params), weights(after.params)
    given = [torch.tensor(each, requires_grad=True) for each in old]
    by_shape = {tuple(each.shape): each for each in given}
    features = torch.tensor(np.concatenate([inputs["image"].reshape(16, -1), inputs["meta"]], 1))
    label = features @ by_shape[38, 3] + by_shape[3,]
    angle = features @ by_shape[38, 1] + by_shape[1,]
    loss = torch.nn.functional.cross_entropy(label, torch.tensor(targets["label"]).long())
    loss = loss + 0.5 * torch.nn.functional.mse_loss(angle, torch.tensor(targets["angle"]))
    loss.backward()
    for before, weight, now in zip(old, given, new, strict=True):
        assert weight.grad is not None
        np.testing.assert_allclose(now, before - 0.1 * weight.grad.numpy(), rtol=1e-5, atol=1e-6)
    totals = jax.device_get(after.totals)
    assert float(totals.loss) / 16 == pytest.approx(loss.item(), rel=1e-5)


def test_it_is_evaluated_and_asked(finished: Result, file: Path) -> None:
    found = evaluate(finished.path, Options())
    figures = found.figures
    assert figures["examples"] == 15
    assert figures["loss"] == pytest.approx(
        figures["label.loss"] + 0.5 * figures["angle.loss"], rel=1e-6
    )
    trained = load_run(finished.path)
    arrays = fusion_arrays()
    answers = trained.predict({"image": arrays["x1"], "meta": arrays["x2"]})
    assert answers["label"].shape == (90, 3)
    np.testing.assert_allclose(answers["label"].sum(1), 1, rtol=1e-5)
    told = [each for each in predict(trained, [file]) if isinstance(each, Prediction)]
    assert [(each.file, each.output) for each in told[:3]] == [
        (f"{file}[0]", "label"), (f"{file}[0]", "angle"), (f"{file}[1]", "label"),
    ]  # fmt: skip
    assert len(told) == 180
    assert told[1].values == pytest.approx(np.asarray(answers["angle"])[0], rel=1e-5)
    assert told[0].decision == str(int(answers["label"][0].argmax()))
    with pytest.raises(UsageError) as caught:
        trained.require_one()
    assert str(caught.value) == (
        f"this is for a network of one input and one output, and that of {finished.path} goes from "
        f"`image`, `meta` to `label`, `angle`: ask it by `cnnkit predict`, or in Python"
    )


def test_a_file_of_weights_says_all_that_a_run_does(finished: Result, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    weights, path = weights_of_run(finished.path), tmp_path / "fusion.safetensors"
    path.write_bytes(written(weights.arrays, weights.metadata()))
    asked = trained_of(weights_of_file(weights.spec, path), path)
    run = load_run(finished.path)
    assert (asked.outputs, asked.prepared_by) == (run.outputs, run.prepared_by)
    assert asked.outputs == {"label": ("0", "1", "2"), "angle": ()}
    assert [naming.names for naming in Naming.of_each(asked)] == [("0", "1", "2"), ("output 0",)]
    with pytest.raises(UsageError) as caught:
        weights.of_files(raw=False)
    assert str(caught.value) == (
        "a model of several inputs takes what the first layers read, and not the values of files: "
        "add --raw"
    )


def test_other_data_are_measured(finished: Result, tmp_path: Path) -> None:
    path = tmp_path / "new.npz"
    np.savez(path, **fusion_arrays(30))
    figures = evaluate(finished.path, Options(), data=Arrays(arrays=str(path))).figures
    assert figures["examples"] == 30
    assert np.sum(figures["outputs"]["label"]["confusion"]) == 30


def test_a_file_without_an_array_is_refused(finished: Result, tmp_path: Path) -> None:
    trained = load_run(finished.path)
    path = tmp_path / "half.npz"
    np.savez(path, x1=np.zeros((2, 6, 6, 1), np.uint8))
    (refused,) = predict(trained, [path])
    assert isinstance(refused, Refused)
    assert refused.problem == f"{path} has no array `x2`: it has x1"
    (refused,) = predict(trained, [tmp_path / "photo.png"])
    assert isinstance(refused, Refused)
    assert "holds one input, and the network takes `x1`, `x2`" in refused.problem


def test_arrays_of_other_lengths_and_shapes_are_told(tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    arrays = fusion_arrays()
    np.savez(path, **{**arrays, "a": arrays["a"][:80]})
    with pytest.raises(DataError) as caught:
        material_of(path)
    (problem,) = caught.value.problems
    assert problem == (
        f"{path}: each example has one of every input and target, and there are 90 of image, "
        f"90 of meta, 90 of target label, 80 of target angle"
    )
    np.savez(path, **{**arrays, "x2": arrays["x2"][:, :1], "y": arrays["y"] % 2})
    with pytest.raises(DataError) as caught:
        material_of(path)
    shape, width = caught.value.problems
    assert shape == (
        "bad.npz has examples of 1, but the network's input is 2: write `input: 1`, or prepare "
        "the data in that shape"
    )
    assert width == (
        "bad.npz has 2 classes, but the network gives 3 scores: give its last layer 2 units"
    )


def test_the_targets_of_all_outputs_are_dealt_out_alike(file: Path) -> None:
    dataset: Dataset = material_of(file).dataset
    order = np.arange(90)[::-1]
    dealt = dataset.with_targets(order)
    for name in ("label", "angle"):
        np.testing.assert_array_equal(
            dealt.outputs[name].train.targets, dataset.outputs[name].train.targets[::-1]
        )
    np.testing.assert_array_equal(dealt.inputs["image"].train.inputs, dataset.train.inputs)


def test_all_images_of_an_example_are_moved_alike() -> None:
    shapes = {"left": (6, 6, 1), "meta": (2,), "right": (6, 6, 3)}
    random = np.random.default_rng(0)
    inputs = {name: random.random((8, *shape)).astype(np.float32) for name, shape in shapes.items()}
    inputs["right"] = 2 * np.repeat(inputs["left"], 3, axis=-1)
    written = [{"flip": "horizontal"}, {"rotate": 30}, {"shift": {"cells": 2, "fill": "edge"}}]
    augment = of_several(Train(augment=written).augment, shapes)
    moved, _ = jax.jit(augment)(jax.random.key(3), inputs, None)
    assert not np.allclose(moved["left"], inputs["left"])
    np.testing.assert_array_equal(moved["meta"], inputs["meta"])
    # Moves are linear in the values, and what comes in at the border is black in both.
    np.testing.assert_allclose(moved["right"], np.repeat(2 * moved["left"], 3, -1), rtol=1e-5)
