"""A run judged on other data, by its curves, its calibration and a threshold for a recall."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as oracle

from cnnkit.errors import DataError, UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.tasks.task import Task
from cnnkit.training import load_run, train
from cnnkit.training.compute.ranking import Answers
from cnnkit.training.compute.threshold import Decision, decide, threshold_for
from cnnkit.training.use.judgement import Scored, Wanted, judgement
from cnnkit.training.view.display import Quiet
from tests.cli.command import Run, runner
from tests.training.bars import bars

Recipe = Callable[..., Spec]
CLASSES = ("left", "middle", "right")


def test_the_threshold_finds_as_much_as_is_asked_for() -> None:
    """Ten of a class with probabilities 1.0 down to 0.1, and ten others between them."""
    marks = np.arange(20) % 2 == 0
    said = 1 - np.arange(20) / 20
    assert threshold_for(marks, said, 1.0) == pytest.approx(0.1)
    assert threshold_for(marks, said, 0.95) == pytest.approx(0.1)
    assert threshold_for(marks, said, 0.9) == pytest.approx(0.2)
    assert threshold_for(marks, said, 0.05) == pytest.approx(1.0)
    found = decide(marks, said, threshold_for(marks, said, 0.9))
    assert found == Decision(found=9, missed=1, alarms=8, passed=2)
    shown = found.to_dict()
    assert (shown["recall"], shown["specificity"]) == (0.9, 0.2)
    assert (shown["precision"], shown["accuracy"]) == (9 / 17, 11 / 20)
    assert shown["f1"] == pytest.approx(2 * 0.9 * (9 / 17) / (0.9 + 9 / 17))
    # Wilson's interval of 9 of 10, as tables have it.
    assert shown["recall_interval"] == pytest.approx([0.5958, 0.9821], abs=5e-5)
    # 0.95 · 20 is 19 in decimals and a little more in bits.
    assert threshold_for(np.ones(20, bool), np.arange(20.0), 0.95) == 1
    none = decide(np.zeros(2, bool), np.array([0.1, 0.2]), 0.5).to_dict()
    assert (none["recall"], none["precision"], none["recall_interval"]) == (None, None, None)


def scored(said: np.ndarray, labels: np.ndarray, margin: float) -> Scored:
    """Scores of a single output, ±margin as is said."""
    scores = (margin * (2.0 * said - 1))[:, None].astype(np.float32)
    return Scored(scores, Answers.of(1 / (1 + np.exp(-scores)), labels, "classes"))


def test_a_temperature_of_a_single_output_comes_from_the_validation_split() -> None:
    """Nine of ten right there at scores of ±2·ln 9: T = 2. One of two here, both at 0.9 then."""
    steps: Any = SimpleNamespace(final="sigmoid", train=None)
    labels = np.arange(40) % 2
    said = np.where(np.arange(40) % 20 < 2, 1 - labels, labels)
    validation = scored(said, labels, 2 * math.log(9))
    test = scored(np.array([0, 1, 0, 1]), np.array([0, 1, 1, 0]), 2 * math.log(9))
    wanted = Wanted(calibrated=True, recall=0.95)
    found = judgement(steps, ("well", "sick"), test, validation, wanted, ())
    assert found.calibration is not None
    assert found.calibration.temperature == pytest.approx(2, rel=1e-3)
    assert found.calibration.error == pytest.approx(81 / 82 - 1 / 2)
    assert found.calibration.mended_error == pytest.approx(0.9 - 1 / 2, abs=1e-3)
    # 18 of 20 sick have the larger probability, and 19 are asked for: all are called sick.
    assert found.threshold is not None
    assert found.threshold.name == "sick"
    assert found.threshold.validation == Decision(found=20, missed=0, alarms=20, passed=0)
    assert [curve.name for curve in found.curves] == ["sick"]


@pytest.mark.parametrize(
    ("wanted", "names", "task", "message"),
    [
        (Wanted(calibrated=True), (), "values", "--calibrate and --recall are of classes, and the"),
        (Wanted(recall=0.5), (), "values", "--calibrate and --recall are of classes, and the netw"),
        (Wanted(calibrated=True), ("sea", "sky"), "labels", "--calibrate is of classes, of which"),
        (Wanted(recall=0.5), ("a", "b", "c"), "classes", "--recall needs a class: write `--recall"),
        (Wanted(recall=0.5, of="ski"), ("sea", "sky"), "labels", "--recall ski: there is no such"),
    ],
)
def test_what_cannot_be_chosen(
    wanted: Wanted, names: tuple[str, ...], task: Task, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        wanted.require(names, task)
    assert str(caught.value).startswith(message)
    Wanted().require(names, task)
    Wanted(recall=0.5, of="sea").require(("sea", "sky"), "labels")


def test_a_split_without_the_class_has_no_threshold() -> None:
    steps: Any = SimpleNamespace(final="sigmoid", train=None)
    well = scored(np.zeros(4), np.zeros(4), 1.0)
    with pytest.raises(DataError) as caught:
        judgement(steps, ("well", "sick"), well, well, Wanted(recall=0.95), ())
    assert str(caught.value) == (
        "the validation split has no example of sick, so that no threshold can be chosen for a "
        "recall"
    )


def write(folder: Path, images: np.ndarray, labels: np.ndarray, names: tuple[str, ...]) -> None:
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / names[label] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)


@pytest.fixture(scope="module")
def trained(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a folder of images, hardly trained, so that it is wrong about some."""
    root = tmp_path_factory.mktemp("judged")
    write(root / "bars", *bars(90), CLASSES)
    spec = recipe(
        data={"images": str(root / "bars")}, split={"validation": 30, "test": 30}, epochs=1,
        learning_rate=0.01,
    )  # fmt: skip
    return train(spec, run_dir=root / "run", display=Quiet()).path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capfd)


