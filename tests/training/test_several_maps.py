"""A network of several outputs of which one is a map, from its training to its predictions."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image

from cnnkit.checking.admission import findings_of
from cnnkit.spec.language.faults import Faults
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.data import read_data
from cnnkit.spec.model.training.objective import read_loss
from cnnkit.spec.reading import load, read
from cnnkit.training.completion import Result
from cnnkit.training.compute.augmentation import make_augmentation, of_several
from cnnkit.training.options import Options
from cnnkit.training.prepare.material import prepare
from cnnkit.training.prepare.resolution import outputs_of
from cnnkit.training.run import train
from cnnkit.training.store.data_record import OutputRecord
from cnnkit.training.use.evaluation import evaluate
from cnnkit.training.use.prediction import Prediction, predict
from cnnkit.training.use.trained import load_run
from cnnkit.training.view.display import Quiet
from tests.cli.command import Run

COUNT = 24
LOSSES: dict[str, Any] = {
    "label": "categorical_cross_entropy",
    "mask": ["dice", {"categorical_cross_entropy": 0.5}],
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Squares, dark or bright, on a border that counts nowhere; and where they are."""
    random = np.random.default_rng(0)
    inputs = random.random((COUNT, 6, 6, 1)).astype(np.float32) / 4
    label = np.arange(COUNT) % 2
    masks = np.zeros((COUNT, 6, 6), np.uint8)
    for number in range(COUNT):
        top, left = random.integers(1, 3, 2)
        window = number, slice(top, top + 3), slice(left, left + 3)
        masks[window] = 1
        inputs[window] += 0.4 + 0.4 * label[number]
    masks[:, 0] = 255
    path = tmp_path_factory.mktemp("data") / "squares.npz"
    np.savez(path, x=inputs, also=1 - inputs, label=label, mask=masks)
    return path


def spec_of(file: Path, *, several: bool = False, **fields: Any) -> Spec:
    recipe = {
        "data": {
            "arrays": str(file),
            "inputs": {"image": "x", "negative": "also"} if several else "x",
            "targets": {"label": "label", "mask": "mask"},
            "ignore": 255,
        },
        "split": {"validation": 6, "test": 6},
        "loss": LOSSES,
        "loss_weights": {"label": 0.5},
        "augment": ["flip"],
        "optimizer": "adam",
        "learning_rate": 0.03,
        "epochs": 3,
        "batch_size": 8,
    }
    inputs: dict[str, Any] = {"input": "6x6x1"}
    layers: list[Any] = [{"merge": {"with": "negative"}}] if several else []
    layers += [
        {"conv": {"filters": 4, "kernel": 3, "padding": "same", "activation": "relu"}},
        {"save": "seen"},
        {"conv": {"filters": 2, "kernel": 1}},
        {"output": "mask"},
        {"load": "seen"},
        "global_mean_pool",
        {"dense": {"units": 2}},
        {"output": "label"},
    ]
    if several:
        inputs = {"inputs": {"image": "6x6x1", "negative": "6x6x1"}}
    return load({**inputs, "layers": layers, "train": {**recipe, **fields}})


