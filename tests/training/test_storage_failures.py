"""What becomes of a run whose disk, permissions or directory are lost: a sentence, and a way on."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cnnkit.errors import TrainingError
from cnnkit.spec.model.spec import Spec
from cnnkit.training.run import resume, train
from cnnkit.training.store import arrays, checkpoint, files
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.view.display import Quiet

Recipe = Callable[..., Spec]


class After(Quiet):
    """Does something once an epoch has ended."""

    def __init__(self, epochs: int, action: Callable[[], object]) -> None:
        self.epochs, self.action = epochs, action

    def epoch(self, record: RunEpoch, *, best: bool) -> None:  # noqa: ARG002
        if record.epoch == self.epochs:
            self.action()


def ended(spec: Spec, run: Path, epochs: int, action: Callable[[], object]) -> str:
    with pytest.raises(TrainingError) as caught:
        train(spec, run_dir=run, display=After(epochs, action))
    return str(caught.value)


GONE = (
    "{run} was moved or deleted while it was trained, so nothing more can be kept there: where it "
    "was moved, `cnnkit train --resume` goes on with it at its new place"
)


def test_a_run_that_is_moved_ends_and_goes_on_at_its_new_place(
    recipe: Recipe, tmp_path: Path
) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    said = ended(recipe(epochs=6), run, 2, lambda: run.rename(elsewhere))
    assert said == GONE.format(run=run)
    assert not run.exists()
    result = resume(elsewhere, display=Quiet())
    assert result.summary is not None
    assert result.summary["epochs"] == 6


@pytest.mark.skipif(sys.platform != "linux", reason="a folder is held by its number there")
def test_a_folder_that_is_moved_while_a_checkpoint_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is half written goes with it, and nothing is made at the old place."""
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    (run / "checkpoints").mkdir(parents=True)
    save = arrays.write

    def moved(*arguments: Any) -> None:
        run.rename(elsewhere)
        save(*arguments)

    monkeypatch.setattr(checkpoint, "write", moved)
    checkpoints = checkpoint.Checkpoints(run / "checkpoints")
    checkpoints.save({"kernel": np.arange(3.0)}, checkpoint.Record(7, [], None, 1.5))
    checkpoints.wait()
    checkpoints.close()
    assert list(tmp_path.iterdir()) == [elsewhere]
    kept, problems = checkpoint.Checkpoints(elsewhere / "checkpoints").last()
    assert kept is not None
    assert (kept.place, problems) == ((7, 0), [])
    assert kept.arrays()["kernel"].tolist() == [0, 1, 2]


def test_a_run_that_is_deleted_ends_and_leaves_nothing(recipe: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    said = ended(recipe(epochs=6), run, 2, lambda: shutil.rmtree(run, ignore_errors=True))
    assert said == GONE.format(run=run)
    assert not (run / "summary.json").exists()


def test_a_run_that_is_replaced_leaves_the_other_alone(recipe: Recipe, tmp_path: Path) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"

    def replaced() -> None:
        run.rename(elsewhere)
        run.mkdir()
        (run / "notes.txt").write_text("of another")

    assert ended(recipe(epochs=6), run, 2, replaced) == GONE.format(run=run)
    assert {path.name for path in run.iterdir()} - {"checkpoints"} == {"notes.txt"}
    assert not list((run / "checkpoints").glob("*"))


FULL = (
    "the disk is full: {path} could not be written; free some space there, then go on with "
    "`cnnkit train --resume {run}`: all up to step {step} is kept"
)
WAY_ON = ". Put that right, then go on with `cnnkit train --resume {run}`"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), FULL),
        (
            PermissionError(errno.EACCES, "Permission denied", "checkpoints"),
            f"checkpoints: Permission denied{WAY_ON}",
        ),
        (
            ValueError("NOT_FOUND: Error reading local file\nmore"),
            f"{{path}}: NOT_FOUND: Error reading local file{WAY_ON}",
        ),
    ],
)
def test_a_save_that_fails_leaves_the_one_before(
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    said: str,
) -> None:
    run = tmp_path / "run"
    checkpointer = arrays.checkpointer

    class Failing:
        def save(self, *_: Any, **__: Any) -> None:
            raise error

    def fails() -> None:
        while not list((run / "checkpoints").glob("step-*")):  # it is written in the background
            time.sleep(0.01)
        monkeypatch.setattr(arrays, "checkpointer", Failing)

    message = ended(recipe(epochs=4), run, 2, fails)
    monkeypatch.setattr(arrays, "checkpointer", checkpointer)
    kept = checkpoint.Checkpoints(run / "checkpoints").last()[0]
    assert kept is not None
    lost = run / "checkpoints" / checkpoint.name_of(8, 2)
    assert message == said.format(run=run, path=lost, step=kept.place[0])
    assert not list((run / "checkpoints").glob(".pending*"))
    assert resume(run, display=Quiet()).ending == "epochs"