def answers(run: Path, images: np.ndarray) -> np.ndarray:
    return np.asarray(load_run(run).predict(images))


def test_other_data_are_told_by_the_names_of_their_classes(
    trained: Path, run: Run, tmp_path: Path
) -> None:
    """The order of names in the data is right, left; the labels of the bars are 0, 2."""
    images, labels = bars(40, seed=8)
    kept = labels != 1
    images, labels = images[kept], labels[kept]
    write(tmp_path / "more", images, labels, ("Z-left", "none", "A-right"))
    said = answers(trained, images)
    right = float((said.argmax(1) == labels).mean())
    names = "left=Z-left,right=A-right"
    arguments = ("evaluate", str(trained), "--data", "more", "--format", "json")
    found = run(*arguments, "--classes", names)
    assert found.code == 0
    assert found.err == (
        "cnnkit: warning: more has no example of the class middle: the figures are of the other 2\n"
    )
    test = json.loads(found.out)["test"]
    assert test["accuracy"] == pytest.approx(right)
    assert [row["name"] for row in test["classes"]] == list(CLASSES)
    assert [row["support"] for row in test["classes"]] == np.bincount(labels).tolist()
    recalls = [float((said.argmax(1) == each)[labels == each].mean()) for each in (0, 2)]
    assert test["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    areas = [oracle.roc_auc_score(labels == each, said[:, each]) for each in (0, 2)]
    assert test["roc_auc"] == pytest.approx(np.mean(areas))
    assert test["classes"][1]["roc_auc"] is None

    refused = run(*arguments)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        "cnnkit: more has the classes A-right, Z-left, and the network knows left, middle, right: "
        "say which they are, `--classes left=A-right`, or leave their examples out\n"
    )


def test_labels_without_names_are_numbers(recipe: Recipe, run: Run, tmp_path: Path) -> None:
    """A run on whole numbers, measured on examples of its last class alone."""
    images, labels = bars(30)
    np.savez(tmp_path / "all.npz", x=images, y=labels)
    np.savez(tmp_path / "last.npz", x=images[labels == 2], y=labels[labels == 2])
    kept = train(
        recipe(data={"arrays": str(tmp_path / "all.npz")}, split={"validation": 6, "test": 6}),
        run_dir=tmp_path / "run",
        display=Quiet(),
    ).path
    found = run("evaluate", str(kept), "--data", "last.npz", "--format", "json")
    test = json.loads(found.out)["test"]
    said = answers(kept, images[labels == 2]).argmax(1)
    assert test["accuracy"] == pytest.approx(float((said == 2).mean()))
    assert [row["support"] for row in test["classes"]] == [0, 0, 10]
    assert test["roc_auc"] is None


