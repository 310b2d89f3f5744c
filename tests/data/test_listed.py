"""Tables of the files of images: columns by their usual names, labels, values, wrong lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import DataError, Dataset, load
from cnnkit.data.summary import summary
from cnnkit.errors import UsageError
from cnnkit.presentation.lines import Line
from cnnkit.report.dataset import dataset_lines
from cnnkit.spec.model.training import Csv

COUNT = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six grey images in ``img``, of one value each: 0, 10, 20 and on."""
    (tmp_path / "img").mkdir()
    for number in range(COUNT):
        Image.new("L", (2, 2), 10 * number).save(tmp_path / "img" / f"{number}.png")
    return tmp_path


def table(header: str | None, *cells: str) -> str:
    lines = [f"img/{number}.png,{cell}" for number, cell in enumerate(cells)]
    return "\n".join([*([] if header is None else [header]), *lines]) + "\n"


def read(root: Path, text: str, **fields: Any) -> Dataset:
    path = root / "labels.csv"
    path.write_text(text, encoding="utf-8")
    wanted = ("input_shape", "outputs", "budget")
    options = {key: fields.pop(key) for key in wanted if key in fields}
    return load(Csv(csv=str(path), **fields), **options)


def fault(root: Path, text: str, **fields: Any) -> list[str]:
    with pytest.raises(DataError) as caught:
        read(root, text, **fields)
    return [problem.replace(str(root), "DIR") for problem in caught.value.problems]


PETS = ("cat", "dog", "cat", "dog", "dog", "cat")


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("file,label", "`label` of the images in `file`"),
        ("filename,class", "`class` of the images in `filename`"),
        ("File_Name,Category", "`Category` of the images in `File_Name`"),
        ("FILENAME,LABEL", "`LABEL` of the images in `FILENAME`"),
        ("image,target", "`target` of the images in `image`"),
        ("image_path,labels", "`labels` of the images in `image_path`"),
        ("Path,y", "`y` of the images in `Path`"),
        ("img, Class ", "`Class` of the images in `img`"),
        ("Image Name,classes", "`classes` of the images in `Image Name`"),
        (None, "column 1 of the images in column 0"),
    ],
)
def test_columns_have_their_usual_names_in_any_case(
    header: str | None, told: str, folder: Path
) -> None:
    dataset = read(folder, table(header, *PETS))
    assert dataset.target == told
    assert dataset.classes == ("cat", "dog")
    assert dataset.train.targets.tolist() == [0, 1, 0, 1, 1, 0]
    assert dataset.shape == (2, 2, 1)
    assert dataset.train.inputs[:, 0, 0, 0].tolist() == [0, 10, 20, 30, 40, 50]


def test_other_names_are_said(folder: Path) -> None:
    text = table("where,width,what", *(f"2,{pet}" for pet in PETS))
    dataset = read(folder, text, file="where", target="what")
    assert dataset.target == "`what` of the images in `where`; not read: width"
    assert dataset.train.targets.tolist() == [0, 1, 0, 1, 1, 0]
    assert read(folder, table(None, *PETS), file=0, target=1).classes == ("cat", "dog")


def test_files_lie_in_another_folder(folder: Path) -> None:
    text = "file,label\n" + "".join(f"{number}.png,{number % 2}\n" for number in range(COUNT))
    dataset = read(folder, text, folder=str(folder / "img"))
    assert dataset.train.targets.tolist() == [0, 1] * 3
    assert dataset.train.sources is not None
    assert [path.as_posix() for path in dataset.train.sources.paths[:2]] == ["0.png", "1.png"]
    text = text.replace("0.png", "img\\0.png").replace("1.png", "img\\1.png")
    text = "\n".join(text.splitlines()[:3])
    assert read(folder, text).train.inputs[:, 0, 0, 0].tolist() == [0, 10]
    with pytest.raises(UsageError, match=f"there is no folder {folder}/none, where the files of "):
        read(folder, text, folder=str(folder / "none"))


