"""Packed data sets: they are the sets that they were packed from, or are refused."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import DataError, Dataset, load
from cnnkit.data.index import index_of, require_whole
from cnnkit.data.records import RecordArray, Records
from cnnkit.data.shard_writer import pack
from cnnkit.data.share import ALONE
from cnnkit.data.stream import stream
from cnnkit.errors import MissingExtraError, UsageError
from cnnkit.spec.model.training import Arrays, Csv, Data, Images, Packed, Train, Unpacked
from tests.data.made import random_images

SHAPE = (6, 6, 3)


def write_photos(folder: Path) -> None:
    """Photos of several extents, in three splits."""
    random = np.random.default_rng(3)
    for part, each in (("train", 3), ("valid", 1), ("test", 2)):
        for name in ("cat", "dög"):
            (folder / part / name).mkdir(parents=True)
            for number in range(each):
                height, width = (10, 7) if number == 1 else (8, 9)
                pixels = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / part / name / f"{number}.jpg")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets") / "pets"
    write_photos(folder)
    return folder


@pytest.fixture(scope="module")
def shards(photos: Path) -> Path:
    """The photos in three shards."""
    folder = photos.parent / "packed"
    pack(Images(images=str(photos)), folder, shards=3)
    return folder


def require_same(one: Dataset, other: Dataset) -> None:
    """All that a training reads of a data set, to the bit."""
    for name in ("name", "classes", "dtype", "decoding", "target", "notes"):
        assert getattr(one, name) == getattr(other, name), name
    assert np.array_equal(one.validation, other.validation)  # type: ignore[arg-type]
    for part in ("train", "test"):
        mine, its = getattr(one, part), getattr(other, part)
        assert (mine is None) == (its is None)
        if mine is None:
            continue
        assert mine.value_range == its.value_range
        assert mine.sources == its.sources
        assert mine.targets.dtype == its.targets.dtype
        assert np.array_equal(mine.targets, its.targets)
        assert mine.inputs.shape == its.inputs.shape
        assert mine.inputs.dtype == its.inputs.dtype
        assert np.array_equal(mine.inputs[:], its.inputs[:])
        chosen = np.arange(len(its))[::-2]
        assert np.array_equal(mine.inputs[chosen], its.inputs[chosen])


@pytest.mark.parametrize("budget", [0, 2**30])
@pytest.mark.parametrize("shape", [None, SHAPE])
def test_packed_photos_are_the_photos(
    photos: Path, shards: Path, budget: int, shape: tuple[int, ...] | None
) -> None:
    source = load(Images(images=str(photos)), input_shape=shape, budget=budget)
    found = load(Packed(packed=str(shards)), input_shape=shape, budget=budget)
    require_same(found, source)
    assert isinstance(found.train.inputs, np.ndarray) == (budget > 0)
    assert found.train.sources is not None
    assert found.train.sources.name(0) == "train/cat/0.jpg"
    assert found.classes == ("cat", "dög")


def test_the_index_says_what_is_in_it(photos: Path, shards: Path) -> None:
    index = index_of(shards)
    assert [each.file for each in index.shards] == [
        f"data-0000{number}-of-00003.array_record" for number in range(3)
    ]
    assert [each.records for each in index.shards] == [4, 4, 4]
    assert index.shape == (8, 9, 3)  # of 8 of 12 photos, the commonest
    assert index.extents == {"smallest": (8, 7), "largest": (10, 9)}
    assert index.source == {"images": "pets"}
    assert {name: part.examples for name, part in index.splits.items()} == {"train": 8, "test": 4}
    assert index.splits["train"].classes == {"cat": 4, "dög": 4}
    inputs = load(Images(images=str(photos)), input_shape=(8, 9, 3)).train.inputs[:] / 255
    np.testing.assert_allclose(index.splits["train"].mean, inputs.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(index.splits["train"].deviation, inputs.std((0, 1, 2)), rtol=1e-6)


def test_the_same_source_gives_the_same_bytes(photos: Path, tmp_path: Path) -> None:
    kept = []
    for name in ("a", "b"):
        pack(Images(images=str(photos)), tmp_path / name, shards=2)
        kept.append({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()})
    assert kept[0] == kept[1]
    assert sorted(kept[0]) == [
        "data-00000-of-00002.array_record",
        "data-00001-of-00002.array_record",
        "examples.npz",
        "index.json",
    ]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_record_is_the_file_of_an_image(photos: Path, shards: Path) -> None:
    index = index_of(shards)
    records = Records(
        [shards / each.file for each in index.shards], [each.records for each in index.shards]
    )
    assert records[0] == (photos / "train" / "cat" / "0.jpg").read_bytes()
    assert records.some(slice(8, 12))[3] == (photos / "test" / "dög" / "1.jpg").read_bytes()


def write_arrays(folder: Path) -> Arrays:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(20, 5, 4))
    names = np.array(["b", "a", "c", "a"] * 5)
    np.savez(
        folder / "set.npz",
        x_train=inputs[:12],
        y_train=names[:12],
        x_val=inputs[12:15],
        y_val=names[12:15],
        x_test=inputs[15:],
        y_test=names[15:],
    )
    return Arrays(arrays=str(folder / "set.npz"), value_range=(-4, 4))


def write_labels(folder: Path) -> Arrays:
    marks = np.random.default_rng(1).integers(0, 2, (6, 3)).astype(bool)
    np.savez(folder / "labels.npz", x=random_images(6, 8, 8, 1), y=marks)
    return Arrays(arrays=str(folder / "labels.npz"))


def write_masks(folder: Path) -> Arrays:
    masks = np.random.default_rng(1).integers(0, 3, (6, 8, 8))
    masks[0, 0] = 255
    np.savez(folder / "masks.npz", x=random_images(6, 8, 8, 1), y=masks)
    return Arrays(arrays=str(folder / "masks.npz"), ignore=255)


def write_values(folder: Path) -> Csv:
    rows = "\n".join(f"{line}.5,{line % 3},{line * line}" for line in range(12))
    (folder / "set.csv").write_text(f"a,kind,b\n{rows}\n")
    return Csv(csv=str(folder / "set.csv"), target="kind")


def write_listed(folder: Path) -> Csv:
    for number, image in enumerate(random_images(6, 8, 8, 3)):
        Image.fromarray(image).save(folder / f"{number}.png")
    lines = (f"{number}.png,{number / 4}" for number in range(6))
    (folder / "listed.csv").write_text("file,target\n" + "\n".join(lines) + "\n")
    return Csv(csv=str(folder / "listed.csv"), fit="contain")


@pytest.mark.parametrize(
    ("write", "shape"),
    [
        (write_arrays, (5, 4, 1)),
        (write_labels, (8, 8, 1)),
        (write_masks, (8, 8, 1)),
        (write_values, (2,)),
        (write_listed, (4, 7, 1)),
        (lambda _: "digits", (64,)),
    ],
)
def test_what_else_is_packed(
    write: Callable[[Path], Unpacked], shape: tuple[int, ...], tmp_path: Path
) -> None:
    source = write(tmp_path)
    pack(source, tmp_path / "packed", shards=2)
    for given in (None, shape):
        wanted = load(source, input_shape=given)
        for budget in (0, 2**30):
            found = load(Packed(packed=str(tmp_path / "packed")), input_shape=given, budget=budget)
            require_same(found, wanted)


def test_a_spec_may_say_otherwise_what_is_done_to_images(photos: Path, shards: Path) -> None:
    said: dict[str, Any] = {"fit": "contain", "background": "black", "value_range": (0, 100)}
    source = load(Images(images=str(photos), **said), input_shape=SHAPE)
    require_same(load(Packed(packed=str(shards), **said), input_shape=SHAPE), source)
    with pytest.raises(DataError) as caught:
        load(Packed(packed=str(shards), fit="none"), input_shape=SHAPE)
    assert caught.value.problems[0] == (
        f"{shards}/train/cat/0.jpg is 8x9, not 6x6: resize it, or let `fit` do so: cover, contain "
        "or stretch"
    )
    assert len(caught.value.problems) == 12


def test_whole_numbers_are_what_the_loss_compares(tmp_path: Path) -> None:
    inputs = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    np.savez(tmp_path / "set.npz", x=inputs, y=np.array([-3, 250_000, 7, 9, 2, 1]))
    source, folder = Arrays(arrays=str(tmp_path / "set.npz")), tmp_path / "packed"
    with pytest.raises(DataError, match="example 0 has label -3, but labels count from 0"):
        pack(source, folder)
    loss = Train(loss="mean_squared_error").loss
    pack(source, folder, loss=loss)
    require_same(
        load(Packed(packed=str(folder)), loss=loss, outputs=1), load(source, loss=loss, outputs=1)
    )
    assert index_of(folder).splits["train"].classes == {}


def test_a_range_of_a_set_with_a_name(tmp_path: Path) -> None:
    pack("digits", tmp_path / "packed")
    found = load(Packed(packed=str(tmp_path / "packed"), value_range=(0, 510)))
    assert float(found.train.inputs[:].max()) == pytest.approx(0.5)


def test_files_that_were_left_out_are_left_out(photos: Path, tmp_path: Path) -> None:
    write_photos(tmp_path / "pets")
    broken = tmp_path / "pets" / "train" / "cat" / "1.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    source = Images(images=str(tmp_path / "pets"), damaged="skip")
    pack(source, tmp_path / "packed")
    found = load(Packed(packed=str(tmp_path / "packed")), input_shape=SHAPE)
    require_same(found, load(source, input_shape=SHAPE))
    assert found.notes[0].startswith(f"left out: {broken} ")
    # Of these the headers are sound.
    cut = [tmp_path / "pets" / part / "cat" / "0.jpg" for part in ("train", "test")]
    for path in cut:
        path.write_bytes(path.read_bytes()[:-20])
    write_photos(tmp_path / "other")
    broken.write_bytes((tmp_path / "other" / "train" / "cat" / "1.jpg").read_bytes())
    with pytest.raises(DataError) as caught:
        pack(Images(images=str(tmp_path / "pets")), tmp_path / "new")
    assert [problem.split(" ")[0] for problem in caught.value.problems] == list(map(str, cut))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "packed", "pets"]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda root: (Images(images=str(root / "pets")), root / "full", None),
            "full is not empty: name a folder that is not there yet",
        ),
        (
            lambda root: (Images(images=str(root / "pets")), root / "file", None),
            "file is a file: name a folder that is not there yet",
        ),
        (
            lambda root: (Images(images=str(root / "pets")), root / "pets" / "packed", None),
            (
                "pets/packed lies in {root}/pets, where it would be taken for a class: name a "
                "folder elsewhere"
            ),
        ),
        (
            lambda root: (Images(images=str(root / "pets")), root / "new", 13),
            "12 examples do not fill 13 shards: give fewer, --shards",
        ),
    ],
)
def test_where_nothing_is_written(
    make: Callable[[Path], tuple[Unpacked, Path, int | None]], text: str, tmp_path: Path
) -> None:
    write_photos(tmp_path / "pets")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("")
    (tmp_path / "file").write_text("")
    before = sorted(tmp_path.rglob("*"))
    source, folder, count = make(tmp_path)
    with pytest.raises(UsageError) as caught:
        pack(source, folder, shards=count)
    assert str(caught.value).removeprefix(f"{tmp_path}/") == text.format(root=tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_changes_leaves_nothing_half_done(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "cnnkit.data.contents.sources_of",
        lambda paths, folder: _with_other_digests(paths, folder),
    )
    with pytest.raises(DataError) as caught:
        pack(Images(images=str(photos)), tmp_path / "packed")
    first = photos / "train" / "cat" / "0.jpg"
    assert str(caught.value) == f"{first} was changed while it was packed: pack it once more"
    assert list(tmp_path.iterdir()) == []


def _with_other_digests(paths: Any, folder: Path) -> Any:
    from cnnkit.data.sources import sources_of

    found = sources_of(paths, folder)
    return replace(found, digests=tuple("0" * 64 for _ in found.digests))


def copied(shards: Path, to: Path) -> Path:
    to.mkdir()
    for file in shards.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def changed(folder: Path, **fields: object) -> None:
    """Writes other fields into the index."""
    path = folder / "index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def renamed(folder: Path, name: str) -> None:
    """Another name for the first shard."""
    shards = json.loads((folder / "index.json").read_text())["shards"]
    changed(folder, shards=[{**shards[0], "file": name}, *shards[1:]])


FIRST = "data-00000-of-00003.array_record"


def cut_off(folder: Path) -> None:
    content = (folder / FIRST).read_bytes()
    (folder / FIRST).write_bytes(content[:1000])


def altered(folder: Path) -> None:
    content = bytearray((folder / FIRST).read_bytes())
    content[700] ^= 1
    (folder / FIRST).write_bytes(content)


def piped(path: Path) -> None:
    """A pipe in the place of a file, from which nothing ever comes."""
    path.unlink()
    os.mkfifo(path)


def led_out(folder: Path) -> None:
    (folder / FIRST).rename(folder.parent / "elsewhere")
    (folder / FIRST).symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (
            lambda folder: renamed(folder, "../secret"),
            (
                "{folder}/index.json names '../secret', which is no file in its own folder: "
                "nothing is read"
            ),
        ),
        (
            lambda folder: renamed(folder, "/etc/passwd"),
            (
                "{folder}/index.json names '/etc/passwd', which is no file in its own folder: "
                "nothing is read"
            ),
        ),
        (
            lambda folder: renamed(folder, "..\\secret"),
            (
                "{folder}/index.json names '..\\\\secret', which is no file in its own folder: "
                "nothing is read"
            ),
        ),
        (
            lambda folder: renamed(folder, "data-00001-of-00003.array_record"),
            "{folder}/index.json is damaged: it names a file twice",
        ),
        (led_out, "{folder}/{first} is a link that leads out of {folder}"),
        (
            lambda folder: (folder / FIRST).unlink(),
            "{folder}/{first} is missing, which index.json names: copy it there",
        ),
        (
            cut_off,
            "{folder}/{first} has 1,000 bytes, and index.json says {size:,}: copy it once more",
        ),
        (
            altered,
            (
                "{folder}/{first} has other contents than index.json says, of the SHA-256 {found}… "
                "in place of {due}…: copy it once more, or pack the data again"
            ),
        ),
        (
            lambda folder: changed(folder, format=3),
            (
                "{folder}/index.json was written by a later version of cnnkit: its format is 3, "
                "and this version reads 2; update cnnkit, or pack the data with this version"
            ),
        ),
        (
            lambda folder: changed(folder, dtype="object"),
            "{folder}/index.json is damaged: dtype: Input should be 'uint8', 'uint16' or 'float32'",
        ),
        (
            lambda folder: changed(folder, source={"images": "a", "tile": 3}),
            "{folder}/index.json is damaged: source: `data` has no field `tile`",
        ),
        (
            lambda folder: changed(folder, source={"packed": "a"}),
            "{folder}/index.json is damaged: source: it is no data set",
        ),
        (
            lambda folder: changed(folder, splits={}),
            "{folder}/index.json is damaged: its splits have 0 examples, its shards 12",
        ),
        (
            lambda folder: changed(folder, classes=["cat"]),
            (
                "pets (train): example 3 has label 1, but those of 1 classes go from 0 to 0\n"
                "  pets (test): example 2 has label 1, but those of 1 classes go from 0 to 0"
            ),
        ),
        (
            lambda folder: (folder / "index.json").write_text("{"),
            "{folder}/index.json is damaged: it is no JSON",
        ),
        (
            lambda folder: (folder / "index.json").write_text("[" * 100_000),
            "{folder}/index.json is damaged: it is no JSON",
        ),
        (
            lambda folder: (folder / "index.json").write_bytes(b" " * (2**26 + 1)),
            "{folder}/index.json has more than 67,108,864 bytes, which no index has",
        ),
        (
            lambda folder: piped(folder / "index.json"),
            "{folder}/index.json is no file, and is not read",
        ),
        (
            lambda folder: piped(folder / FIRST),
            "{folder}/{first} is no file, which index.json names: copy it there",
        ),
        (
            lambda folder: changed(folder, shape=[10**6, 10**6, 3]),
            "{folder}/index.json is damaged: 1000000x1000000x3 is the shape of no image",
        ),
        (
            lambda folder: changed(folder, records="values", shape=[10**9, 10**9]),
            (
                "{folder}/index.json is damaged: 12 inputs of 1000000000x1000000000 have "
                "12,000,000,000,000,000,000 bytes, its shards {all:,}"
            ),
        ),
        (
            lambda folder: (folder / "index.json").unlink(),
            (
                "{folder} is no packed data set, it has no index.json: `cnnkit data pack SOURCE "
                "DIR` writes one"
            ),
        ),
    ],
)
def test_what_is_no_packed_set_is_refused(
    damage: Callable[[Path], object], text: str, shards: Path, tmp_path: Path
) -> None:
    from hashlib import sha256

    folder = copied(shards, tmp_path / "copy")
    damage(folder)
    with pytest.raises((DataError, UsageError)) as caught:
        load(Packed(packed=str(folder)))
    whole, here = shards / FIRST, folder / FIRST
    assert str(caught.value) == text.format(
        folder=folder,
        first=FIRST,
        size=whole.stat().st_size,
        all=sum(each.stat().st_size for each in shards.glob("data-*")),
        due=sha256(whole.read_bytes()).hexdigest()[:12],
        found=sha256(here.read_bytes()).hexdigest()[:12] if here.is_file() else "",
    )


def test_a_shard_that_is_damaged_or_gone_while_it_is_streamed(shards: Path, tmp_path: Path) -> None:
    def fault(damage: Callable[[Path], object], name: str) -> str:
        folder = copied(shards, tmp_path / name)
        found = load(Packed(packed=str(folder)), budget=0)
        damage(folder)
        with pytest.raises(DataError) as caught:
            for _ in stream(found.train, lambda _: np.arange(4), start=0, stop=1):
                pass
        (problem,) = caught.value.problems
        return problem.removeprefix(f"{folder}/{FIRST}: record ")

    def overwritten(folder: Path) -> None:
        size = (folder / FIRST).stat().st_size
        (folder / FIRST).write_bytes(bytes(size))

    assert re.match(r"[0-3] cannot be read: ", fault(overwritten, "damaged"))
    assert re.match(r"[0-3] cannot be read: ", fault(lambda f: (f / FIRST).unlink(), "gone"))


def test_all_damaged_shards_are_named_at_once(shards: Path, tmp_path: Path) -> None:
    folder = copied(shards, tmp_path / "copy")
    for number in range(3):
        (folder / f"data-0000{number}-of-00003.array_record").unlink()
    with pytest.raises(DataError) as caught:
        load(Packed(packed=str(folder)))
    assert len(caught.value.problems) == 3


def test_a_file_that_must_not_be_read(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def closed(self: Path, *given: Any) -> Any:
        if self.name == "index.json":
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *given)

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(DataError) as caught:
        load(Packed(packed=str(shards)))
    assert str(caught.value) == f"{shards}/index.json cannot be read: Permission denied"


def test_of_several_processes_each_looks_at_the_contents_of_its_part(
    shards: Path, tmp_path: Path
) -> None:
    folder = copied(shards, tmp_path / "copy")
    altered(folder)  # the second of four files, of which the table of examples is the first
    files = index_of(folder).files
    require_whole(folder, files, replace(ALONE, count=2))
    with pytest.raises(DataError, match="has other contents than index"):
        load(Packed(packed=str(folder)), share=replace(ALONE, index=1, count=2))


@pytest.mark.parametrize("record", [b"", b"abc", b"abcdef"])
def test_a_record_of_other_bytes_than_an_input(record: bytes) -> None:
    records: Any = [b"abcd", record]
    array = RecordArray(records, (2,), "uint16")
    assert array[0].tobytes() == b"abcd"
    with pytest.raises(DataError) as caught:
        array[1]
    assert str(caught.value) == f"record 1 has {len(record)} bytes, which is no 2 of uint16"


def test_the_table_of_examples_is_not_trusted(shards: Path, tmp_path: Path) -> None:
    folder = copied(shards, tmp_path / "copy")
    table = dict(np.load(folder / "examples.npz"))
    for name, array, text in (
        ("names", table["names"][:5], "it has no names of 12 examples"),
        ("digests", table["digests"][:, :5], "it has no digests of 12 examples"),
        ("targets", table["targets"][:5], "it has no targets of 12 examples"),
        ("extents", table["extents"].astype(float), "it has no extents of 12 examples"),
        ("validation", np.array([99]), "its validation split is no part of it"),
    ):
        np.savez(folder / "examples.npz", **{**table, name: array})
        content = (folder / "examples.npz").read_bytes()
        from hashlib import sha256

        entry = {"file": "examples.npz", "bytes": len(content)}
        changed(folder, examples={**entry, "sha256": sha256(content).hexdigest()})
        with pytest.raises(DataError) as caught:
            load(Packed(packed=str(folder)))
        assert str(caught.value) == f"{folder}/examples.npz is damaged: {text}"


@pytest.mark.parametrize("place", ["memory://sets/pets", "file://{shards}"])
def test_a_set_at_a_url_is_copied_once(
    place: str, photos: Path, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    url = place.format(shards=shards)
    store = fsspec.filesystem("memory")
    for file in shards.iterdir():
        store.pipe_file(f"/sets/pets/{file.name}", file.read_bytes())
    source = load(Images(images=str(photos)), input_shape=SHAPE)
    data: Data = Packed(packed=url)
    require_same(load(data, input_shape=SHAPE, data_dir=tmp_path), source)
    copies = sorted((tmp_path / "packed").iterdir())
    index = index_of(shards)
    assert [path.name for path in copies] == sorted(each.sha256 for each in index.files)
    times = [path.stat().st_mtime_ns for path in copies]
    require_same(load(data, input_shape=SHAPE, data_dir=tmp_path), source)
    assert [path.stat().st_mtime_ns for path in copies] == times


def test_what_is_wrong_at_a_url(shards: Path, tmp_path: Path) -> None:
    import fsspec

    store = fsspec.filesystem("memory")
    for file in shards.iterdir():
        store.pipe_file(f"/sets/other/{file.name}", file.read_bytes())
    content = bytearray((shards / FIRST).read_bytes())
    content[700] ^= 1
    store.pipe_file(f"/sets/other/{FIRST}", bytes(content))

    def fault(url: str) -> str:
        with pytest.raises((DataError, UsageError)) as caught:
            load(Packed(packed=url), data_dir=tmp_path)
        return str(caught.value)

    assert fault("memory://sets/other").startswith(
        f"memory://sets/other/{FIRST} has other contents than index.json says, of the SHA-256 "
    )
    store.pipe_file(f"/sets/other/{FIRST}", (shards / FIRST).read_bytes() + b"more")
    assert fault("memory://sets/other") == (
        f"memory://sets/other/{FIRST} has more than the {len(content):,} bytes that index.json "
        f"says: copy it there once more, or pack the data again"
    )
    store.rm(f"/sets/other/{FIRST}")
    assert fault("memory://sets/other") == f"there is no memory://sets/other/{FIRST}"
    assert fault("memory://sets/none") == "there is no memory://sets/none/index.json"
    assert fault("nowhere://sets") == "nowhere://sets cannot be read: Protocol not known: nowhere"
    assert fault("zip::memory://a") == (
        "zip::memory://a chains file systems, which is not read: name the folder itself"
    )
    left = [path.name for path in (tmp_path / "packed").iterdir()]
    assert left == [index_of(shards).examples.sha256]


@pytest.mark.parametrize(
    ("package", "place", "text"),
    [
        (
            "array_record.python.array_record_module",
            "{shards}",
            "packed data sets are written and read by array_record: pip install 'cnnkit[train]'",
        ),
        (
            "fsspec.core",
            "s3://bucket/pets",
            "s3://bucket/pets is read by fsspec: pip install 'cnnkit[remote]'",
        ),
    ],
)
def test_a_package_that_is_missing_is_named(
    package: str, place: str, text: str, shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(MissingExtraError) as caught:
        load(Packed(packed=place.format(shards=shards)))
    assert str(caught.value) == text
