"""Images that a table lists are trained on, measured, cross-validated and searched over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from PIL import Image

from tests.cli.command import Run, runner
from tests.training.bars import bars

NAMES = ("left", "middle", "right")
COUNT = 48


class Kind(NamedTuple):
    """What the targets are: their columns, the fields of the data, the network's end, the loss."""

    header: str
    cells: tuple[str, str, str]
    data: dict[str, Any]
    units: int
    train: dict[str, Any]
    metric: str
    most: float | None


KINDS = {
    "classes": Kind("label", NAMES, {}, 3, {}, "accuracy", None),
    "labels": Kind(
        "tags",
        ("left|dark", "dark", "right"),
        {"target": "tags", "separator": "|"},
        3,
        {"loss": "binary_cross_entropy"},
        "accuracy",
        None,
    ),
    "values": Kind(
        "angle",
        ("-1.5", "0", "1.5"),
        {"target": "angle"},
        1,
        {"loss": "mean_squared_error"},
        "mean_squared_error",
        0.5,
    ),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A kind of targets, the folder of its files, and its spec there."""
    folder = tmp_path_factory.mktemp("listed")
    chosen = KINDS[request.param]
    (folder / "images").mkdir()
    lines = [f"Image,{chosen.header}"]
    for number, (image, label) in enumerate(zip(*bars(COUNT), strict=True)):
        Image.fromarray(image[..., 0]).save(folder / "images" / f"{number:02}.png")
        lines.append(f"{number:02}.png,{chosen.cells[label]}")
    (folder / "labels.csv").write_text("\n".join(lines))
    spec = {
        "name": "bars",
        "input": "6x6x1",
        "layers": ["flatten", {"dense": {"units": chosen.units}}],
        "train": {
            "data": {"csv": "labels.csv", "folder": "images", **chosen.data},
            "split": {"validation": 12, "test": 12},
            "epochs": 10,
            "batch_size": 12,
            "learning_rate": 0.05,
            "optimizer": "adam",
            **chosen.train,
        },
        "search": {"train.learning_rate": [0.05], "settings": {"method": "grid"}},
    }
    (folder / "spec.yaml").write_text(yaml.safe_dump(spec))
    return chosen, folder


@pytest.fixture
def cnnkit(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capfd)


def test_it_is_trained_and_measured(kind: tuple[Kind, Path], cnnkit: Run) -> None:
    chosen, folder = kind
    spec, kept = str(folder / "spec.yaml"), str(folder / "run")
    shown = cnnkit("data", "show", spec, "--format", "json")
    assert json.loads(shown.out)["examples"] == {"train": 24, "validation": 12, "test": 12}
    assert cnnkit("train", spec, "--run-dir", kept).code == 0
    summary = json.loads((folder / "run" / "summary.json").read_text())
    _require(summary["validation"][chosen.metric], chosen)
    found = cnnkit("evaluate", kept, "--format", "json")
    _require(json.loads(found.out)["test"][chosen.metric], chosen)
    # Another table in another folder, its columns called the same.
    (folder / "images" / "more.csv").write_text((folder / "labels.csv").read_text())
    more = cnnkit(
        "evaluate", kept, "--data", str(folder / "images" / "more.csv"), "--format", "json"
    )
    figures = json.loads(more.out)["test"]
    assert figures["examples"] == COUNT
    _require(figures[chosen.metric], chosen)
    assert "36 of 48 images are among those that the run was trained or" in more.err
    said = cnnkit("predict", kept, str(folder / "images" / "00.png"), "--format", "json")
    (first,) = json.loads(said.out)
    if chosen is KINDS["classes"]:
        assert first["predictions"][0]["name"] == "left"


def test_it_is_cross_validated_and_searched(kind: tuple[Kind, Path], cnnkit: Run) -> None:
    chosen, folder = kind
    spec = str(folder / "spec.yaml")
    folds = cnnkit("cross-validate", spec, "--folds", "3", "--run-dir", str(folder / "cv"))
    assert folds.code == 0, folds.err
    found = json.loads((folder / "cv" / "summary.json").read_text())
    _require(found["mean"][chosen.metric], chosen)
    if chosen is KINDS["labels"]:  # a search reads data as cross-validation does
        searched = cnnkit("search", spec, "--run-dir", str(folder / "search"))
        assert searched.code == 0, searched.err
        assert "trial   0  learning_rate=0.05  accuracy 100.00 %" in searched.out


def _require(value: float, kind: Kind) -> None:
    assert value >= 0.9 if kind.most is None else value < kind.most