def test_several_labels_in_a_cell(folder: Path) -> None:
    text = table("file,tags", "sea|sky", "sky", "", "sea | sun", "sun", "sky")
    dataset = read(folder, text, target="tags", separator="|")
    assert dataset.classes == ("sea", "sky", "sun")
    assert dataset.train.targets.tolist() == [
        [1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 0, 1], [0, 0, 1], [0, 1, 0],
    ]  # fmt: skip
    rows = [_text(line).split() for line in dataset_lines(summary(dataset))]
    for row in (["label", "train"], ["sea", "2"], ["sky", "3"], ["sun", "2"], ["all", "6"]):
        assert row in rows
    assert ["target", "`tags`", "of", "the", "images", "in", "`file`"] in rows
    assert summary(dataset).to_dict()["targets"] == "labels"


def _text(line: Line) -> str:
    return "".join(piece.text for piece in line)


def test_several_labels_in_columns_are_named_after_these(folder: Path) -> None:
    text = table("file,sun,sea", "1,0", "1,1", "0,0", "0,1", "1,0", "0,1")
    dataset = read(folder, text, target=("sea", "sun"))
    assert dataset.classes == ("sea", "sun")
    assert dataset.train.targets.tolist() == [[0, 1], [1, 1], [0, 0], [1, 0], [0, 1], [1, 0]]


def test_a_class_that_looks_like_several_labels_is_told(folder: Path) -> None:
    dataset = read(folder, table("file,label", "sea|sky", "sky", "sky", "sea|sky", "sky", "sky"))
    assert dataset.classes == ("sea|sky", "sky")
    assert dataset.notes == (
        (
            f"{folder}/labels.csv: `label` such as 'sea|sky' is taken for one class: where it is "
            f'several labels, say `separator: "|"`'
        ),
    )


def test_values_to_predict(folder: Path) -> None:
    ages = ("1.5", "2", "30", "4", "5.25", "6")
    dataset = read(folder, table("file,age", *ages), target="age", outputs=1)
    assert dataset.classes == ()
    assert dataset.train.targets.tolist() == [[1.5], [2], [30], [4], [5.25], [6]]
    both = table("file,x,y", *(f"{age},{age}" for age in ages))
    assert read(folder, both, target=("x", "y")).train.targets[0].tolist() == [1.5, 1.5]


def test_a_column_says_the_split(folder: Path) -> None:
    parts = ("train", "Valid", "test", "training", "test", "train")
    cells = [f"{pet},{part}" for pet, part in zip(PETS, parts, strict=True)]
    dataset = read(folder, table("file,label,Split", *cells))
    assert dataset.target == "`label` of the images in `file`, split by `Split`"
    assert dataset.train.inputs[:, 0, 0, 0].tolist() == [0, 30, 50, 10]
    assert dataset.validation is not None
    assert dataset.validation.tolist() == [3]
    assert dataset.test is not None
    assert dataset.test.targets.tolist() == [0, 1]


def test_another_table_has_the_test_split(folder: Path) -> None:
    test = folder / "test.csv"
    test.write_text(table("file,label", "dog", "cat"))
    dataset = read(folder, table("file,label", *PETS), test=str(test))
    assert dataset.test is not None
    assert dataset.test.targets.tolist() == [1, 0]
    beside = folder / "img" / "test.csv"  # whose files lie beside it
    beside.write_text("file,label\n5.png,dog\n0.png,cat\n")
    dataset = read(folder, table("file,label", *PETS), test=str(beside))
    assert dataset.test is not None
    assert dataset.test.inputs[:, 0, 0, 0].tolist() == [50, 0]
    test.write_text(table("file,class", "dog", "cat"))
    assert fault(folder, table("file,label", *PETS), test=str(test)) == [
        "DIR/test.csv has other columns than DIR/labels.csv"
    ]


