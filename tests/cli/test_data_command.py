"""`cnnkit data show` and `cnnkit data fetch`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Run, runner

SPEC = """input: {input}
layers: [flatten, {{dense: {{units: {units}}}}}, softmax]
train: {{data: digits, split: {{validation: 100, test: 0.2}}}}
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("CNNKIT_DATA", str(tmp_path / "sets"))
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capfd)


def test_the_digits_are_shown(run: Run) -> None:
    done = run("data", "show", "digits")
    assert (done.code, done.err) == (0, "")
    # The counts of the classes as scikit-learn's documentation and the UCI repository give them.
    assert (
        done.out
        == """\
digits  8x8x1  1,797 examples  119.3 KiB

class  train
────────────
0        178
1        182
2        177
3        183
4        181
5        182
6        181
7        179
8        174
9        180
all    1,797

values     0 to 255 (uint8, scaled to 0 to 1)
mean       0.3053
deviation  0.3759
"""
    )


def test_all_keys_are_in_the_json(run: Run) -> None:
    done = run("data", "show", "digits", "--format", "json")
    figures = json.loads(done.out)
    assert list(figures) == [
        "format", "name", "shape", "dtype", "value_range", "bytes", "targets", "target",
        "examples", "groups", "classes", "minimum", "maximum", "mean", "deviation", "constant",
        "warnings",
    ]  # fmt: skip
    assert figures["shape"] == [8, 8, 1]
    assert figures["examples"] == {"train": 1797}
    assert figures["classes"]["3"] == {"train": 183}
    # Of the published pixels, 0 to 16: mean 4.8842 and deviation 6.0168.
    assert figures["mean"] == pytest.approx([4.8842 / 16], rel=1e-3)
    assert figures["deviation"] == pytest.approx([6.0168 / 16], rel=1e-3)


def test_a_sheet_is_written(run: Run, tmp_path: Path) -> None:
    assert run("data", "show", "digits", "--output", "sheet.png").code == 0
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.height == 4 + 10 * 68


def test_a_spec_shows_its_data_as_it_is_cut(run: Run, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPEC.format(input="8x8x1", units=10))
    figures = json.loads(run("data", "show", "net.yaml", "--format", "json").out)
    assert figures["examples"] == {"train": 1338, "validation": 100, "test": 359}
    table = run("data", "show", "net.yaml").out.splitlines()
    assert table[2] == "class  train  validation  test"
    assert table[-5] == "all    1,338         100   359"


def test_what_does_not_fit_the_network_is_a_finding(run: Run, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPEC.format(input="9x9x1", units=12))
    done = run("data", "show", "net.yaml")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "cnnkit: digits has examples of 8x8x1, but the network's input is 9x9x1: write `input: "
        "8x8x1`, or prepare the data in that shape\n"
        "  digits has 10 classes, but the network gives 12 scores: give its last layer 10 units\n"
    )


def test_a_spec_with_faults_shows_them(run: Run, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPEC.format(input="8x8x1", units="ten"))
    done = run("data", "show", "net.yaml")
    assert (done.code, done.err) == (1, "")
    assert "net.yaml:2:35:" in done.out


def test_files_are_known_by_their_kind(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=np.eye(4, dtype=np.float32), y=[0, 1, 0, 1])
    (tmp_path / "set.csv").write_text("label,a,b\n0,1,2\n1,3,4\n")
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("RGB", (5, 4)).save(tmp_path / "pets" / name / "a.png")
    for source, shape in (("set.npz", [4]), ("set.csv", [2]), ("pets", [4, 5, 3])):
        figures = json.loads(run("data", "show", source, "--format", "json").out)
        assert figures["shape"] == shape
    done = run("data", "show", "pets", "--input", "8x8x1")
    assert done.out.startswith("pets  8x8x1  2 examples  136 bytes\n")


