"""The pages of the documentation: their commands are run, and their figures are right."""

from __future__ import annotations

import json
import math
import re
import runpy
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as oracle

from tests.cli.command import Run

pytest.importorskip("jax")

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
COMMAND = re.compile(r"^\$ cnnkit (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
NUMBER = re.compile(r"\d[\d.,]*")
TRAINED = ("train", "cross-validate", "retrain")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_a_rare_disease_by_hand() -> None:
    """Each row of the table follows from its counts, of 1,000 people with 5 sick."""
    page = (DOCS / "how-to" / "rare-disease.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| a")]
    assert [row[0] for row in rows] == ["all are well", "a network", "all are sick"]
    for _, *cells in rows:
        found, missed, alarms = map(int, cells[:3])
        true = [1] * 5 + [0] * 995
        said = [1] * found + [0] * missed + [1] * alarms + [0] * (995 - alarms)
        precision = found / (found + alarms) if found + alarms else None
        expected = [
            oracle.accuracy_score(true, said),
            precision,
            oracle.recall_score(true, said),
            oracle.f1_score(true, said),
            oracle.balanced_accuracy_score(true, said),
        ]
        for cell, value in zip(cells[3:8], expected, strict=True):
            if value is None:
                assert cell == "—"
            else:
                assert float(cell.removesuffix(" %")) == pytest.approx(100 * value, abs=5e-3)
        assert float(cells[8]) == pytest.approx(oracle.matthews_corrcoef(true, said), abs=5e-5)


def test_a_rare_disease_with_a_network(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands print what the page shows; the last digits of what is trained may differ."""
    page = (DOCS / "how-to" / "rare-disease.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    (script,) = blocks(page, "python")
    Path("make.py").write_text(script)
    runpy.run_path("make.py")
    (spec,) = blocks(page, "yaml")
    Path("cells.yaml").write_text(spec)
    exact, trained = blocks(page, "console")
    for block in (exact, trained):
        for command, shown in COMMAND.findall(block):
            ran = run(*shlex.split(command))
            assert (ran.code, ran.err) == (0, "")
            if block is exact:
                assert ran.out == shown
            assert NUMBER.sub("0", ran.out) == NUMBER.sub("0", shown)
    found = json.loads(Path("judged/evaluation.json").read_text())
    # What the page says of the figures, whatever the machine.
    assert found["test"]["accuracy"] > found["test"]["majority"] == 107 / 119
    assert found["test"]["roc_auc"] > 0.97
    threshold = found["threshold"]
    assert math.isclose(threshold["wanted_recall"], 0.95)
    assert threshold["value"] < 0.5
    assert threshold["validation"]["missed"] == 0
    sick = next(row for row in found["test"]["classes"] if row["name"] == "sick")
    assert threshold["test"]["recall"] >= sick["recall"]


def test_a_segmentation(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands run, and leave what the page says."""
    page = (DOCS / "how-to" / "segmentation.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    (script,) = blocks(page, "python")
    Path("make.py").write_text(script)
    runpy.run_path("make.py")
    (spec,) = blocks(page, "yaml")
    Path("scans.yaml").write_text(spec)
    (commands,) = blocks(page, "console")
    told = {}
    for command, _ in COMMAND.findall(commands):
        ran = run(*shlex.split(command))
        assert ran.code == 0, ran.err
        told[command.split()[0]] = ran.out
    assert re.search(r"^ground\s+[\d,]+", told["data"], re.MULTILINE)
    assert "mean IoU" in told["evaluate"]
    assert re.search(r"^core\s+\d\.\d{4}\s+\d\.\d{4}", told["evaluate"], re.MULTILINE)
    assert "scans/images/0.png: ground " in told["predict"]
    summary = json.loads(Path("runs/scans/summary.json").read_text())
    assert summary["validation"]["mean_iou"] > 0.5
    names = {path.name for path in Path("found").iterdir()}
    assert names == {f"{number}{end}.png" for number in range(24) for end in ("", "-overlay")}
    assert Path("sheet.png").exists()
    folds = json.loads(Path("runs/scans-folds/summary.json").read_text())
    assert {"mean_iou", "mean_dice", "pixel_accuracy", "loss"} == set(folds["mean"])
    # Of all but the test's four examples, each pixel once; those that are ignored nowhere.
    assert np.sum(folds["confusion"]) < 20 * 32 * 32
    assert np.sum(folds["confusion"]) > 18 * 32 * 32
    assert Path("runs/scans/samples.png").exists()


def test_several_inputs(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The specs of the page are sound, and the siamese one trains on the pairs of its script."""
    page = (DOCS / "how-to" / "several-inputs.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    (script,) = blocks(page, "python")
    Path("make.py").write_text(script)
    runpy.run_path("make.py")
    for spec in blocks(page, "yaml"):
        Path(spec.split()[1]).write_text(spec)
    ran = []
    for command, shown in COMMAND.findall("".join(blocks(page, "console"))):
        if shown or "--smoke" in command:
            done = run(*shlex.split(command))
            ran.append(command)
            assert (done.code, done.out.endswith(shown)) == (0, True), done.err
    assert ran == ["check scenes.yaml", "check twins.yaml", "train twins.yaml --smoke"]


def pattern(shown: str) -> re.Pattern[str]:
    """What a command prints, whatever its numbers are; `…` stands for lines or words left out."""
    masked = re.sub(r"\s+", " ", NUMBER.sub("0", shown)).strip()
    return re.compile(re.escape(masked).replace("…", ".*"))


def test_your_own_images(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the script is read, learnt from, and predicted."""
    page = (DOCS / "how-to" / "own-images.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    (script,) = blocks(page, "python")
    Path("make.py").write_text(script)
    runpy.run_path("make.py")
    (spec,) = blocks(page, "yaml")
    Path("stripes.yaml").write_text(spec)
    (commands,) = blocks(page, "console")
    for command, shown in COMMAND.findall(commands):
        ran = run(*shlex.split(command))
        assert ran.code == 0, ran.out + ran.err
        printed = re.sub(r"\s+", " ", NUMBER.sub("0", ran.out)).strip()
        assert pattern(shown).fullmatch(printed), ran.out
    summary = json.loads(Path("runs/stripes/summary.json").read_text())
    assert summary["validation"]["accuracy"] == 1


def test_the_lecture_in_ten_commands(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """What is computed is printed as it is shown; what is trained, but for its numbers."""
    path = DOCS / "lecture" / "ten-commands.md"
    page = path.read_text("utf-8")
    (spec,) = blocks(page, "yaml")
    shutil.copytree(ROOT / "specs" / "lectures", tmp_path / "specs" / "lectures")
    shutil.copytree(DOCS / "lecture", tmp_path / "docs" / "lecture")
    monkeypatch.chdir(tmp_path)
    Path("first.yaml").write_text(spec)
    console = blocks(page, "console")
    assert len(console) == 10
    for block in console:
        ((command, shown),) = COMMAND.findall(block)
        ran = run(*shlex.split(command))
        assert ran.code == 0, ran.out + ran.err
        if command.startswith(TRAINED):
            printed = re.sub(r"\s+", " ", NUMBER.sub("0", ran.out)).strip()
            assert pattern(shown).fullmatch(printed), ran.out
        elif request.config.getoption("--overwrite-golden"):
            page = page.replace(block, f"$ cnnkit {command}\n{ran.out}")
        else:
            assert ran.out == shown
    if request.config.getoption("--overwrite-golden"):
        path.write_text(page, encoding="utf-8", newline="\n")
    summary = json.loads(Path("runs/first-final/summary.json").read_text())
    assert summary["test"]["accuracy"] > 0.85
