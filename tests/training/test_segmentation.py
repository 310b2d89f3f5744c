"""Whole runs that answer for each pixel: trained, resumed, measured, asked, cross-validated."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnkit.errors import UsageError
from cnnkit.network.weights import arrays_of, put_arrays
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import load
from cnnkit.tasks.task import IGNORED
from cnnkit.training.compute.boundary import Borders
from cnnkit.training.compute.maps import Grid, grids_of, on_grid
from cnnkit.training.options import Options
from cnnkit.training.prepare.resolution import recipe_of
from cnnkit.training.proof.resume import compare
from cnnkit.training.run import resume, train
from cnnkit.training.use.evaluation import evaluate
from cnnkit.training.use.judgement import Wanted
from cnnkit.training.use.naming import Naming
from cnnkit.training.use.prediction import Prediction, Refused, predict
from cnnkit.training.use.trained import load_run
from cnnkit.training.view.display import Quiet
from cnnkit.training.view.samples import Sample, save_samples
from tests.cli.command import Run, runner
from tests.training.test_run import Interrupting

Made = Callable[..., Spec]
COUNT = 22
RECIPE: dict[str, Any] = {
    "augment": ["flip", {"shift": 1}, {"rotate": 20}, {"resized_crop": [0.5, 1]}, {"noise": 0.02}],
    "boundary_weights": {"w0": 3, "sigma": 2},
    "epochs": 6,
}


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright squares on noise, of two sizes of brightness: two classes and the background."""
    random = np.random.default_rng(0)
    inputs = random.random((COUNT, 8, 8, 1)).astype(np.float32) / 4
    masks = np.zeros((COUNT, 8, 8), np.uint8)
    for number in range(COUNT):
        top, left = random.integers(0, 5, 2)
        window = number, slice(top, top + 4), slice(left, left + 4)
        masks[window] = 1 + number % 2
        inputs[window] += 0.4 + 0.3 * (number % 2)
    masks[:, 0, 0] = 255
    path = tmp_path_factory.mktemp("maps") / "squares.npz"
    np.savez(path, x=inputs, y=masks)
    return path


@pytest.fixture(scope="module")
def made(arrays: Path) -> Made:
    """Makes the spec of a small network of maps."""

    def make(layers: Any = None, outputs: int = 3, **fields: Any) -> Spec:
        recipe = {
            "data": {"arrays": str(arrays), "ignore": 255},
            "split": {"validation": 5, "test": 5},
            "loss": ["dice", {"categorical_cross_entropy": 0.5}],
            "optimizer": "adam",
            "learning_rate": 0.02,
            "epochs": 2,
            "batch_size": 8,
        }
        return load(
            {
                "name": "squares",
                "input": "8x8x1",
                "layers": layers
                or [
                    {"conv": {"filters": 6, "kernel": 3, "padding": "same", "activation": "relu"}},
                    {"conv": {"filters": outputs, "kernel": 1}},
                ],
                "train": {**recipe, **fields},
            }
        )

    return make