def test_the_target_column_is_shown_and_can_be_told(run: Run, tmp_path: Path) -> None:
    rows = "\n".join(f"{line}.5,{line % 2},{line % 3}" for line in range(12))
    (tmp_path / "set.csv").write_text(f"a,kind,b\n{rows}\n")
    refused = run("data", "show", "set.csv")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        "cnnkit: set.csv has no column `label`, `class`, `target` or `y`: say which is the "
        "target, `target: NAME`; it has a, kind, b\n"
    )
    for column, told in (("kind", "`kind`"), ("2", "`b`")):
        done = run("data", "show", "set.csv", "--target", column)
        assert done.code == 0
        assert f"target     {told}\n" in done.out
    (tmp_path / "set.tsv").write_text(f"a,kind,b\n{rows}\n".replace(",", "\t"))
    assert run("data", "show", "set.tsv", "--target", "kind").code == 0
    wrong = run("data", "show", "digits", "--target", "kind")
    assert (wrong.code, wrong.err) == (
        2, "cnnkit: --target names a column, which only a file .csv or .tsv has\n",
    )  # fmt: skip


def test_what_is_suspicious_is_shown(run: Run, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 9, 9, 3)).astype(np.uint8)
    pixels[..., 2] = 7
    for part in ("train", "test"):
        for number, name in enumerate(("cat", "dog", "cat", "dog")):
            folder = tmp_path / "pets" / part / name
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels[number]).save(folder / f"{number}.png")
    lines = run("data", "show", "pets").out.splitlines()
    assert next(line for line in lines if line.startswith("deviation")).endswith("  0.0000")
    pairs = [f"train/{name} and test/{name}" for name in ("cat/0.png", "cat/2.png", "dog/1.png")]
    leak, channel = lines[-2:]
    assert leak == (
        "warning  4 images are in both train and test, so that test does not measure what is new "
        f"to the network: {'; '.join(pairs)} and 1 more"
    )
    assert channel == (
        "warning  channel 2 of 3 has one value throughout, which tells nothing: leave it out, or "
        "mend the data"
    )