@pytest.mark.parametrize(
    ("text", "fields", "problems"),
    [
        (
            table("file,label", "a", "b") + "img/77.png,a\n,b\nimg/1.png,a\nimg/2.png,a,b\n",
            {},
            [
                "DIR/labels.csv:4: `file`, img/77.png: there is no file DIR/img/77.png",
                "DIR/labels.csv:5: `file`, the file, is empty",
                ("DIR/labels.csv:6: `file`, img/1.png is in line 3 too: several labels of an image "
                'stand in one cell, with `separator: "|"`'),
                "DIR/labels.csv:7 has 3 columns, but the first line 2",
            ],
        ),
        (
            table("file,label,split", "a", "b,train"),
            {},
            ["DIR/labels.csv:2 has 2 columns, but the first line 3"],
        ),
        (table("file,label", "a", ""), {}, ["DIR/labels.csv:3: `label`, the target, is empty"]),
        (
            table("file,label", "1", "na"),
            {},
            ["DIR/labels.csv:3: `label`, the target, is 'na', and numbers in other lines"],
        ),
        (
            table("file,label,split", "a,train", "b,holdout"),
            {},
            [
                ("DIR/labels.csv:3: `split` is 'holdout', which is neither train, validation nor "
                "test")
            ],
        ),
        (
            table("file,label,split", "a,test", "b,test"),
            {},
            ["DIR/labels.csv has no line of the training split"],
        ),
        (
            table("file,species", "a", "b"),
            {},
            [
                ("DIR/labels.csv has no column `label`, `class`, `target` or `y`: say which is the "
                "target, `target: NAME`; it has file, species")
            ],
        ),
        (
            table("file,label", "a", "b"),
            {"file": "filename"},
            ["DIR/labels.csv has no column `filename`: did you mean `file`?"],
        ),
        (
            table("file,label", "a", "b"),
            {"target": "file"},
            ["DIR/labels.csv: `file` names the files and is the target too"],
        ),
        (
            "file,image,label\nimg/0.png,img/1.png,a\n",
            {},
            ["DIR/labels.csv has `file` and `image`: say which names the files, `file: NAME`"],
        ),
        (
            table(None, "a,1", "b,2"),
            {},
            [
                ("DIR/labels.csv has no header, and 3 columns: say which is the target, "
                "`target: NUMBER`; column 0 names the files")
            ],
        ),
        (
            table("file,x,y", "a,1", "b,2"),
            {"target": ("x", "y"), "separator": "|"},
            ["DIR/labels.csv: `separator` parts the labels of one column, and `target` names 2"],
        ),
        (
            "label,a\n0,1\n1,2\n",
            {"folder": "img"},
            [
                (
                    "DIR/labels.csv has no column of the files of images, which `folder` is about: "
                    "say which it is, `file: NAME`"
                )
            ],
        ),
        (
            table("file,label", "a", "b"),
            {"input_shape": (8,)},
            [
                ("DIR/labels.csv has images: they need an `input:` of height, width and channels, "
                "of which 1 is grey, 3 is RGB and 4 is RGBA; this one is 8")
            ],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(
    text: str, fields: dict[str, Any], problems: list[str], folder: Path
) -> None:
    assert fault(folder, text, **fields) == problems


def test_a_file_elsewhere_is_refused(folder: Path) -> None:
    outside = folder / "img"
    (folder / "tables").mkdir()
    path = folder / "tables" / "labels.csv"
    path.write_text(f"file,label\n../img/0.png,a\n{outside}/1.png,b\n")
    with pytest.raises(DataError) as caught:
        load(Csv(csv=str(path)))
    assert caught.value.problems == tuple(
        f"{path}:{line}: `file`, {name} leads out of {path.parent}: name the folder of all files, "
        f"`folder`"
        for line, name in ((2, "../img/0.png"), (3, f"{outside}/1.png"))
    )
    path.write_text(f"file,label\nimg/0.png,a\n{outside}/1.png,b\n")
    dataset = load(Csv(csv=str(path), folder=str(path.parent / "..")))
    assert dataset.train.targets.tolist() == [0, 1]


@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_damaged_file_is_said_with_its_line_or_skipped(place: int, folder: Path) -> None:
    (folder / "img" / f"{place}.png").write_bytes(b"no image")
    text = table("file,label", *PETS)
    (problem,) = fault(folder, text)
    assert problem.startswith(
        f"DIR/labels.csv:{place + 2}: `file`: DIR/img/{place}.png is no image that can be read"
    )
    dataset = read(folder, text, damaged="skip")
    kept = [number for number in range(COUNT) if number != place]
    assert dataset.train.targets.tolist() == [int(PETS[number] == "dog") for number in kept]
    assert dataset.train.inputs[:, 0, 0, 0].tolist() == [10 * number for number in kept]
    assert dataset.notes[0].startswith(f"left out: {folder}/labels.csv:{place + 2}: `file`: ")


def test_images_that_do_not_fit_the_memory_stay_in_their_files(folder: Path) -> None:
    lazy = read(folder, table("file,label", *PETS), budget=0)
    assert not isinstance(lazy.train.inputs, np.ndarray)
    assert lazy.train.inputs[np.array([4, 1])][:, 0, 0, 0].tolist() == [40, 10]
