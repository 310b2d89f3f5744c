"""Whole runs on a small network: what they leave, how they end, what they say."""

from __future__ import annotations

import json
import os
import shutil
import signal
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.errors import DataError, TrainingError, UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.training.completion import Result
from cnnkit.training.options import Options
from cnnkit.training.proof.overfit import overfit
from cnnkit.training.proof.resume import compare
from cnnkit.training.proof.smoke import smoke
from cnnkit.training.run import resume, train
from cnnkit.training.store.checkpoint import Checkpoints
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.use.evaluation import evaluate
from cnnkit.training.use.trained import load_run
from cnnkit.training.view.display import Quiet
from cnnkit.training.view.progress import Progress

Recipe = Callable[..., Spec]


class Notes(Quiet):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.epochs: list[int] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def epoch(self, record: RunEpoch, *, best: bool) -> None:  # noqa: ARG002
        self.epochs.append(record.epoch)

    @property
    def text(self) -> str:
        return "\n".join(self.notes)


class Interrupting(Notes):
    """Sends the process a signal when so many epochs have ended."""

    def __init__(self, after: int, number: signal.Signals = signal.SIGINT) -> None:
        super().__init__()
        self.after, self.number = after, number

    def progress(self, progress: Progress) -> None:  # noqa: ARG002
        if len(self.epochs) == self.after:
            os.kill(os.getpid(), self.number)
            self.after = -1


def metrics(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "time"} for line in lines]


@pytest.fixture(scope="module")
def finished(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Notes]:
    """A run that came to its end."""
    notes = Notes()
    path = tmp_path_factory.mktemp("runs") / "bars"
    return train(recipe(epochs=8), run_dir=path, display=notes), notes


def test_a_run_leaves_all_its_files(finished: tuple[Result, Notes]) -> None:
    path = finished[0].path
    assert sorted(each.name for each in path.iterdir()) == [
        "checkpoints", "confusion.png", "curves.png", "environment.json", "events",
        "filters.png", "lock", "metrics.jsonl", "report.html", "spec.yaml", "split.json",
        "summary.json", "wrong.csv",
    ]  # fmt: skip
    split = json.loads((path / "split.json").read_text())
    assert [split[name]["examples"] for name in ("train", "validation", "test")] == [60, 15, 15]
    environment = json.loads((path / "environment.json").read_text())
    assert environment["options"]["device"] == "auto"
    assert "jax" in environment


def test_the_page_draws_what_the_pictures_show_and_does_not_carry_them(
    finished: tuple[Result, Notes],
) -> None:
    path = finished[0].path
    page = (path / "report.html").read_text("utf-8")
    assert page.count('<figure class="chart"') >= 2
    assert page.count('<table class="confusion numbered">') == 1
    for name in ("curves.png", "confusion.png"):
        assert b64encode((path / name).read_bytes()).decode() not in page


def test_the_easy_task_is_learnt_and_summed_up(finished: tuple[Result, Notes]) -> None:
    summary = json.loads((finished[0].path / "summary.json").read_text())
    assert summary == finished[0].summary
    held = summary["validation"]
    assert held["examples"] == 15
    assert held["accuracy"] >= 0.9
    assert np.array(held["confusion"]).sum(1).tolist() == [5, 5, 5]
    assert [row["support"] for row in held["classes"]] == [5, 5, 5]
    best = metrics(finished[0].path)[summary["best_epoch"] - 1]["validation"]
    assert {name: held[name] for name in best} == best
    assert (summary["test"], summary["sealed"]) == (None, 15)
    assert summary["ending"] == "epochs"
    assert summary["diagnosis"]["verdict"] in ("balanced", "under-fitted", "over-fitted")
    assert "validation of 15 examples, weights of epoch " in finished[1].text
    assert (
        f"the test split of 15 examples stays sealed: `cnnkit evaluate {finished[0].path}` opens "
        "it, once all is chosen"
    ) in finished[1].text