def test_values_to_predict_have_no_classes(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=np.eye(4), y=np.linspace(0, 1, 4))
    done = run("data", "show", "set.npz")
    assert done.out.splitlines()[2:5] == ["     train", "──────────", "all      4"]
    assert done.out.endswith("targets    1 number an example\n")
    figures = json.loads(run("data", "show", "set.npz", "--format", "json").out)
    assert (figures["classes"], figures["targets"]) == ({}, [1])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("show", "digit"),
            2,
            "there is no data set, folder or file digit: did you mean `digits`?",
        ),
        (
            ("show", "petunias"),
            2,
            "there is no data set, folder or file petunias; known by name are digits, digit_",
        ),
        (("show", ""), 2, "there is no data set, folder or file without a name; known by name are"),
        (("show", "a" * 5000), 2, "cannot read aaaa"),
        (("show", "missing.npz"), 2, "there is no file missing.npz"),
        (("show", "missing.yaml"), 2, "there is no file missing.yaml"),
        (
            ("show", "notes.txt"),
            2,
            "notes.txt is no folder of images, no file .npz or .csv, and no",
        ),
        (
            ("show", "bare.yaml"),
            2,
            "bare.yaml does not say what to learn from: it has no `train: da",
        ),
        (
            ("show", "bare.yaml", "--input", "4"),
            2,
            "bare.yaml says the input itself: leave --input",
        ),
        (("show", "digits", "--input", "8x"), 2, "--input 8x is no shape: write 28x28x1"),
        (("show", "digits", "--output", "no/a.png"), 2, "no/a.png cannot be written: No such file"),
        (("show", "mnist"), 2, "mnist is not in "),
        (("show", "bad.npz"), 1, "bad.npz is no .npz file, or only a part of one: write it with"),
        (("fetch", "digits"), 2, "digits comes with scikit-learn: there is nothing to fetch"),
        (("fetch", "mnits"), 2, "there is no data set `mnits` to fetch: did you mean `mnist`?"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: tuple[str, ...], code: int, message: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "bad.npz").write_text("")
    (tmp_path / "bare.yaml").write_text("input: 4\nlayers: [relu]\n")
    done = run("data", *arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(f"cnnkit: {message}")
    assert "Traceback" not in done.err


def test_the_group_shows_its_commands(run: Run) -> None:
    for arguments in (("data",), ("data", "--help"), ("--help",)):
        done = run(*arguments)
        assert "data" in done.out
    assert {"show", "pack", "fetch"} <= set(run("data", "--help").out.split())
    for command in ("show", "pack", "fetch"):
        assert "Example: cnnkit data" in run("data", command, "--help").out


PETS = """input: 4x4x3
layers: [flatten, {dense: {units: 2}}, softmax]
train: {data: {DATA}, split: {validation: 1, test: 1}}
"""


def write_pets(folder: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            pixels = random.integers(0, 256, (5, 4, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def test_a_folder_is_packed_and_shown_as_it_was(run: Run, tmp_path: Path) -> None:
    write_pets(tmp_path / "pets")
    done = run("data", "pack", "pets", "packed", "--shards", "2")
    assert (done.code, done.err) == (0, "")
    files = list((tmp_path / "packed").iterdir())
    size = sum(file.stat().st_size for file in files if file.name != "index.json")
    assert done.out == f"packed: 8 examples in 2 shards, {size / 1024:.1f} KiB\n"
    assert run("data", "show", "packed").out == run("data", "show", "pets").out
    for name, data in (("a", "images: pets, fit: stretch"), ("b", "packed: from-spec")):
        (tmp_path / f"{name}.yaml").write_text(PETS.replace("{DATA}", f"{{{data}}}"))
    assert run("data", "pack", "a.yaml", "from-spec").code == 0
    assert run("data", "show", "b.yaml").out == run("data", "show", "a.yaml").out
    assert run("check", "b.yaml").code == 0


def test_what_is_not_packed_is_said(run: Run, tmp_path: Path) -> None:
    write_pets(tmp_path / "pets")
    assert run("data", "pack", "pets", "packed").code == 0
    (tmp_path / "net.yaml").write_text("input: 4\nlayers: [relu]\n")
    for given, text in (
        (("packed", "again"), "packed is packed already: copy the folder as it is"),
        (("pets", "packed"), "packed is not empty: name a folder that is not there yet"),
        (("pets", "new", "--shards", "9"), "8 examples do not fill 9 shards: give fewer, --shards"),
        (
            ("net.yaml", "new"),
            "net.yaml does not say what to learn from: it has no `train: data:`",
        ),
        (
            ("net.yaml", "new", "--target", "a"),
            "net.yaml says the target itself: leave --target out",
        ),
    ):
        done = run("data", "pack", *given)
        assert (done.code, done.out, done.err) == (2, "", f"cnnkit: {text}\n")
    assert not (tmp_path / "new").exists()


def test_a_folder_of_images_and_masks_has_no_two_classes(run: Run, tmp_path: Path) -> None:
    for number in range(2):
        for folder in ("images", "masks"):
            (tmp_path / "scans" / folder).mkdir(parents=True, exist_ok=True)
            pixels = np.full((4, 4), number, np.uint8)
            pixels[0] = 2
            Image.fromarray(pixels).save(tmp_path / "scans" / folder / f"{number}.png")
    done = run("data", "show", "scans", "--format", "json")
    assert (done.code, done.err) == (0, "")
    counts = json.loads(done.out)["classes"]
    assert {name: each["train"] for name, each in counts.items()} == {"0": 12, "1": 12, "2": 8}
    done = run("data", "pack", "scans", "packed")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("packed: 2 examples in 2 shards, ")  # images, and masks
    assert run("data", "show", "packed").out == run("data", "show", "scans").out


def test_each_output_is_shown_by_its_name(run: Run, tmp_path: Path) -> None:
    masks = np.ones((6, 4, 4, 2), bool)
    masks[:, 1:, :, 0] = masks[:, 0, 0, 1] = False
    np.savez(tmp_path / "cells.npz", x=np.random.default_rng(0).random((6, 4, 4, 1)), y=masks)
    Path("cells.yaml").write_text(
        """input: 4x4x1
layers:
  - save: image
  - conv: {filters: 1, kernel: 1}
  - output: cell
  - load: image
  - conv: {filters: 1, kernel: 1}
  - output: core
train:
  data: {arrays: cells.npz, inputs: x, targets: {cell: "y[0]", core: "y[1]"}}
  loss: {cell: dice, core: binary_cross_entropy}
  split: {validation: 2, test: 2}
"""
    )
    done = run("data", "show", "cells.yaml")
    assert (done.code, done.err) == (0, "")
    headers = [line.partition("  ")[0] for line in done.out.splitlines() if "examples" in line]
    assert headers == ["cell of cells.npz", "core of cells.npz"]
    rows = [line.split() for line in done.out.splitlines() if line[:1] in ("0", "1")]
    # Two images of 16 pixels in each split: 4 of one are a cell, and all but one of the core.
    assert [row[1:] for row in rows] == [[each] * 3 for each in ("24", "8", "2", "30")]
