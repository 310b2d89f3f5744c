"""A run is evaluated on the data that it was trained on, or refuses and names what differs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import load, split
from cnnkit.data.duplicates import leaks
from cnnkit.errors import DataError, UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Arrays, Images, SplitSettings
from cnnkit.training import Options, resume, train
from cnnkit.training.use.evaluation import evaluate
from cnnkit.training.view.display import Quiet
from tests.training.bars import bars

Recipe = Callable[..., Spec]
CLASSES = ("left", "middle", "right")


class Notes(Quiet):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def write(folder: Path, count: int = 36, seed: int = 0) -> None:
    for number, (image, label) in enumerate(zip(*bars(count, seed), strict=True)):
        path = folder / CLASSES[label] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)


@pytest.fixture(scope="module")
def trained(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder of images, and the run that was trained on it."""
    root = tmp_path_factory.mktemp("images")
    write(root / "bars")
    spec = recipe(data={"images": str(root / "bars")}, split={"validation": 6, "test": 6}, epochs=1)
    return root, train(spec, run_dir=root / "run", display=Notes()).path


@pytest.fixture
def copy(trained: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """The folder, which may be changed, and the run; the folder is put back afterwards."""
    root, run = trained
    shutil.rmtree(root / "bars", ignore_errors=True)
    write(root / "bars")
    return root / "bars", run


def renamed_class(folder: Path) -> list[str]:
    (folder / "left").rename(folder / "zleft")
    return [f"left/{number:02}.png is now zleft/{number:02}.png" for number in range(0, 30, 3)]


def added(folder: Path) -> list[str]:
    Image.new("L", (6, 6), 3).save(folder / "middle" / "99.png")
    return ["middle/99.png is new"]


def removed(folder: Path) -> list[str]:
    (folder / "middle" / "01.png").unlink()
    return ["middle/01.png is gone"]


def repainted(folder: Path) -> list[str]:
    Image.new("L", (6, 6), 3).save(folder / "right" / "02.png")
    return ["right/02.png has other contents"]


def other_class(folder: Path) -> list[str]:
    (folder / "right" / "02.png").rename(folder / "left" / "02.png")
    return ["right/02.png is now left/02.png"]


def renamed_file(folder: Path) -> list[str]:
    (folder / "right" / "02.png").rename(folder / "right" / "zz.png")
    return ["right/02.png is now right/zz.png"]


def swapped(folder: Path) -> list[str]:
    one, other = folder / "left" / "00.png", folder / "right" / "02.png"
    one.rename(folder / "kept")
    other.rename(one)
    (folder / "kept").rename(other)
    return ["left/00.png has other contents", "right/02.png has other contents"]


def replaced(folder: Path) -> list[str]:
    shutil.rmtree(folder / "middle")
    write(folder / "new", seed=5)
    (folder / "new" / "middle").rename(folder / "middle")
    shutil.rmtree(folder / "new")
    return [f"middle/{number:02}.png has other contents" for number in range(1, 31, 3)]


def another_format(folder: Path) -> list[str]:
    with Image.open(folder / "left" / "03.png") as image:
        image.save(folder / "left" / "03.bmp")
    (folder / "left" / "03.png").unlink()
    return ["left/03.png is gone", "left/03.bmp is new"]


def added_and_removed(folder: Path) -> list[str]:
    return removed(folder) + added(folder)


CHANGES = (
    renamed_class, added, removed, repainted, other_class, renamed_file, swapped, replaced,
    another_format, added_and_removed,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: str(change.__name__))
def test_a_change_is_refused_by_file(
    change: Callable[[Path], list[str]], copy: tuple[Path, Path]
) -> None:
    folder, run = copy
    expected = change(folder)
    with pytest.raises(UsageError) as caught:
        evaluate(run, Options())
    first, *lines = str(caught.value).splitlines()
    assert first.startswith(f"{run} was begun with other data: ")
    assert first.endswith(" for bars; give the same --data-dir, or begin a new run")
    named = [line.strip() for line in lines if not line.strip().startswith("…")]
    assert named == expected[:10]


def test_a_new_class_does_not_fit_the_network(copy: tuple[Path, Path]) -> None:
    folder, run = copy
    (folder / "up").mkdir()
    for number in range(4):
        Image.new("L", (6, 6), number).save(folder / "up" / f"{number}.png")
    with pytest.raises(DataError, match="bars has 4 classes, but the network gives 3 scores"):
        evaluate(run, Options())


def test_a_missing_folder_is_named(copy: tuple[Path, Path]) -> None:
    folder, run = copy
    shutil.rmtree(folder)
    with pytest.raises(UsageError, match=f"there is no folder {folder}"):
        evaluate(run, Options())


def test_the_same_files_give_the_same_figures(copy: tuple[Path, Path]) -> None:
    folder, run = copy
    for path in folder.rglob("*.png"):
        os.utime(path, (0, 0))
    (folder / "Thumbs.db").write_bytes(b"litter")
    figures = evaluate(run, Options()).figures
    assert figures["examples"] == 6
    assert figures == evaluate(run, Options()).figures
    assert resume(run, display=Notes()).summary is not None


def test_other_data_are_for_the_option(copy: tuple[Path, Path], tmp_path: Path) -> None:
    folder, run = copy
    write(tmp_path / "more", 30, seed=3)
    data = Images(images=str(tmp_path / "more"))
    found = evaluate(run, Options(), data=data)
    assert (found.figures["examples"], found.warnings) == (30, ())
    known = json.loads((run / "files.json").read_text())
    assert [len(part) for part in known.values()] == [24, 6, 6]
    seen = sorted([*known["train"], *known["validation"]])[0]
    shutil.copy(folder / seen, tmp_path / "more" / "left" / "again.png")
    tested = sorted(known["test"])[0]
    shutil.copy(folder / tested, tmp_path / "more" / "left" / "tested.png")
    assert evaluate(run, Options(), data=data).warnings == (
        (
            "1 of 32 images are among those that the run was trained or validated on, and flatter "
            "it: left/again.png"
        ),
    )


def test_images_in_two_splits_are_told(recipe: Recipe, tmp_path: Path) -> None:
    for part, seed in (("train", 0), ("val", 1), ("test", 2)):
        write(tmp_path / "bars" / part, 18, seed)
    for part in ("val", "test"):
        for number in (0, 3):
            name = f"left/{number:02}.png"
            shutil.copy(tmp_path / "bars" / "train" / name, tmp_path / "bars" / part / name)
    notes = Notes()
    spec = recipe(data={"images": str(tmp_path / "bars")}, epochs=1)
    train(spec, run_dir=tmp_path / "run", display=notes)
    told = [note for note in notes.notes if note.startswith("warning: ")]
    folders = {"train": "train", "validation": "val", "test": "test"}
    assert told == [
        f"warning: 2 images are in both {one} and {other}, so that {other} does not measure what "
        f"is new to the network: "
        + "; ".join(
            f"{folders[one]}/left/{number}.png and {folders[other]}/left/{number}.png"
            for number in ("00", "03")
        )
        for one, other in (("train", "validation"), ("train", "test"), ("validation", "test"))
    ]


def test_arrays_in_two_splits_are_told(recipe: Recipe, tmp_path: Path) -> None:
    inputs, targets = bars(60)
    large = np.repeat(np.repeat(inputs, 2, 1), 2, 2)
    np.savez(
        tmp_path / "bars.npz",
        x_train=large[:40], y_train=targets[:40], x_test=large[37:], y_test=targets[37:],
    )  # fmt: skip

    dataset = load(Arrays(arrays=str(tmp_path / "bars.npz")))
    found = leaks(dataset, split(dataset, SplitSettings(validation=0)))
    assert found == [
        (
            "3 images are in both train and test, so that test does not measure what is new to the "
            "network: example 37 and example 0; example 38 and example 1; example 39 and example 2"
        )
    ]