def test_room_is_asked_for_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Orbax fails midway, its writes print a traceback each."""
    asked = []

    def full(handle: int, start: int, size: int) -> None:
        asked.append(size)
        if size > 100:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        files.require_space(tmp_path, [60, 70])
    assert asked == [70, 130]
    files.require_space(tmp_path, [60, 40])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="there are no limits on files")
def test_a_disk_that_fills_while_orbax_writes_prints_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """There was room when it was asked for; a limit on the size of files stands for the disk."""
    import resource

    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    monkeypatch.setattr(checkpoint, "require_space", lambda *_: None)
    kept = checkpoint.Checkpoints(tmp_path / "checkpoints")
    random = np.random.default_rng(0)
    state = {f"layer{number}": random.random((200, 200)) for number in range(30)}
    kept.save({"layer0": random.random(2)}, checkpoint.Record(1, [], None, 0.0))
    kept.wait()
    assert sys.unraisablehook == told.append  # it is put back
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        kept.save(state, checkpoint.Record(2, [], None, 0.0))
        with pytest.raises(files.DiskFullError, match=r"the disk is full: .*step-00000002-epoch"):
            kept.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    kept.close()
    assert told == []
    assert capfd.readouterr() == ("", "")
    assert [each.place for each in kept.found()] == [(1, 0)]
    assert kept.last()[1] == []
    # Anything else that nobody can catch is still told.
    other = SimpleNamespace(exc_type=ValueError, exc_value=ValueError("other"))
    sys.unraisablehook(other)
    assert told == [other]


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="names are bytes there")
def test_a_class_with_a_name_of_another_encoding(tmp_path: Path) -> None:
    """Latin-1 names, as old archives unpack them, in a terminal of UTF-8 and of ASCII."""
    from PIL import Image

    random = np.random.default_rng(0)
    for name in (b"caf\xe9", b"tea"):
        folder = Path(os.fsdecode(bytes(tmp_path) + b"/d\xe4ta/" + name))
        folder.mkdir(parents=True)
        for number in range(12):
            pixels = random.integers(0, 255, (6, 6)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / os.fsdecode(b"bild\xfc%d.png" % number))
    (tmp_path / "spec.yaml").write_text(
        "input: 6x6x1\nlayers: [flatten, {dense: {units: 2}}]\n"
        "train: {data: {images: data}, epochs: 1}\n"
    )
    (tmp_path / "data").symlink_to(os.fsdecode(bytes(tmp_path) + b"/d\xe4ta"))
    for encoding, arguments in (
        ("utf-8", ["train", "spec.yaml", "--run-dir", "run"]),
        ("ascii", ["evaluate", "run"]),
        ("ascii", ["predict", "run", os.fsdecode(b"data/caf\xe9/bild\xfc1.png")]),
        ("utf-8", ["data", "show", "data"]),
    ):
        ran = subprocess.run(
            [sys.executable, "-m", "cnnkit", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert b"Traceback" not in ran.stderr
