"""`cnnkit predict`, as a shell sees it; the probabilities are computed by hand."""

from __future__ import annotations

import csv
import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Completed, Run, runner
from tests.training.asked import RECORD, write_network

pytest.importorskip("safetensors", reason="the extra `export` is not installed")

LIKELY = np.e**4 / (np.e**4 + 2)
OTHER = 1 / (np.e**4 + 2)
ASK = ("predict", "spec.yaml")
WEIGHTS = ("--weights", "weights.safetensors")


def image(path: Path, lit: int) -> None:
    """An image of three pixels, one of them lit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((1, 3), np.uint8)
    pixels[0, lit] = 255
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predict")
    write_network(folder)
    image(folder / "photos" / "b.png", 1)
    image(folder / "photos" / "a.png", 0)
    image(folder / "photos" / "later" / "c.png", 2)
    (folder / "photos" / "notes.txt").write_text("no image")
    (folder / "photos" / "Thumbs.db").write_bytes(b"litter")
    (folder / "bad.png").write_bytes(b"no image")
    return folder


@pytest.fixture
def ask(made: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(made)
    run: Run = runner(monkeypatch, capfd)

    def asked(*arguments: str, stdin: bytes = b"") -> Completed:
        return run(*ASK, *arguments, *WEIGHTS, stdin=stdin)

    return asked


def named(done: Completed) -> list[tuple[str, str]]:
    """The files and their classes, from lines of JSON."""
    rows = [json.loads(line) for line in done.out.splitlines()]
    return [(row["file"], row["class"]) for row in rows]


def test_each_format(ask: Run) -> None:
    done = ask("photos/a.png")
    assert (done.code, done.err) == (0, "")
    assert done.out == "photos/a.png: left 96.47 %, middle 1.77 %, right 1.77 %\n"
    (row,) = json.loads(ask("photos/a.png", "-f", "json", "--top", "1").out)
    assert row["predictions"] == [{"name": "left", "value": pytest.approx(LIKELY)}]
    assert (row["file"], row["class"], row["error"]) == ("photos/a.png", "left", None)
    assert json.loads(ask("photos/a.png", "-f", "jsonl", "--top", "1").out) == row
    (line,) = csv.DictReader(ask("photos/a.png", "-f", "csv").out.splitlines())
    assert list(line) == ["file", "class", "probability", "error"]
    assert (line["file"], line["class"], line["error"]) == ("photos/a.png", "left", "")
    assert float(line["probability"]) == pytest.approx(LIKELY)
    (line,) = csv.DictReader(ask("photos/a.png", "-f", "csv", "--top", "2").out.splitlines())
    assert list(line)[3:-1] == ["class 1", "probability 1", "class 2", "probability 2"]
    assert line["class 2"] == "middle"
    assert float(line["probability 2"]) == pytest.approx(OTHER)
    (line,) = csv.DictReader(ask("photos/b.png", "-f", "csv", "--probabilities").out.splitlines())
    found = [float(line[f"probability of {name}"]) for name in ("left", "middle", "right")]
    assert found == pytest.approx([OTHER, LIKELY, OTHER])


def test_folders_patterns_and_standard_input(ask: Run) -> None:
    everything = [
        ("photos/a.png", "left"),
        ("photos/b.png", "middle"),
        ("photos/later/c.png", "right"),
    ]
    assert named(ask("photos", "-f", "jsonl")) == everything
    assert named(ask("photos/**/*.png", "-f", "jsonl")) == everything
    assert named(ask("photos/[b]*", "-f", "jsonl")) == everything[1:2]
    lines = b"photos/b.png\r\n\nphotos/later\n"
    assert named(ask("photos/a.png", "-", "-f", "jsonl", stdin=lines)) == everything
    assert ask("-", stdin=b"") == (0, "", "")


def test_a_wrong_file_is_told_and_the_others_go_on(ask: Run) -> None:
    done = ask("photos/a.png", "bad.png", "photos/b.png", "--top", "1")
    assert done.code == 1
    assert done.out == "photos/a.png: left 96.47 %\nphotos/b.png: middle 96.47 %\n"
    assert done.err.startswith("cnnkit: bad.png is no image that can be read, or is damaged (")
    listed = ask("bad.png", "photos/a.png", "-f", "csv")
    assert (listed.code, listed.err) == (1, "")
    first, second = csv.DictReader(listed.out.splitlines())
    assert (first["class"], first["probability"]) == ("", "")
    assert first["error"].startswith("bad.png is no image")
    assert second["class"] == "left"
    # A path of standard input is a finding, one of the command line wrong usage; both go on.
    done = ask("-", "-f", "jsonl", stdin=b"gone.png\nphotos/a.png\n")
    assert (done.code, named(done)) == (1, [("gone.png", None), ("photos/a.png", "left")])
    done = ask("./gone.png", "photos/a.png", "--top", "1")
    assert done.err == "cnnkit: there is no file gone.png\n"
    assert (done.code, done.out) == (2, "photos/a.png: left 96.47 %\n")
    done = ask("gone*.png")
    assert (done.code, done.out, done.err) == (2, "", "cnnkit: no file matches gone*.png\n")
    (Path("empty")).mkdir()
    done = ask("empty")
    assert (done.code, done.err) == (
        1,
        "cnnkit: empty is a folder without files that are inputs\n",
    )
    assert ask("").err == "cnnkit: there is no file without a name\n"
    assert ask("x" * 5000).err.startswith("cnnkit: cannot read xxxx")


def test_a_class_of_refusal(ask: Run, made: Path) -> None:
    Image.fromarray(np.array([[128, 0, 100]], np.uint8)).save(made / "dim.png")
    scores = np.exp(np.array([128, 0, 100]) * 4 / 255)
    likely = scores.max() / scores.sum()
    done = ask("dim.png", "photos/a.png", "--threshold", "0.9", "--top", "1")
    assert done.code == 0
    assert done.out.splitlines() == [
        f"dim.png: unknown (left {100 * likely:.2f} %)", "photos/a.png: left 96.47 %"
    ]  # fmt: skip
    done = ask("dim.png", "--threshold", "0.9", "--refusal", "none of them", "-f", "csv")
    (line,) = csv.DictReader(done.out.splitlines())
    assert line["class"] == "none of them"
    assert float(line["probability"]) == pytest.approx(likely)
    done = ask("dim.png", "--threshold", "0.9", "--refusal", "left")
    assert (done.code, done.err) == (
        2,
        "cnnkit: `left` is a class of the network: call the refusal otherwise\n",
    )


def test_arrays_and_tables(ask: Run, made: Path) -> None:
    lit = 255 * np.eye(3, dtype=np.uint8)
    np.save(made / "three.npy", lit.reshape(3, 1, 3, 1))
    np.save(made / "one.npy", lit[2].reshape(1, 3))
    np.savez(
        made / "set.npz", x=lit.reshape(3, 1, 3), y=np.arange(3), extra=lit.reshape(3, 1, 3, 1)
    )
    (made / "plain.csv").write_text("0,255,0\n0,0,255\n")
    (made / "headed.csv").write_text("a,label,b,c\n255,x,0,0\n0,y,0,z\n0,z,0,255\n")
    arrays = [(f"three.npy[{each}]", name) for each, name in enumerate(("left", "middle", "right"))]
    assert named(ask("three.npy", "-f", "jsonl")) == arrays
    assert named(ask("one.npy", "set.npz", "-f", "jsonl")) == [
        ("one.npy", "right"),
        ("set.npz[0]", "left"), ("set.npz[1]", "middle"), ("set.npz[2]", "right"),
    ]  # fmt: skip
    assert named(ask("plain.csv", "-f", "jsonl")) == [
        ("plain.csv:1", "middle"), ("plain.csv:2", "right"),
    ]  # fmt: skip
    done = ask("headed.csv", "--top", "1")
    assert done.code == 1
    assert done.out == "headed.csv:2: left 96.47 %\nheaded.csv:4: right 96.47 %\n"
    assert done.err == "cnnkit: headed.csv:3: `c` is 'z', which is no number\n"


def test_a_file_of_output(ask: Run, made: Path) -> None:
    done = ask("photos", "-f", "csv", "--output", "out.csv")
    assert (done.code, done.out, done.err) == (0, "", "")
    rows = list(csv.DictReader((made / "out.csv").read_text().splitlines()))
    assert [row["class"] for row in rows] == ["left", "middle", "right"]
    done = ask("photos", "--output", "nowhere/out.csv")
    assert (done.code, done.err) == (
        2,
        "cnnkit: cannot write nowhere/out.csv: No such file or directory\n",
    )


def test_a_log_says_how_far_it_is(ask: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("cnnkit.cli.predict"), "_INTERVAL", -1.0)
    done = ask("photos", "-f", "csv", "-o", "logged.csv")
    rate = r"[\d,]+ a second\n"
    assert re.fullmatch(f"1 input, {rate}2 inputs, {rate}3 inputs, {rate}", done.err)


def test_flags_that_exclude_each_other(ask: Run, made: Path) -> None:
    done = ask("photos", "--top", "2", "--probabilities")
    assert (done.code, done.err) == (
        2,
        "cnnkit: --probabilities gives all classes: leave out --top\n",
    )
    done = ask("photos", "--augment")
    assert done.code == 2
    assert done.err.startswith("cnnkit: the recipe neither moves nor mirrors its examples, so that")


def test_the_mean_over_mirror_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_network(tmp_path, recipe="augment: [{flip: horizontal}]")
    image(tmp_path / "a.png", 0)
    done = runner(monkeypatch, capfd)(
        *ASK, "a.png", *WEIGHTS, "--augment", "--probabilities", "-f", "jsonl"
    )
    found = {each["name"]: each["value"] for each in json.loads(done.out)["predictions"]}
    half = (LIKELY + OTHER) / 2
    assert found == pytest.approx({"left": half, "right": half, "middle": OTHER})


def test_numbers_of_a_regression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_network(tmp_path, recipe="loss: mean_squared_error")
    image(tmp_path / "a.png", 1)
    run = runner(monkeypatch, capfd)
    done = run(*ASK, "a.png", *WEIGHTS)
    assert done.out == "a.png: output 0 0, output 1 4, output 2 0\n"
    done = run(*ASK, "a.png", *WEIGHTS, "-f", "csv")
    assert done.out == "file,output 0,output 1,output 2,error\na.png,0,4,0,\n"
    done = run(*ASK, "a.png", *WEIGHTS, "--threshold", "0.5")
    assert (done.code, done.err) == (
        2,
        "cnnkit: a threshold is for the probability of a class: the run predicts numbers\n",
    )


def test_a_network_of_signals_takes_arrays_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    monkeypatch.chdir(tmp_path)
    write_network(tmp_path, shape="3x1", record=replace(RECORD, shape=(3, 1)))
    image(tmp_path / "a.png", 1)
    np.save(tmp_path / "signals.npy", 255 * np.eye(3, dtype=np.uint8))
    done = runner(monkeypatch, capfd)(*ASK, "a.png", ".", *WEIGHTS, "--top", "1")
    assert done.code == 1
    assert done.err == (
        "cnnkit: a.png is no .npy, .npz or .csv file, and the network's input is 3x1, which no "
        "image has\n"
    )
    assert done.out.splitlines() == [
        "signals.npy[0]: left 96.47 %", "signals.npy[1]: middle 96.47 %",
        "signals.npy[2]: right 96.47 %",
    ]  # fmt: skip
