"""The table of the examples that a network is wrong about."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnkit.errors import UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.training import Options, load_run, train
from cnnkit.training.compute.ranking import Answers
from cnnkit.training.prepare.material import prepare
from cnnkit.training.store.wrong import HEADER, Wrong, write_wrong, wrong_answers
from cnnkit.training.use.attribution import write_attributions
from cnnkit.training.view.display import Quiet
from tests.training.bars import bars

Recipe = Callable[..., Spec]


def test_wrong_answers_are_listed_the_surest_first(recipe: Recipe) -> None:
    spec = recipe()
    assert spec.train is not None
    material = prepare(spec, spec.train, 3, data_dir=None)
    indices = np.array([11, 5, 40, 7])
    material = replace(material, splits=replace(material.splits, test=indices))
    said = np.array([[0.5, 0.3, 0.2], [0.1, 0.9, 0.0], [0.2, 0.2, 0.6], [0.3, 0.4, 0.3]])
    answers = Answers.of(said, np.array([0, 0, 1, 2]), "classes")
    assert wrong_answers(material, "test", answers, ["a", "b", "c"]) == [
        Wrong("test", "5", "a", "b", 0.9),
        Wrong("test", "40", "b", "c", 0.6),
        Wrong("test", "7", "c", "b", 0.4),
    ]
    yes = Answers.of(np.array([[0.4], [0.5], [0.7], [0.8]]), np.array([1, 0, 0, 1]), "classes")
    assert wrong_answers(material, "test", yes, ["well", "sick"]) == [
        Wrong("test", "40", "well", "sick", 0.7),
        Wrong("test", "11", "sick", "well", 0.6),
    ]
    labels = Answers.of(
        np.array([[0.75, 0.5], [0.25, 1.0]]), np.array([[0.0, 0.0], [1.0, 1.0]]), "labels"
    )
    assert wrong_answers(material, "test", labels, ["sea", "sky"]) == [
        Wrong("test", "11", "not sea", "sea", 0.75),
        Wrong("test", "5", "sea", "not sea", 0.75),
    ]


def test_a_run_keeps_those_of_its_validation_split_by_file(recipe: Recipe, tmp_path: Path) -> None:
    names = ("left", "middle", "right")
    for number, (image, label) in enumerate(zip(*bars(36), strict=True)):
        path = tmp_path / "bars" / names[label] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    spec = recipe(
        data={"images": str(tmp_path / "bars")}, split={"validation": 12, "test": 6}, epochs=1,
        learning_rate=1e-6,
    )  # fmt: skip
    run = train(spec, run_dir=tmp_path / "run", options=Options(test=True), display=Quiet()).path
    with (run / "wrong.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == HEADER
    summary = json.loads((run / "summary.json").read_text())
    network = load_run(run)
    for split in ("validation", "test"):
        found = [row for row in rows if row[0] == split]
        figures = summary[split]
        assert len(found) == round(figures["examples"] * (1 - figures["accuracy"]))
        assert [row[4] for row in found] == sorted((row[4] for row in found), reverse=True)
        for _, file_, true, predicted, probability in found:
            assert file_.startswith(f"{true}/")
            with Image.open(tmp_path / "bars" / file_) as image:
                said = np.asarray(network.predict(np.asarray(image)[None, :, :, None]))[0]
            assert names[said.argmax()] == predicted != true
            assert said.max() == pytest.approx(float(probability), abs=1e-4)
    assert len(rows) > 2  # a network that learnt nothing is wrong about most
    assert write_attributions(run) == len(rows)
    with Image.open(run / "attributions.png") as sheet:
        assert sheet.size == (20 * 6, 6)
    split, file_, true, _, probability = rows[0]
    write_wrong(run / "wrong.csv", [Wrong(split, file_, true, "nobody", float(probability))])
    with pytest.raises(UsageError) as caught:
        write_attributions(run)
    assert str(caught.value) == (
        f"{run / 'wrong.csv'} has the answer 'nobody', which is none of the network's: it was "
        f"changed since the run wrote it"
    )


def test_where_nothing_is_wrong_the_header_stands_alone(tmp_path: Path) -> None:
    write_wrong(tmp_path / "wrong.csv", [])
    assert (tmp_path / "wrong.csv").read_text() == "split,example,true,predicted,probability\n"
    write_wrong(tmp_path / "wrong.csv", [Wrong("test", "a,b.png", 'the "x"', "ü", 0.25)])
    assert (tmp_path / "wrong.csv").read_text("utf-8").splitlines()[1] == (
        'test,"a,b.png","the ""x""",ü,0.250000'
    )