@pytest.fixture(scope="module")
def finished(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A run that came to its end."""
    return train(spec_of(file), run_dir=tmp_path_factory.mktemp("runs") / "run", display=Quiet())


def test_each_output_has_the_metrics_of_its_task(finished: Result) -> None:
    assert finished.summary is not None
    figures = finished.summary["validation"]
    assert figures["loss"] == pytest.approx(
        0.5 * figures["label.loss"] + figures["mask.loss"], rel=1e-5
    )
    assert "mask.accuracy" not in figures
    mask = figures["outputs"]["mask"]
    assert mask["pixels"] == 6 * 30  # without the row that counts nowhere
    assert figures["mask.mean_iou"] == pytest.approx(
        np.mean([row["iou"] for row in mask["classes"]])
    )
    assert [row["name"] for row in figures["outputs"]["label"]["classes"]] == ["0", "1"]
    with (finished.path / "examples.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert {row["metric"] for row in rows} == {"mask.mean_iou"}
    assert len(rows) == 6
    assert (finished.path / "samples.png").exists()
    page = (finished.path / "report.html").read_text()
    assert "<h2>Classes of mask</h2>" in page
    assert "<th>IoU</th>" in page


def test_the_test_split_is_measured_alike(finished: Result) -> None:
    found = evaluate(finished.path, Options())
    assert found.figures["outputs"]["mask"]["pixels"] == 6 * 30
    assert 0 <= found.figures["mask.mean_iou"] <= 1
    assert found.judgement is None


def test_maps_are_written_and_classes_told(finished: Result, file: Path, tmp_path: Path) -> None:
    with np.load(file) as arrays:
        np.save(tmp_path / "three.npy", arrays["x"][:3])
    trained = load_run(finished.path)
    found = list(predict(trained, [tmp_path / "three.npy"]))
    assert [each.output for each in found if isinstance(each, Prediction)] == ["label", "mask"] * 3
    label, mask = found[:2]
    assert isinstance(mask, Prediction)
    assert isinstance(label, Prediction)
    assert mask.map is not None
    assert label.map is None
    said = trained.predict(np.load(tmp_path / "three.npy"))
    np.testing.assert_array_equal(mask.map, np.asarray(said["mask"])[0].argmax(-1))
    assert mask.values == pytest.approx(np.bincount(mask.map.reshape(-1), minlength=2) / 36)
    assert label.values[0] == pytest.approx(float(np.max(said["label"][0])), rel=1e-5)


def test_the_command_names_files_by_the_output(
    run: Run, finished: Result, file: Path, tmp_path: Path
) -> None:
    with np.load(file) as arrays:
        np.save(tmp_path / "two.npy", arrays["x"][:2])
    folder = tmp_path / "maps"
    ran = run(
        "predict", str(finished.path), str(tmp_path / "two.npy"),
        "--maps", str(folder), "--overlay", "--format", "csv",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0] == "file,output,name,value,map,error"
    assert sorted(path.name for path in folder.iterdir()) == [
        "two-0-mask-overlay.png", "two-0-mask.png", "two-1-mask-overlay.png", "two-1-mask.png",
    ]  # fmt: skip
    with Image.open(folder / "two-0-mask.png") as picture:
        assert picture.size == (6, 6)


def test_masks_move_with_all_images() -> None:
    """What was bright in both images before is of class 1 after, and at the same places."""
    masks = (np.random.default_rng(1).random((8, 6, 6)) > 0.5).astype(np.int16)
    images = np.repeat(masks[..., None], 2, -1).astype(np.float32)
    inputs = {"a": images[..., :1], "b": images[..., 1:]}
    targets = {"mask": masks, "label": np.arange(8)}
    recipe = Train(augment=["flip"]).augment
    augment = of_several(recipe, {"a": (6, 6, 1), "b": (6, 6, 1)}, maps=("mask",))
    changed, moved = augment(jax.random.key(0), inputs, targets)
    np.testing.assert_array_equal(changed["a"][..., 0], moved["mask"])
    np.testing.assert_array_equal(changed["b"][..., 0], moved["mask"])
    assert (np.asarray(moved["mask"]) != masks).any()
    np.testing.assert_array_equal(moved["label"], np.arange(8))
    alone, mapped = make_augmentation(recipe, (6, 6, 2), maps=("mask",))(
        jax.random.key(0), images, targets
    )
    np.testing.assert_array_equal(alone[..., 0], mapped["mask"])


def test_several_inputs_with_a_mask_are_read(file: Path) -> None:
    spec = spec_of(file, several=True)
    assert spec.train is not None
    material = prepare(spec, spec.train, outputs_of(spec), data_dir=None)
    inputs, targets = material.table("train").at(np.arange(2))
    assert inputs["negative"].shape == (2, 6, 6, 1)
    assert targets["mask"].dtype == np.int16
    assert (targets["mask"][:, 0] == -1).all()
    record = material.record(spec.train)
    assert record.outputs == dict.fromkeys(("label", "mask"), OutputRecord(("0", "1"), False))
    assert record.multi_label is False
    assert record.labels == {"label": False, "mask": False}


TEXT = """\
input: 6x6x1
layers:
  - conv: {filters: 4, kernel: 3, padding: same, activation: relu}
  - save: seen
  - conv: {filters: 2, kernel: 1}
  - output: mask
  - load: seen
  - global_mean_pool
  - dense: {units: 2}
  - output: label
train:
  data: {arrays: a.npz, inputs: x, targets: {label: y, mask: m}}
  loss: {label: categorical_cross_entropy, mask: [{dice: 1}, {categorical_cross_entropy: 0.5}]}
"""


@pytest.mark.parametrize(
    ("old", "new", "message", "line"),
    [
        (
            "label: categorical_cross_entropy",
            "label: dice",
            "dice compares the pixels of maps, and `label` gives one vector of 2 scores",
            13,
        ),
        (
            "mask: [{dice: 1}, {categorical_cross_entropy: 0.5}]}",
            "mask: focal}\n  early_stopping: {metric: mask.accuracy}",
            "`early_stopping` watches `mask.accuracy`, and `mask` answers for each pixel",
            14,
        ),
    ],
)
def test_what_does_not_fit_an_output_is_told(old: str, new: str, message: str, line: int) -> None:
    assert [each for each in findings_of(read(TEXT)) if each.level == "error"] == []
    found = [each for each in findings_of(read(TEXT.replace(old, new))) if each.level == "error"]
    assert [each.message for each in found] == [message]
    assert found[0].location is not None
    assert found[0].location.line == line


def test_a_sum_of_an_output_is_written_as_it_was_read() -> None:
    loss = read_loss(LOSSES)
    assert loss.written() == LOSSES
    with pytest.raises(Faults) as caught:
        read_loss(["contrastive", "dice"])
    assert caught.value.faults[0].message == (
        "`contrastive` compares 2 outputs, and is no part of a sum"
    )


def test_masks_of_several_folders_are_refused() -> None:
    with pytest.raises(Faults) as caught:
        read_data({"images": {"a": "left", "b": "right"}, "masks": "masks"})
    assert caught.value.faults[0].message == (
        "`masks` is of the images of one folder, and `images` names several inputs"
    )