def test_curves_calibration_and_a_threshold(trained: Path, run: Run, tmp_path: Path) -> None:
    images, labels = bars(60, seed=4)
    write(tmp_path / "more", images, labels, CLASSES)
    arguments = ("evaluate", str(trained), "--data", "more", "--calibrate")
    found = run(*arguments, "--recall", "right=0.9", "--output", "out", "--format", "json")
    assert found.code == 0, found.err
    shown = json.loads(found.out)
    kept = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert {**shown, "curves": kept["curves"]} == kept
    said = answers(trained, images)
    assert [each["name"] for each in kept["curves"]] == list(CLASSES)
    for index, curve in enumerate(kept["curves"]):
        false, true, _ = oracle.roc_curve(labels == index, said[:, index])
        assert curve["roc"]["false_positive_rate"] == pytest.approx(false.tolist())
        assert curve["roc"]["recall"] == pytest.approx(true.tolist())
        area = oracle.average_precision_score(labels == index, said[:, index])
        assert curve["average_precision"] == pytest.approx(area)

    # The threshold is that of the validation split of the run, which it keeps by file.
    parts = json.loads((trained / "files.json").read_text())
    names = sorted(parts["validation"])
    folder = trained.parent / "bars"
    own = np.stack([np.asarray(Image.open(folder / name))[..., None] for name in names])
    of_right = np.array([name.startswith("right/") for name in names])
    scores = answers(trained, own)[:, 2]
    threshold = shown["threshold"]
    expected = sorted(scores[of_right], reverse=True)[int(np.ceil(0.9 * of_right.sum())) - 1]
    assert threshold["value"] == pytest.approx(expected, abs=1e-5)
    assert threshold["class"] == "right"
    assert threshold["validation"]["recall"] >= 0.9
    called = said[:, 2] >= threshold["value"] - 1e-6
    assert threshold["test"]["found"] == int((called & (labels == 2)).sum())
    assert threshold["test"]["alarms"] == int((called & (labels != 2)).sum())

    calibration = shown["calibration"]
    assert calibration["error"] == pytest.approx(shown["test"]["calibration_error"])
    assert sum(each["examples"] for each in calibration["bins"]) == 60
    assert 0.01 < calibration["temperature"] < 100
    with (tmp_path / "out" / "wrong.csv").open(newline="") as file:
        _, *rows = csv.reader(file)
    assert len(rows) == int((said.argmax(1) != labels).sum())
    pictures = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert pictures == {"confusion.png", "roc.png", "precision-recall.png", "reliability.png"}

    text = run(*arguments, "--recall", "right=0.9").out
    assert "expected calibration error" in text
    lines = text.splitlines()
    assert (
        f"threshold {threshold['value']:.4g} of right, chosen on the validation split for a recall "
        f"of 90.00 %"
    ) in lines
    assert [line.partition(" ")[0] for line in lines if "false alarms: recall" in line] == [
        "validation:", "test:",
    ]  # fmt: skip
    table = [line.split()[0] for line in lines if line]
    assert table[table.index("class") + 1 :][:6] == [*CLASSES, "micro", "macro", "weighted"]


def test_a_file_of_weights_is_judged_like_its_run(trained: Path, run: Run) -> None:
    assert run("export", str(trained), "--to", "safetensors", "--output", "w.safetensors").code == 0
    asked = ("--data", str(trained.parent / "bars"), "--recall", "left=0.8", "--format", "json")
    own = run("evaluate", str(trained), *asked)
    spec = str(trained / "spec.yaml")
    file = run("evaluate", spec, "--weights", "w.safetensors", *asked)
    assert (own.code, file.code) == (0, 0), file.err
    one, other = (json.loads(each.out) for each in (own, file))
    assert other["threshold"]["value"] == pytest.approx(one["threshold"]["value"], abs=1e-6)
    assert other["threshold"]["test"] == one["threshold"]["test"]
    assert other["test"]["roc_auc"] == pytest.approx(one["test"]["roc_auc"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--recall", "0.9"), "--recall needs a class: write `--recall left=0.95`"),
        (
            ("--recall", "rihgt=0.9"),
            "--recall rihgt: there is no such class; did you mean `right`?",
        ),
        (
            ("--recall", "right=90"),
            "--recall right=90: write a part above 0 and up to 1, as in 0.95, or sick=0.95",
        ),
        (("--recall", "right=all"), "--recall right=all: write a part above 0 and up to 1"),
        (("--classes", "left=x"), "--classes names those of other data: name these by --data"),
        (
            ("--data", "digits", "--classes", "left"),
            "--classes left: write OURS=THEIRS, as in cat=Cat,dog=Dog",
        ),
        (
            ("--data", "digits", "--classes", "left=1,right=1"),
            "--classes left=1,right=1: a name stands there twice; name each class once",
        ),
    ],
)
def test_wrong_usage(trained: Path, run: Run, options: tuple[str, ...], message: str) -> None:
    found = run("evaluate", str(trained), *options)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"cnnkit: {message}")
    assert not (trained / "looks.json").exists()  # the test split stays sealed


def test_what_has_no_classes_has_no_threshold(recipe: Recipe, run: Run, tmp_path: Path) -> None:
    images, labels = bars(30)
    np.savez(tmp_path / "bars.npz", x=images, y=np.eye(3, dtype=np.float32)[labels])
    fields = {
        "data": {"arrays": str(tmp_path / "bars.npz")},
        "split": {"validation": 6, "test": 6},
        "loss": "mean_squared_error",
        "epochs": 1,
    }
    kept = str(train(recipe(**fields), run_dir=tmp_path / "run", display=Quiet()).path)
    found = run("evaluate", kept, "--calibrate")
    assert (found.code, found.out) == (2, "")
    assert found.err == (
        "cnnkit: --calibrate and --recall are of classes, and the network has none\n"
    )
    whole = run("evaluate", kept, "--output", "out", "--format", "json")
    assert json.loads(whole.out)["calibration"] is None
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["evaluation.json"]