def test_an_epoch_has_its_figures_and_its_time_by_phase(finished: tuple[Result, Notes]) -> None:
    lines = (finished[0].path / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [(record["epoch"], record["step"]) for record in records] == [
        (number, 4 * number) for number in range(1, 9)
    ]
    for record in records:
        assert record.keys() == {
            "epoch", "step", "learning_rate", "train", "validation", "time",
        }  # fmt: skip
        assert record["time"].keys() == {
            "compile", "data", "device", "evaluation", "checkpoint", "total", "images_per_second",
            "peak_bytes", "waiting",
        }  # fmt: skip
        assert record["validation"].keys() == {
            "loss", "accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "matthews", "kappa",
        }  # fmt: skip
    assert records[0]["time"]["compile"] > 0
    assert all(record["time"]["compile"] == 0 for record in records[1:])


def test_events_are_tensorboards(finished: tuple[Result, Notes]) -> None:
    from tensorboardX import proto
    from tensorboardX.record_writer import struct

    (file,) = (finished[0].path / "events").iterdir()
    data, scalars = file.read_bytes(), {}
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        event = proto.event_pb2.Event.FromString(data[12 : 12 + length])
        for value in event.summary.value:
            scalars[value.tag, event.step] = value.simple_value
        data = data[16 + length :]
    for record in metrics(finished[0].path):
        for split in ("train", "validation"):
            for name, value in record[split].items():
                assert scalars[f"{split}/{name}", record["step"]] == pytest.approx(value, rel=1e-5)


def test_two_runs_of_one_seed_are_the_same(
    finished: tuple[Result, Notes], recipe: Recipe, tmp_path: Path
) -> None:
    other = train(recipe(epochs=8), run_dir=tmp_path / "run", display=Quiet())
    assert metrics(other.path) == metrics(finished[0].path)
    assert compare(other.path, finished[0].path) == []


def test_another_seed_is_another_run(
    finished: tuple[Result, Notes], recipe: Recipe, tmp_path: Path
) -> None:
    other = train(recipe(epochs=8, seed=2), run_dir=tmp_path / "run", display=Quiet())
    differences = compare(other.path, finished[0].path)
    assert "metrics.jsonl differs" in differences
    assert any("arrays differ" in difference for difference in differences)


def test_a_finished_run_is_evaluated_to_the_same_figures(
    finished: tuple[Result, Notes], tmp_path: Path
) -> None:
    run = shutil.copytree(finished[0].path, tmp_path / "run")  # it opens the seal of the test split
    found = evaluate(run, Options())
    assert found.figures["examples"] == 15
    assert found.figures["accuracy"] >= 0.9
    assert evaluate(run, Options()).figures == found.figures
    assert found.problems == ()


def test_a_finished_run_answers_for_new_images(finished: tuple[Result, Notes]) -> None:
    trained = load_run(str(finished[0].path))
    assert trained.path == finished[0].path
    images = np.zeros((3, 6, 6, 1), np.uint8)
    for row in range(3):
        images[row, 2 * row : 2 * row + 2] = 150
    answers = np.asarray(trained.predict(images))
    assert answers.argmax(-1).tolist() == [0, 1, 2]
    np.testing.assert_allclose(answers.sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("number", "name", "code"),
    [
        (signal.SIGINT, "Ctrl-C", 130),
        (signal.SIGTERM, "SIGTERM", 143),
        (signal.SIGHUP, "SIGHUP", 129),
        (signal.SIGUSR1, "SIGUSR1", 138),
        (signal.SIGUSR2, "SIGUSR2", 140),
    ],
)
def test_a_signal_saves_and_the_resumed_run_ends_the_same(
    finished: tuple[Result, Notes],
    recipe: Recipe,
    tmp_path: Path,
    number: signal.Signals,
    name: str,
    code: int,
) -> None:
    notes = Interrupting(2, number)
    stopped = train(recipe(epochs=8), run_dir=tmp_path / "run", display=notes)
    assert stopped.summary is None
    assert stopped.interruption.exit_code == code
    assert f"ended by {name} after step" in notes.text
    assert f"cnnkit train --resume {tmp_path / 'run'}" in notes.text
    resumed = Notes()
    ended = resume(tmp_path / "run", display=resumed)
    assert ended.summary is not None
    assert f"resuming {tmp_path / 'run'} at step" in resumed.text
    assert resumed.epochs[0] == 3
    assert compare(ended.path, finished[0].path) == []


def test_a_damaged_last_checkpoint_costs_no_more_than_time(
    finished: tuple[Result, Notes], recipe: Recipe, tmp_path: Path
) -> None:
    train(recipe(epochs=8), run_dir=tmp_path / "run", display=Interrupting(3))
    last = Checkpoints(tmp_path / "run" / "checkpoints").found()[-1]
    (last.path / "record.json").write_text("{}")
    notes = Notes()
    ended = resume(tmp_path / "run", display=notes)
    assert "record.json is not as it was written; the checkpoint before it is used" in notes.text
    assert compare(ended.path, finished[0].path) == []


def test_a_damaged_file_of_a_finished_run_is_deleted_and_made_again(
    finished: tuple[Result, Notes], tmp_path: Path
) -> None:
    path = shutil.copytree(finished[0].path, tmp_path / "run")
    split = (path / "split.json").read_text()
    (path / "split.json").write_text("{}")
    with pytest.raises(
        TrainingError, match=r"split\.json is damaged: it has no multi_label.* Delete"
    ):
        load_run(path)
    (path / "split.json").unlink()
    resume(path, display=Notes())
    assert (path / "split.json").read_text() == split
    for text, why in (
        ("{}", "it has no epochs, ending, best_epoch, test"),
        ("", "Expecting value"),
    ):
        (path / "summary.json").write_text(text)
        with pytest.raises(TrainingError, match=rf"summary\.json is damaged: {why}"):
            resume(path, display=Notes())
    (path / "summary.json").unlink()
    again = resume(path, display=Notes()).summary
    assert again is not None
    assert {**again, "seconds": None} == {**(finished[0].summary or {}), "seconds": None}


def test_numbers_that_are_lost_are_named_and_the_state_before_is_kept(
    recipe: Recipe, tmp_path: Path
) -> None:
    spec = recipe(learning_rate=1e30, epochs=2)
    with pytest.raises(TrainingError) as caught:
        train(spec, run_dir=tmp_path / "run", display=Quiet())
    message = str(caught.value)
    said = "step 1 (epoch 1, step 1 of 4) makes the loss or a weight infinite or no number"
    assert said in message
    assert "at a learning rate of 1e+30" in message
    assert message.endswith("Try a lower learning rate, such as 0.1, or `learning_rate: find`")
    last, _ = Checkpoints(tmp_path / "run" / "checkpoints").last()
    assert last is not None
    assert last.place == (0, 0)
    assert all(np.isfinite(array).all() for array in last.arrays().values())


def test_no_improvement_ends_a_run_early(recipe: Recipe, tmp_path: Path) -> None:
    spec = recipe(learning_rate=1e-30, epochs=50, early_stopping={"patience": 2})
    result = train(spec, run_dir=tmp_path / "run", display=Quiet())
    assert result.ending == "early stopping"
    assert len(metrics(result.path)) == 3


def test_a_time_limit_ends_a_run_with_its_test(recipe: Recipe, tmp_path: Path) -> None:
    spec = recipe(epochs=10_000, time_limit=0.01)
    result = train(spec, run_dir=tmp_path / "run", display=Quiet())
    assert result.ending == "time limit"
    assert result.summary is not None
    assert result.summary["validation"]["examples"] == 15


def test_without_validation_nothing_is_measured(recipe: Recipe, tmp_path: Path) -> None:
    spec = recipe(split={"validation": 0, "test": 15}, epochs=2)
    result = train(spec, run_dir=tmp_path / "run", display=Quiet())
    assert metrics(result.path)[0]["validation"] is None
    assert result.summary is not None
    assert result.summary["best_epoch"] == 2
    assert result.summary["validation"] is None
    assert evaluate(result.path, Options()).figures["examples"] == 15


def test_a_rate_and_a_batch_can_be_left_to_the_machine(recipe: Recipe, tmp_path: Path) -> None:
    notes = Notes()
    spec = recipe(learning_rate="find", batch_size="auto", epochs=1)
    result = train(spec, run_dir=tmp_path / "run", display=notes)
    kept = result.path / "spec.yaml"
    assert "find" not in kept.read_text()
    assert "batch_size: 2" in kept.read_text()  # 60 examples make no more than 20 steps of it
    assert "learning rate" in notes.notes[1]
    assert "batch size 2: " in notes.notes[0]


def test_other_data_are_refused(recipe: Recipe, arrays: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bars.npz"
    copy.write_bytes(arrays.read_bytes())
    spec = recipe(data={"arrays": str(copy)}, epochs=8)
    train(spec, run_dir=tmp_path / "run", display=Interrupting(0))
    with np.load(copy) as before:
        inputs, targets = before["inputs"], before["targets"]
    inputs[0] += 1
    np.savez(copy, inputs=inputs, targets=targets)
    with pytest.raises(UsageError, match="was begun with other data: sha256"):
        resume(tmp_path / "run", display=Quiet())


def test_a_smoke_run_leaves_nothing(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    notes = Notes()
    result = smoke(recipe(epochs=50), None, Options(), notes)
    assert notes.epochs == [1, 2]
    assert notes.notes[-1] == "all works; nothing of this trial is kept"
    assert not result.path.exists()
    assert list(tmp_path.iterdir()) == []


def test_one_batch_is_learnt_by_heart_or_not(recipe: Recipe) -> None:
    learnt = overfit(recipe(), Options(), Quiet())
    assert learnt.learnt
    assert learnt.accuracy == 1
    assert learnt.last < 0.05 * learnt.first
    assert not overfit(recipe(learning_rate=1e-30), Options(), Quiet()).learnt


def test_a_spec_without_a_recipe_cannot_be_trained(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not say what to learn: add"):
        train({"input": 3, "layers": [{"dense": {"units": 2}}]}, run_dir=tmp_path / "run")


def test_a_network_that_gives_a_map_needs_targets_of_pixels(recipe: Recipe, tmp_path: Path) -> None:
    spec = recipe()
    mapped = spec.model_copy(update={"layers": spec.layers[:2]})
    with pytest.raises(DataError, match="has one target an example, but the network gives 4x4 of"):
        train(mapped, run_dir=tmp_path / "run", display=Quiet())