@pytest.fixture(scope="module")
def run(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "squares"
    train(made(**RECIPE), run_dir=path, display=Quiet())
    return path


def test_a_run_is_told_by_its_pixels(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    found = summary["validation"]
    assert summary["monitor"] == "mean_iou"
    assert found["examples"] == 5
    assert found["pixels"] == 5 * 63 == np.sum(found["confusion"])
    assert [row["name"] for row in found["classes"]] == ["0", "1", "2"]
    matrix = np.array(found["confusion"])
    union = matrix.sum(0) + matrix.sum(1) - matrix.diagonal()
    iou = [row["iou"] for row in found["classes"]]
    np.testing.assert_allclose(iou, matrix.diagonal() / union)
    assert found["mean_iou"] == pytest.approx(np.mean(iou))
    assert 0 < found["boundary_f1"] <= 1
    assert "the mean IoU is " in summary["diagnosis"]["reason"]
    rows = list(csv.DictReader((run / "examples.csv").read_text().splitlines()))
    assert [row["split"] for row in rows] == ["validation"] * 5
    values = [float(row["value"]) for row in rows]
    assert values == sorted(values)
    assert not (run / "wrong.csv").exists()
    page = (run / "report.html").read_text()
    assert "<th>IoU</th><th>Dice</th>" in page
    assert "Best, median and worst" in page


def test_it_learns(run: Path) -> None:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    first, *_, last = (json.loads(line)["train"] for line in lines)
    assert last["loss"] < first["loss"]
    assert last["mean_iou"] > first["mean_iou"]


def test_evaluation_agrees_with_what_is_predicted(run: Path, arrays: Path) -> None:
    found = evaluate(run, Options())
    split = json.loads((run / "split.json").read_text())
    assert found.figures["examples"] == split["test"]["examples"] == 5
    whole = evaluate(run, Options(), data=recipe_of(load_run(run).spec).data)
    said = np.asarray(load_run(run).predict(np.load(arrays)["x"])).argmax(-1)
    true = np.load(arrays)["y"]
    kept = true != 255
    matrix = np.zeros((3, 3), int)
    np.add.at(matrix, (true[kept], said[kept]), 1)
    np.testing.assert_array_equal(whole.figures["confusion"], matrix)
    masks = np.where(kept, true.astype(np.int16), IGNORED)
    borders = Borders.of(zip(masks, said, strict=True), 3)
    assert whole.figures["boundary_f1"] == borders.mean_f1
    assert whole.figures["examples"] == COUNT
    with pytest.raises(UsageError, match="--calibrate and --recall are of classes of whole"):
        evaluate(run, Options(), wanted=Wanted(calibrated=True))


@pytest.fixture
def cnnkit(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(monkeypatch, capfd)


def test_masks_are_written(cnnkit: Run, run: Path, arrays: Path, tmp_path: Path) -> None:
    said = np.asarray(load_run(run).predict(np.load(arrays)["x"])).argmax(-1)
    asked = ("predict", str(run), str(arrays), "--maps", str(tmp_path / "png"), "--overlay")
    done = cnnkit(*asked, "-f", "jsonl")
    assert (done.code, done.err) == (0, "")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["map"] for row in rows] == [
        str(tmp_path / f"png/squares-{number}.png") for number in range(COUNT)
    ]
    parts = {each["name"]: each["value"] for each in rows[3]["predictions"]}
    assert parts == {str(label): float((said[3] == label).mean()) for label in range(3)}
    with Image.open(tmp_path / "png/squares-3.png") as mask:
        assert mask.mode == "P"
        assert (mask.getpalette() or [])[3:6] == [128, 0, 0]
        np.testing.assert_array_equal(np.asarray(mask), said[3])
    with Image.open(tmp_path / "png/squares-3-overlay.png") as overlay:
        assert overlay.size == (8, 8)
        grey = np.ptp(np.asarray(overlay).astype(int), axis=-1) == 0
        np.testing.assert_array_equal(grey, said[3] == 0)
    done = cnnkit(*asked[:3], "--maps", str(tmp_path), "--as", "npy", "-f", "csv")
    assert done.out.splitlines()[0] == "file,part of 0,part of 1,part of 2,map,error"
    np.testing.assert_array_equal(np.load(tmp_path / "squares-7.npy"), said[7])
    (first, *_) = predict(load_run(run), [arrays])
    assert isinstance(first, Prediction)
    assert first.map is not None
    np.testing.assert_array_equal(first.map, said[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--top", "2"], "--top is of classes of whole examples: the network gives maps"),
        (["--overlay"], "--overlay is about the files of maps: say where to, --maps DIR"),
        (["--threshold", "0.5"], "a threshold is of classes of whole examples"),
    ],
)
def test_what_predictions_of_maps_do_not_have(
    cnnkit: Run, run: Path, arrays: Path, options: list[str], message: str
) -> None:
    done = cnnkit("predict", str(run), str(arrays), *options)
    assert done.code == 2
    assert message in done.err


def test_maps_of_no_numbers_are_refused(run: Path, arrays: Path, tmp_path: Path) -> None:
    """The classes of their pixels would be numbers."""
    trained = load_run(run)
    whole = arrays_of(trained.network)
    put_arrays(trained.network, {name: np.full_like(each, np.nan) for name, each in whole.items()})
    np.save(tmp_path / "two.npy", np.load(arrays)["x"][:2])
    found = list(predict(trained, [tmp_path / "two.npy"]))
    assert len(found) == 2
    for number, each in enumerate(found):
        assert isinstance(each, Refused)
        assert each.file == f"{tmp_path / 'two.npy'}[{number}]"
        assert ": the network gives NaN or infinite values for it, " in each.problem


def test_it_is_not_served(run: Path) -> None:
    with pytest.raises(UsageError, match="the network answers for each pixel: `cnnkit predict RUN"):
        Naming.of(load_run(run))


def test_a_run_that_is_streamed_goes_on_in_the_same_bits(
    made: Made, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnkit.data.dataset.Dataset.fits_on_device", lambda *_: False)
    stopped = train(made(**RECIPE), run_dir=tmp_path / "run", display=Interrupting(2))
    assert stopped.ending == "interrupted"
    assert compare(resume(stopped.path, display=Quiet()).path, run) == []


@pytest.mark.long
def test_a_run_of_images_goes_on_in_the_same_bits(made: Made, tmp_path: Path) -> None:
    fields = {"target": "input", "loss": "mean_squared_error", "augment": ["flip", {"noise": 0.1}]}
    spec = made(outputs=1, epochs=4, **fields)
    whole = train(spec, run_dir=tmp_path / "whole", display=Quiet())
    stopped = train(spec, run_dir=tmp_path / "stopped", display=Interrupting(2))
    assert stopped.ending == "interrupted"
    assert compare(resume(stopped.path, display=Quiet()).path, whole.path) == []


def test_one_output_of_a_network_without_padding(made: Made, arrays: Path, tmp_path: Path) -> None:
    """The middle of the target is asked for; a side output is asked where it lies."""
    layers = [
        {"conv": {"filters": 6, "kernel": 3, "activation": "relu"}},
        {"head": {"layers": [{"conv": {"filters": 1, "kernel": 2, "stride": 2}}]}},
        {"conv": {"filters": 1, "kernel": 3}},
    ]
    both = np.load(arrays)
    yes = np.where(both["y"] == 2, 1, both["y"])
    np.savez(tmp_path / "two.npz", x=both["x"], y=yes)
    spec = made(
        layers,
        data={"arrays": str(tmp_path / "two.npz"), "ignore": 255},
        loss=["dice", "binary_cross_entropy"],
        class_weights="balanced",
        boundary_weights={"w0": 3},
        epochs=1,
    )
    grids, sides = grids_of(spec)
    (grid,) = grids.values()
    assert grid == Grid((4, 4), (1, 1))
    assert sides == (Grid((3, 3), (2, 2)),)
    targets = np.arange(64).reshape(1, 8, 8)
    np.testing.assert_array_equal(on_grid(targets, grid), targets[:, 2:6, 2:6])
    np.testing.assert_array_equal(on_grid(targets, sides[0]), targets[:, 1:6:2, 1:6:2])
    found = train(spec, run_dir=tmp_path / "run", display=Quiet())
    assert found.summary is not None
    assert [row["name"] for row in found.summary["validation"]["classes"]] == ["0", "1"]
    assert found.summary["validation"]["pixels"] == 5 * 16  # the pixel that is ignored is cut off


def test_images_are_denoised(cnnkit: Run, made: Made, arrays: Path, tmp_path: Path) -> None:
    spec = made(
        outputs=1,
        target="input",
        loss=["mean_squared_error", {"ssim": 0.1}],
        augment=[{"noise": 0.1}],
        epochs=2,
    )
    found = train(spec, run_dir=tmp_path / "run", display=Quiet())
    assert found.summary is not None
    assert found.summary["monitor"] == "psnr"
    assert {"psnr", "ssim", "mean_squared_error"} < set(found.summary["validation"])
    trained = load_run(tmp_path / "run")
    inputs = np.load(arrays)["x"]
    said = np.asarray(trained.predict(inputs))
    judged = evaluate(tmp_path / "run", Options(), data=recipe_of(trained.spec).data)
    error = np.square(said - inputs).mean((1, 2, 3))
    assert judged.figures["psnr"] == pytest.approx((-10 * np.log10(error)).mean(), rel=1e-4)
    done = cnnkit("predict", str(tmp_path / "run"), str(arrays), "--maps", str(tmp_path / "out"))
    assert (done.code, done.err) == (0, "")
    with Image.open(tmp_path / "out/squares-2.png") as image:
        expected = np.rint(255 * np.clip(said[2, ..., 0], 0, 1))
        np.testing.assert_allclose(np.asarray(image), expected, atol=1)


def test_samples_are_drawn(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((6, 6, 3))
    mask = np.arange(36).reshape(6, 6).astype(np.int16) % 3 - 1
    volume = np.stack([image] * 3)
    save_samples(
        tmp_path / "samples.png",
        [Sample("best", image, mask, mask), Sample("worst", volume, np.stack([mask] * 3), mask)],
    )
    with Image.open(tmp_path / "samples.png") as drawn:
        colours = {colour for _, colour in drawn.convert("RGB").getcolors(1 << 24) or []}
    assert {(128, 0, 0), (0, 128, 0)} & colours


def test_samples_tell_which_colour_is_which_class(tmp_path: Path) -> None:
    """Those that are seen, in their order; of several outputs each by its name."""
    image, mask = np.zeros((4, 4, 1)), np.zeros((4, 4), np.int16)
    true, said = mask.copy(), mask + 3
    true[0], true[1] = 1, IGNORED
    other = Sample("other", image, mask, np.ones_like(mask), ("no", "yes"))
    values = Sample("values", image, image, image)
    samples = [Sample("best", image, true, said, ("ground", "cell", "core")), other, values]
    save_samples(tmp_path / "samples.svg", samples)
    written = re.findall("<!-- (.*) -->", (tmp_path / "samples.svg").read_text())
    assert written[-4:] == ["ignored", "ground, no", "cell, yes", "3"]
    save_samples(tmp_path / "values.svg", [values])
    assert "ignored" not in (tmp_path / "values.svg").read_text()
