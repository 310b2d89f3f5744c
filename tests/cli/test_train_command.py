"""``cnnkit train``, ``evaluate``, ``runs`` and ``report``, as a shell sees them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.environment import Environment
from tests.cli.command import Run

SPEC = """
name: bars
input: 6x6x1
layers:
  - flatten
  - dense: {units: 3}
train:
  data: {arrays: bars.npz}
  split: {validation: 15, test: 15}
  learning_rate: 0.1
  epochs: 3
  batch_size: 16
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a spec and its data, where the command runs."""
    random = np.random.default_rng(0)
    targets = np.arange(90) % 3
    inputs = random.integers(0, 60, (90, 6, 6, 1)).astype(np.uint8)
    for index, label in enumerate(targets):
        inputs[index, 2 * label : 2 * label + 2] += 120
    np.savez(tmp_path / "bars.npz", inputs=inputs, targets=targets)
    (tmp_path / "bars.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_begins_with_the_weights_of_a_run_or_a_file(run: Run, folder: Path) -> None:
    assert run("train", "bars.yaml", "--run-dir", "before", "--set", "train.epochs=1").code == 0
    assert run("export", "before", "--to", "safetensors", "-o", "before.safetensors").code == 0
    few = ("--set", "train.epochs=1", "--set", "train.seed=1")
    for init in ("before", "before.safetensors"):
        done = run("train", "bars.yaml", "--init", init, "--run-dir", f"after-{init}", *few)
        assert done.code == 0, done.err
        assert done.out.splitlines()[0] == f"2 of 2 arrays begin as in {folder / init}"
    records = [json.loads((folder / f"after-{init}/init.json").read_text()) for init in (
        "before", "before.safetensors"
    )]  # fmt: skip
    assert records[0]["sha256"] == records[1]["sha256"]
    gone = run("train", "bars.yaml", "--init", "gone")
    assert gone.code == 2
    assert gone.err == (
        f"cnnkit: `init`: there is no {folder / 'gone'}: give the folder of a run, or a file of "
        f"weights that `cnnkit export RUN --to safetensors` wrote\n"
    )
    resumed = run("train", "--resume", "before", "--init", "before")
    assert resumed.code == 2
    assert "--resume goes on with a run as it was begun" in resumed.err


def test_train_evaluate_list_and_show(run: Run, folder: Path) -> None:
    trained = run("train", "bars.yaml")
    assert trained.code == 0, trained.err
    lines = trained.out.splitlines()
    assert lines[0] == "run runs/bars"
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert [line.split("  ")[0] for line in epochs] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert "\x1b" not in trained.out
    assert lines[-1] == "runs/bars: summary.json, curves.png, confusion.png, wrong.csv, report.html"
    summary = json.loads((folder / "runs/bars/summary.json").read_text())

    evaluated = run("evaluate", "runs/bars", "--format", "json")
    assert evaluated.code == 0
    first = json.loads(evaluated.out)
    assert (first["test"]["examples"], first["look"]) == (15, 1)
    assert summary["test"] is None

    table = run("evaluate", "runs/bars", "--checkpoint", "last")
    assert table.out.startswith("test of 15 examples, weights of epoch 3: accuracy ")

    # All 90 examples, with the statistics of the run's own training split.
    other = run("evaluate", "runs/bars", "--data", "bars.npz", "--format", "json")
    assert json.loads(other.out)["test"]["examples"] == 90

    np.savez("wide.npz", inputs=np.zeros((4, 6, 7, 1)), targets=np.array([0, 1, 0, 1]))
    unfit = run("evaluate", "runs/bars", "--data", "wide.npz")
    assert unfit.code == 1
    assert unfit.err == (
        "cnnkit: wide.npz has examples of 6x7x1, but the network's input is 6x6x1: prepare the "
        "data in that shape, as those of the run were\n"
    )

    again = run("train", "bars.yaml", "--quiet", "--set", "train.epochs=1")
    assert again.code == 0
    assert again.out == ""
    listed = run("runs", "--sort", "epochs", "--format", "json")
    assert [(row["run"], row["epochs"], row["status"]) for row in json.loads(listed.out)] == [
        ("runs/bars", 3, "finished"),
        ("runs/bars-2", 1, "finished"),
    ]
    assert run("runs").out.splitlines()[0].split() == [
        "run", "status", "data", "epochs", "best", "validation", "test", "verdict", "time",
    ]  # fmt: skip

    from PIL import Image

    for row in range(3):
        pixels = np.zeros((12, 12), np.uint8)
        pixels[4 * row : 4 * row + 4] = 150
        Image.fromarray(pixels).save(f"row-{row}.png")
    named = run("predict", "runs/bars", *(f"row-{row}.png" for row in range(3)), "-f", "json")
    answers = [each["predictions"] for each in json.loads(named.out)]
    assert [answer[0]["name"] for answer in answers] == ["0", "1", "2"]
    assert all(sum(each["value"] for each in answer) == pytest.approx(1) for answer in answers)
    assert run("predict", "runs/bars", "row-1.png", "--top", "1").out.startswith("row-1.png: 1 ")
    assert run("predict", "runs/bars", "row-9.png").err == "cnnkit: there is no file row-9.png\n"
    (folder / "bad.png").write_bytes(b"no image")
    several = run("predict", "runs/bars", "row-0.png", "bad.png", "row-2.png", "--top", "1")
    assert several.code == 1
    assert [line.split()[:2] for line in several.out.splitlines()] == [
        ["row-0.png:", "0"], ["row-2.png:", "2"],
    ]  # fmt: skip
    assert several.err.startswith("cnnkit: bad.png is no image that can be read, or is damaged")
    listed = run("predict", "runs/bars", "row-0.png", "bad.png", "--format", "json")
    assert (listed.code, listed.err) == (1, "")
    good, bad = json.loads(listed.out)
    assert (good["error"], bad["predictions"]) == (None, [])
    assert bad["error"].startswith("bad.png is no image")

    page = run("report", "runs/bars", "--output", "page.html")
    assert page.out == "page.html\n"
    assert "<h1>bars</h1>" in (folder / "page.html").read_text()

    finished = run("train", "--resume", "runs/bars")
    assert finished.code == 0
    assert "runs/bars is finished: 3 epochs" in finished.out


def test_faults_of_the_spec_are_shown_and_nothing_is_made(run: Run, folder: Path) -> None:
    (folder / "bars.yaml").write_text(SPEC.replace("epochs: 3", "epoch: 3"))
    ended = run("train", "bars.yaml")
    assert ended.code == 1
    assert "bars.yaml:11:3" in ended.out
    assert "did you mean `epochs`?" in ended.out
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--quiet",), "name the spec to train, such as specs/digits.yaml, or --resume RUN"),
        (("nowhere.yaml",), "there is no file nowhere.yaml"),
        (("--resume", "nowhere"), "there is no run nowhere"),
        (("--resume", "."), ". is no run: it has no spec.yaml"),
        (("bars.yaml", "--resume", "x"), "--resume goes on with a run as it was begun"),
        (("bars.yaml", "--set", "train.data=mnist", "--data-dir", "."), "mnist is not in mnist"),
        (("bars.yaml", "--device", "tpu"), "--device tpu: JAX finds no TPU here, only cpu"),
    ],
)
def test_wrong_usage(run: Run, folder: Path, arguments: tuple[str, ...], message: str) -> None:
    ended = run("train", *arguments)
    assert ended.code == 2
    assert ended.err.startswith(f"cnnkit: {message}")
    assert not (folder / "runs").exists()


def test_the_labels_must_fit_the_network(run: Run, folder: Path) -> None:
    ended = run("train", "bars.yaml", "--set", "layers.1.units=2")
    assert ended.code == 1
    assert ended.err.startswith("cnnkit: ")
    assert "3 classes" in ended.err
    assert not (folder / "runs").exists()


def test_a_run_in_use_is_refused(run: Run, folder: Path) -> None:
    made = RunDirectory.create(folder / "mine", "mine", {"input": 3, "layers": []}, Environment())
    made.lock.take()
    ended = run("train", "--resume", "mine")
    made.lock.release()
    assert ended.code == 2
    assert "mine is in use: another cnnkit (process " in ended.err


def test_no_checkpoint_to_evaluate(run: Run, folder: Path) -> None:
    RunDirectory.create(folder / "mine", "mine", {"input": 3, "layers": []}, Environment())
    ended = run("evaluate", "mine")
    assert ended.code == 2
    assert "mine" in ended.err


@pytest.mark.parametrize("command", ["train", "evaluate", "predict"])
def test_a_missing_extra_says_what_to_install(
    run: Run, folder: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*sys.modules]:
        if name.startswith("cnnkit.training"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jax", None)
    ended = run(command, "bars.yaml", *["bars.npz"][: command == "predict"])
    assert ended.code == 2
    assert ended.err == (
        "cnnkit: training needs jax, which is not installed: pip install 'cnnkit[train]'\n"
    )


def test_devices_that_are_not_there_are_told_at_their_line(run: Run, folder: Path) -> None:
    bars = (folder / "bars.yaml").read_text()
    (folder / "cut.yaml").write_text(f"{bars}  parallel: {{shard: 16}}\n")
    line = len(bars.splitlines()) + 1
    said = run("train", "cut.yaml", "--quiet")
    assert said.code == 1
    assert (
        f"cut.yaml:{line}:21: `shard: 16` takes 16 devices, and there is 1  [wrong-value]"
        in said.out
    )
    assert not (folder / "runs").exists()


def test_no_runs(run: Run, folder: Path) -> None:
    assert run("runs").err == "cnnkit: there is no folder runs: `cnnkit train` makes it\n"
    (folder / "runs").mkdir()
    assert run("runs").out == "runs holds no run\n"
    assert run("runs", "--sort", "size").err.startswith("cnnkit: --sort size: the columns are run,")


def test_data_are_seen_from_the_folder_of_the_spec(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    done = run("train", "../bars.yaml", "--run-dir", "run", "--set", "train.epochs=1")
    assert (done.code, done.err) == (0, "")
    assert "warning" not in done.out
    assert run("data", "show", "../bars.yaml").code == 0
    (folder / "bars.npz").rename("bars.npz")
    done = run("train", "../bars.yaml", "--run-dir", "again", "--set", "train.epochs=1")
    assert done.code == 0
    assert done.out.startswith(
        f"warning: bars.npz of ../bars.yaml is taken from the working folder, {Path.cwd()}, for "
        f"there is none in the spec's: paths of data are seen from there, write the whole path\n"
    )
    shown = run("data", "show", "../bars.yaml").out
    assert "warning  bars.npz of ../bars.yaml is taken from the working folder" in shown
    Path("bars.npz").unlink()
    done = run("train", "../bars.yaml", "--run-dir", "third")
    assert done.err == f"cnnkit: there is no file {Path.cwd()}/../bars.npz\n"


def test_without_validation_no_epoch_is_the_best(run: Run, folder: Path) -> None:
    trained = run("train", "bars.yaml", "--set", "train.split.validation=0")
    assert trained.code == 0
    epochs = [line for line in trained.out.splitlines() if line.startswith("epoch ")]
    assert not any(line.endswith("best") for line in epochs)
    (row,) = json.loads(run("runs", "--format", "json").out)
    assert (row["best_epoch"], row["validation"], row["test"]) == (None, None, None)


def test_quiet_shows_no_results(run: Run, folder: Path) -> None:
    Path("bars.yaml").write_text(SPEC + "search: {train.epochs: [1, 2], settings: {method: grid}}")
    for command in (["cross-validate", "bars.yaml", "--folds", "2"], ["search", "bars.yaml"]):
        done = run(*command, "-q", "--device", "cpu")
        assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize(("columns", "widest"), [("60", 60), ("200", 100)])
def test_the_diagnosis_is_wrapped_once(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, columns: str, widest: int
) -> None:
    from cnnkit.training.store.summary import Diagnosis, Summary
    from cnnkit.training.view.conclusion import conclusion

    monkeypatch.setenv("COLUMNS", columns)
    words = " ".join(["word"] * 60)
    summary = Summary(diagnosis=Diagnosis("balanced", words, (words,)))
    lines = [line for line in conclusion(summary, folder) if "word" in line]
    assert widest - 5 < max(map(len, lines)) <= widest


def test_a_finished_run_goes_on_for_more_epochs(run: Run, folder: Path) -> None:
    assert run("train", "bars.yaml", "-q", "--set", "train.epochs=1").code == 0
    longer = run("train", "--resume", "runs/bars", "--set", "train.epochs=2")
    assert longer.code == 0, longer.err
    assert [line.split("  ")[0] for line in longer.out.splitlines() if line[:6] == "epoch "] == [
        "epoch 2/2"
    ]
    for other in (["--set", "train.epochs=x"], ["--set", "train.learning_rate=1"]):
        refused = run("train", "--resume", "runs/bars", *other)
        assert refused.code == 2
        assert refused.err.startswith("cnnkit: --resume goes on with a run as it was begun")
