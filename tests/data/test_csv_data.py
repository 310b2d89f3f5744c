"""Tables of pixels: headers, targets, and lines that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.data import DataError, Dataset, load
from cnnkit.spec.model.training import Csv

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(text: str | bytes, name: str = "set.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def read(path: Path, **options: Any) -> Dataset:
    fields = {key: options.pop(key) for key in ("target", "test") if key in options}
    return load(Csv(csv=str(path), **fields), **options)


def fault(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(path, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "label,a,b,c,d\n0,1,2,3,4\n1,5,6,7,8\n",
        "0,1,2,3,4\n1,5,6,7,8\n",
        "\ufefflabel,a,b,c,d\r\n0,1,2,3,4\r\n\r\n1,5,6,7,8",
        "a,b,class,c,d\n1,2,0,3,4\n5,6,1,7,8\n",
        'label,a,b,c,d\n0," 1",2,3,"4"\n1,5,6,7,8.0\n',
    ],
    ids=["header", "none", "windows", "between", "quoted"],
)
def test_a_table_is_read(text: str, save: Save) -> None:
    dataset = read(save(text), input_shape=(2, 2, 1), outputs=2)
    assert dataset.train.inputs.dtype == np.uint8
    assert dataset.train.inputs[:, :, :, 0].tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert dataset.train.targets.tolist() == [0, 1]
    assert dataset.classes == ("0", "1")


def test_the_column_numbers_that_pandas_writes_are_a_header(save: Save) -> None:
    path = save("0,1,2,3,4,5,6,7\n0,9,9,9,9,9,9,9\n1,8,8,8,8,8,8,8\n")
    assert read(path).train.inputs[:, 0].tolist() == [9, 8]
    # Of fewer columns it is an example: one of class 0 and one of class 1.
    assert read(save("0,1,2\n1,8,8\n")).train.inputs[:, 0].tolist() == [1, 8]


@pytest.mark.parametrize("cells", ["0.5,1", "-1,2", "3,256", "1e-3,1"])
def test_what_are_no_bytes_are_floats(cells: str, save: Save) -> None:
    dataset = read(save(f"0,{cells}\n1,3,4\n"))
    assert dataset.train.inputs.dtype == np.float32
    assert dataset.train.inputs[0] == pytest.approx([float(cell) for cell in cells.split(",")])


def test_texts_are_classes_and_a_test_file_shares_them(save: Save) -> None:
    test = save("dog,5,6\nant,1,1\n", "test.csv")
    with pytest.raises(DataError, match=r"set\.csv \(train\) has no example of class ant"):
        read(save("dog,1,2\ncat,3,4\n"), test=str(test))
    test = save("dog,5,6\ncat,1,1\n", "test.csv")
    dataset = read(save("dog,1,2\ncat,3,4\n"), test=str(test))
    assert dataset.classes == ("cat", "dog")
    assert dataset.train.targets.tolist() == [1, 0]
    assert dataset.test is not None
    assert dataset.test.inputs[:].tolist() == [[5, 6], [1, 1]]


def test_the_target_can_be_named_or_numbered(save: Save) -> None:
    path = save("a,species,b\n1,0,1\n3,1,0\n")
    assert read(path, target="species").train.inputs[:].tolist() == [[1, 1], [3, 0]]
    assert read(path, target=1).train.targets.tolist() == [0, 1]
    assert read(path, target=2).train.inputs[:].tolist() == [[1, 0], [3, 1]]


def test_fractions_and_several_columns_are_values_to_predict(save: Save) -> None:
    path = save("x,y,a,b\n0.5,1,1,2\n1.5,0,3,4\n")
    one = read(path, target="x", outputs=1)
    assert one.train.targets.tolist() == [[0.5], [1.5]]
    assert one.classes == ()
    assert read(path, target=("x", "y"), outputs=2).train.targets.tolist() == [[0.5, 1], [1.5, 0]]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "{path} is empty"),
        ("label,a\n", {}, "{path} has a header, and no line of values"),
        (
            ",label,a\n0,0,1\n1,1,2\n",
            {},
            "{path}: column 0 has no name in the header; pandas writes its index so",
        ),
        ("1,2\n0,2,3\n", {}, "{path}:2 has 3 columns, but the first line 2"),
        ("label,a\n1,2\n0,\n", {}, "{path}:3: `a` is empty"),
        ("1,2\n0,two\n", {}, "{path}:2: column 1 is 'two', which is no number"),
        ("1;2\n0;3\n", {}, "{path} has no column of values beside its target: separate the "),
        ("label,a\n0,1\n1,2\n", {"target": "lable"},
         "{path} has no column `lable`: did you mean `label`?"),
        ("k,a\n0,1\n1,2\n", {"target": "species"}, "{path} has no column `species`: it has k, a"),
        ("0,1\n1,2\n", {"target": "label"},
         "{path} has no header with a column `label`: give its number"),
        ("0,1\n1,2\n", {"target": 2}, "{path} has columns 0 to 1, and no column 2"),
        (b"label,a\n\xff\xfe,1\n", {}, "{path} is no text in UTF-8: invalid start byte"),
        ('0,"1\n1,2\n', {}, "{path}:2: column 1 is '1\\n1,2\\n', which is no number"),
        ("0,nan\n1,2\n", {}, "set.csv (train): input 0 has NaN; clean the data"),
        ("0,1\n1,1e999\n", {}, "set.csv (train): input 1 has an infinite value; clean the data"),
        ("0,1\n0,2\n", {}, "set.csv has 1 class; to tell classes apart takes 2 at least"),
        ("0,1\n2,2\n", {}, "set.csv (train) has no example of class 1"),
        ("1,1\n2,2\n", {}, "set.csv (train) has no example of class 0: where labels count from 1"),
        ("0,1\n-1,2\n", {}, "set.csv (train): example 1 has label -1, but labels count from 0"),
        ("0,1\n99999999999999999999,2\n", {}, "set.csv has targets of 1 values, but"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(
    text: str | bytes, options: dict[str, Any], message: str, save: Save
) -> None:
    path = save(text)
    assert fault(path, outputs=2, **options).startswith(message.format(path=path))


def test_all_wrong_lines_are_counted(save: Save) -> None:
    path = save("label,a\n" + "0,1\n" * 3 + "0,x\n" * 15)
    with pytest.raises(DataError) as caught:
        read(path)
    assert len(caught.value.problems) == 15
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{path}:5: `a` is 'x', which is no number"
    assert lines[-1] == "  … and 5 more like these"


def test_a_test_file_must_have_the_same_columns(save: Save) -> None:
    test = save("0,1,2\n1,2,3\n", "test.csv")
    path = save("0,1\n1,2\n")
    assert fault(path, test=str(test)) == f"{test} has other columns than {path}"
