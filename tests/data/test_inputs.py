"""Inputs without targets: what is in files is read some at a time, and what is wrong is told."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import chunks
from cnnkit.data.decoding import Decoding
from cnnkit.data.inputs import Input, image_of, inputs_of, read_inputs
from cnnkit.data.listing import Refused
from cnnkit.data.preprocessing import OverallStatistics, Preprocessing
from cnnkit.errors import DataError
from cnnkit.spec.model.training import Csv

FLOATS = Preprocessing(
    "float64", (4, 2), None, (0.0, 0.0), (1.0, 1.0), Decoding(), OverallStatistics(-9, 9, 0, 3)
)
BYTES = Preprocessing(
    "uint8", (2, 2, 1), (0, 255), (0.0,), (1.0,), Decoding(), OverallStatistics(0, 255, 90, 80)
)


def signals(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (count, 4, 2))


def asked(path: Path, record: Preprocessing = FLOATS) -> list[Input | Refused]:
    return list(inputs_of([path], record))


def problem(path: Path, record: Preprocessing = FLOATS) -> str:
    (found,) = asked(path, record)
    assert isinstance(found, Refused)
    assert found.file == str(path)
    return found.problem


@pytest.mark.parametrize("count", [1, 64, 200])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_arrays_come_out_as_they_were_saved(
    tmp_path: Path, kind: str, order: str, count: int
) -> None:
    values = np.asarray(signals(count), order=order)  # type: ignore[call-overload]
    path = tmp_path / f"a.{kind}"
    if kind == "npy":
        np.save(path, values)
    else:
        np.savez_compressed(path, values=values, classes=np.array(["a", "b"]))
    found = asked(path)
    assert [each.name for each in found] == [f"{path}[{n}]" for n in range(count)]  # type: ignore[union-attr]
    assert np.array_equal([each.values for each in found], values.astype(np.float32))  # type: ignore[union-attr]


def test_examples_that_are_not_finite_are_told_one_by_one(tmp_path: Path) -> None:
    values = signals(5)
    values[3, 1, 0] = np.nan
    np.save(tmp_path / "a.npy", values)
    found = asked(tmp_path / "a.npy")
    assert [isinstance(each, Refused) for each in found] == [False, False, False, True, False]
    assert found[3].problem == (  # type: ignore[union-attr]
        f"{tmp_path}/a.npy[3] holds NaN or infinite values; clean the data, as with np.nan_to_num"
    )


def test_arrays_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, signals(3).transpose(0, 2, 1))
    assert problem(path) == (
        f"{path}: the network takes inputs of shape [N, 4, 2], these have [3, 2, 4]: move the "
        f"channels to the last axis, np.moveaxis(inputs, 1, -1)"
    )
    np.save(path, np.array(["a"]))
    assert problem(path) == f"{path} holds values of type <U1; numbers are needed"
    np.save(path, np.array([{}], object))
    assert problem(path) == (
        f"{path} holds Python objects, which are never read: save arrays of numbers"
    )
    np.save(path, signals(3))
    path.write_bytes(path.read_bytes()[:-8])
    found = asked(path)
    assert found[-1].problem == f"{path} is only a part of an array: it ends too early"  # type: ignore[union-attr]
    path.write_bytes(b"\x93NUMPY")
    assert problem(path).startswith(f"{path} is damaged: ")
    np.save(path, np.full((20, 2, 2, 1), 0.5) + np.linspace(0, 0.5, 20)[:, None, None, None])
    assert problem(path, BYTES).startswith(
        f"{path} has values from 0.5 to 1 (float64), and the run"
    )


def test_archives_that_are_damaged_or_say_too_little(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x_train=signals(3), x_test=signals(2))
    assert problem(path) == (
        f"{path} has several arrays of inputs, x_train, x_test: save the one that is asked about "
        f"as `x`"
    )
    np.savez(path, wide=np.zeros((3, 5)))
    assert problem(path) == f"{path} has no array of [N, 4, 2]; it has wide of 3x5"
    path.write_bytes(b"PK")
    assert problem(path) == (
        f"{path} is no .npz file, or only a part of one: write it with np.savez"
    )
    stream = io.BytesIO()
    np.lib.format.write_array(stream, signals(9))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", stream.getvalue()[:-100])
    assert asked(path)[-1].problem == f"{path} is only a part of an array: it ends too early"  # type: ignore[union-attr]


def test_a_table_says_which_line_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n1,2,3\n")
    assert (
        problem(path) == f"{path} has 3 columns of values, and the network's input is 4x2, 8 values"
    )
    path.write_text("-1.5,2,3,4,5,6,7,8\n1,2\n8,7,6,5,4,3,2,1\n")
    first, second, third = asked(path)
    assert isinstance(first, Input)
    assert first.values.tolist() == [[-1.5, 2], [3, 4], [5, 6], [7, 8]]
    assert second == Refused(f"{path}:2", f"{path}:2 has 2 columns, but the first line 8")
    assert isinstance(third, Input)
    assert (third.name, third.values[0].tolist()) == (f"{path}:3", [8, 7])


def test_the_target_of_the_table_that_was_learnt_from_is_no_value(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    header, row = "id,a,b,c,d,e,f,g,h,kind", "7,1,2,3,4,5,6,7,8.5,x"
    path.write_text(f"{header}\n{row}\n{row}\n")
    learnt = Csv(csv="learnt.csv", target="kind", drop=("id",))
    first, _ = inputs_of([path], FLOATS, learnt)
    assert isinstance(first, Input)
    assert first.values.reshape(-1).tolist() == [1, 2, 3, 4, 5, 6, 7, 8.5]
    assert problem(path) == (
        f"{path} has 10 columns of values, and the network's input is 4x2, 8 values"
    )


def test_no_more_is_read_than_is_asked_for_and_a_little_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    Image.new("L", (2, 2), 7).save(tmp_path / "a.png")
    pulled = 0

    def paths() -> Iterator[Path]:
        nonlocal pulled
        for _ in range(10_000):
            pulled += 1
            yield tmp_path / "a.png"

    found = inputs_of(paths(), BYTES)
    for _ in range(100):
        next(found)
    assert pulled <= 100 + 8 * (8 * 2 + 2)  # pieces of 8 images, 8 of them a thread
    found.close()  # type: ignore[attr-defined]


def test_a_large_array_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_BYTES", 3 * 64)
    np.save(tmp_path / "a.npy", signals(10))
    sizes = [len(chunk.values) for chunk in chunks.chunks_of(tmp_path / "a.npy", (4, 2))]
    assert sizes == [3, 3, 3, 1]


def test_all_inputs_of_paths_or_all_that_is_wrong(tmp_path: Path) -> None:
    for value in (0, 51):
        Image.new("L", (2, 2), value).save(tmp_path / f"{value}.png")
    found = read_inputs([str(tmp_path)], BYTES)
    assert np.allclose(found[:, 0, 0, 0], [0, 0.2])
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        read_inputs([str(tmp_path), str(tmp_path / "gone.png")], BYTES)
    first, second = caught.value.problems
    assert first.startswith(f"{tmp_path}/bad.png is no image that can be read")
    assert second == f"there is no file {tmp_path}/gone.png"


def test_an_image_that_would_fill_the_memory_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("L", (10, 10), 7).save(path)
    assert isinstance(image_of(path, BYTES, pixels=100), Input)
    for content in (None, path.read_bytes()):
        assert image_of(path, BYTES, content, pixels=99) == Refused(
            str(path), f"{path} would unpack to more than 99 pixels"
        )
