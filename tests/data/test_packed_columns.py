"""Packed data sets whose examples are more than an input and a class: masks, pairs, several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import DataError, Dataset, load
from cnnkit.data.index import index_of
from cnnkit.data.shard_writer import pack
from cnnkit.errors import UsageError
from cnnkit.spec.model.training import Arrays, Images, Packed, Train, Unpacked
from tests.data.made import random_images
from tests.data.test_packed import require_same

NAMES = ("train/0", "train/1", "train/2", "train/3", "valid/4", "test/5", "test/6")


def write_images(folder: Path, channels: int = 3, seed: int = 0, *, size: int = 1) -> str:
    """Seven images in three splits, one of other extents; with a size, larger by that factor."""
    random = np.random.default_rng(seed)
    for number, name in enumerate(NAMES):
        height, width = (12, 8) if number == 1 else (8, 10)
        pixels = random.integers(0, 256, (height * size, width * size, channels)).astype(np.uint8)
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(path)
    return str(folder)


def write_masks(folder: Path, *, seed: int = 1, values: tuple[int, ...] = (0, 1, 2, 255)) -> str:
    random = np.random.default_rng(seed)
    for number, name in enumerate(NAMES):
        height, width = (12, 8) if number == 1 else (8, 10)
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.choice(values, (height, width)).astype(np.uint8)).save(path)
    return str(folder)


def of_masks(root: Path) -> Unpacked:
    return Images(
        images=write_images(root / "photos"), masks=write_masks(root / "masks"), ignore=255
    )


def of_named_masks(root: Path) -> Unpacked:
    return Images(
        images=write_images(root / "photos"),
        masks=write_masks(root / "masks", values=(0, 9)),
        classes={"road": 0, "sky": 9},
        fit="contain",
        background="black",
    )


def of_tiles(root: Path) -> Unpacked:
    source = of_masks(root)
    assert isinstance(source, Images)
    return Images.model_validate({**source.model_dump(), "tiles": {"size": 6, "overlap": 0.5}})


def of_several_masks(root: Path) -> Unpacked:
    masks = {
        name: write_masks(root / name / "masks", seed=seed, values=(0, 1))
        for seed, name in enumerate(("sky", "road"))
    }
    return Images(images=write_images(root / "photos"), masks=masks)


def of_larger_targets(root: Path) -> Unpacked:
    return Images(
        images=write_images(root / "small", 1), targets=write_images(root / "large", size=2)
    )


def of_two_cameras(root: Path) -> Unpacked:
    folders: dict[str, str] = {}
    for seed, name in enumerate(("left", "right")):
        for number, image in enumerate(random_images(6, 7, 5, 3)):
            path = root / name / ("a", "b")[number % 2] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image ^ seed).save(path)
        folders[name] = str(root / name)
    return Images(images=folders)


def of_named_arrays(root: Path) -> Unpacked:
    random = np.random.default_rng(0)
    np.savez(
        root / "set.npz",
        image=random_images(9, 6, 4, 1),
        depth=random.normal(size=(9, 5)),
        kind=np.array(["b", "a", "c"] * 3),
        angle=random.normal(size=9),
        seen=random.integers(0, 2, (9, 6, 4)),
    )
    return Arrays(
        arrays=str(root / "set.npz"),
        inputs={"depth": "depth", "image": "image"},
        targets={"kind": "kind", "angle": "angle", "seen": "seen"},
    )


def of_arrays_with_a_test(root: Path) -> Unpacked:
    np.savez(
        root / "set.npz",
        x=random_images(5, 6, 4, 1),
        y=np.arange(5) % 2,
        v=np.arange(5) / 2,
        xt=random_images(3, 6, 4, 1),
        yt=np.arange(3) % 2,
        vt=np.arange(3) / 2,
    )
    return Arrays(
        arrays=str(root / "set.npz"),
        inputs="x",
        targets={"kind": "y", "value": "v"},
        test_inputs="xt",
        test_targets={"kind": "yt", "value": "vt"},
    )


WRITERS = (
    of_masks,
    of_named_masks,
    of_tiles,
    of_several_masks,
    of_larger_targets,
    of_two_cameras,
    of_named_arrays,
    of_arrays_with_a_test,
)


def require_all_same(one: Dataset, other: Dataset) -> None:
    require_same(one, other)
    for name in ("inputs", "outputs"):
        mine, its = getattr(one, name), getattr(other, name)
        assert list(mine) == list(its)
        for each in its:
            require_same(mine[each], its[each])


@pytest.mark.parametrize("write", WRITERS)
def test_what_is_packed_is_what_is_read(write: Callable[[Path], Unpacked], tmp_path: Path) -> None:
    source, folder = write(tmp_path), tmp_path / "packed"
    pack(source, folder, shards=2)
    assert index_of(folder).format == 2
    for budget in (0, 2**30):
        wanted = load(source, budget=budget)
        require_all_same(load(Packed(packed=str(folder)), budget=budget), wanted)


@pytest.mark.parametrize(
    ("write", "shape"),
    [
        (of_masks, (5, 6, 1)),
        (of_named_masks, (9, 9, 3)),
        (of_larger_targets, (4, 4, 1)),
        (of_two_cameras, {"left": (4, 4, 1), "right": (7, 5, 3)}),
    ],
)
def test_images_come_to_the_input_that_the_network_has(
    write: Callable[[Path], Unpacked], shape: Any, tmp_path: Path
) -> None:
    source, folder = write(tmp_path), tmp_path / "packed"
    pack(source, folder)
    for given in ({}, {"fit": "stretch"}):
        wanted = load(source.model_copy(update=given), input_shape=shape)  # type: ignore[union-attr]
        require_all_same(load(Packed(packed=str(folder), **given), input_shape=shape), wanted)


def test_tiles_are_cut_as_the_network_wants_them(tmp_path: Path) -> None:
    source, folder = of_tiles(tmp_path), tmp_path / "packed"
    pack(source, folder)
    for extents in ((6, 6), (4, 4)):
        given: dict[str, Any] = {"input_shape": (6, 6, 3), "extents": extents}
        require_all_same(load(Packed(packed=str(folder)), **given), load(source, **given))


def test_the_index_names_the_columns(tmp_path: Path) -> None:
    pack(of_several_masks(tmp_path), tmp_path / "packed", shards=2)
    index = index_of(tmp_path / "packed")
    assert index.source == {"images": "photos", "masks": {"sky": "sky", "road": "road"}}
    assert list(index.columns) == ["masks/sky", "masks/road"]
    assert [each.records for each in index.columns.values()] == ["files", "files"]
    assert sorted(path.name for path in (tmp_path / "packed").iterdir()) == sorted(
        f"{prefix}{name}"
        for prefix in ("", "1-", "2-")
        for name in (
            "data-00000-of-00002.array_record",
            "data-00001-of-00002.array_record",
            "examples.npz",
            *(["index.json"] if not prefix else []),
        )
    )
    assert {name: part.examples for name, part in index.splits.items()} == {"train": 5, "test": 2}
    pixels = sum(12 * 8 if name == "train/1" else 80 for name in NAMES[:5])
    # Of the first output, in the extents of most images.
    assert sum(index.splits["train"].classes.values()) == pixels - 96 + 80


def test_pairs_of_a_loss_without_targets(tmp_path: Path) -> None:
    images = random_images(4, 3, 3, 1)
    np.savez(tmp_path / "set.npz", a=images, b=images, c=images)
    source = Arrays(arrays=str(tmp_path / "set.npz"), inputs={name: name for name in "abc"})
    loss, folder = Train.model_validate({"loss": {"triplet": {"margin": 1}}}).loss, tmp_path / "p"
    with pytest.raises(DataError, match="name its targets too, `targets: NAME`"):
        pack(source, folder)
    pack(source, folder, loss=loss)
    require_all_same(load(Packed(packed=str(folder)), loss=loss), load(source, loss=loss))
    with pytest.raises(DataError) as caught:
        load(Packed(packed=str(folder)), loss=Train(loss="mean_squared_error").loss)
    assert str(caught.value) == f"{folder} has no targets, which `mean_squared_error` compares"


def test_a_mask_that_is_damaged_is_named_by_its_place_in_the_pack(tmp_path: Path) -> None:
    source, folder = of_masks(tmp_path), tmp_path / "packed"
    broken = tmp_path / "masks" / "train" / "2.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:60])
    with pytest.raises(DataError) as caught:
        pack(source, folder)
    assert str(caught.value).startswith(f"{broken} cannot be decoded: ")
    assert not folder.exists()
    broken.write_bytes(whole)
    pack(source, folder)
    with pytest.raises(DataError) as caught:
        load(Packed(packed=str(folder), fit="none"), input_shape=(8, 10, 3))
    assert str(caught.value) == (
        f"{folder}/images/train/1.png is 12x8, not 8x10: resize it, or let `fit` do so: cover, "
        f"contain or stretch"
    )


def test_volumes_are_not_packed(tmp_path: Path) -> None:
    for name in ("scans", "masks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.nii").write_bytes(b"")
    source = Images(images=str(tmp_path / "scans"), masks=str(tmp_path / "masks"))
    with pytest.raises(UsageError) as caught:
        pack(source, tmp_path / "packed")
    assert str(caught.value) == (
        f"{tmp_path}/scans has volumes, which are not packed yet: train from them"
    )


@pytest.mark.parametrize(
    ("write", "given", "text"),
    [
        (
            of_two_cameras,
            {"input_shape": {"left": (7, 5, 3), "top": (7, 5, 3)}},
            (
                "{folder} was packed with the inputs `left`, `right`, and the network has the "
                "inputs `left`, `top`: pack the data with the names of the network"
            ),
        ),
        (
            of_masks,
            {"input_shape": (8, 10, 3), "outputs": {"sky": 1, "road": 1}},
            (
                "{folder} was packed with one output without a name, and the network has the "
                "outputs `road`, `sky`: pack the data with the names of the network"
            ),
        ),
        (
            of_several_masks,
            {"input_shape": (8, 10, 3), "outputs": 2},
            (
                "{folder} was packed with the outputs `road`, `sky`, and the network has one "
                "output without a name: pack the data with the names of the network"
            ),
        ),
        (
            of_masks,
            {"loss": Train(loss="mean_squared_error").loss},
            (
                "photos has masks, the class of each pixel, and mean_squared_error compares "
                "values: take a loss of classes, such as `dice`"
            ),
        ),
    ],
)
def test_what_the_index_and_the_network_have_not_in_common(
    write: Callable[[Path], Unpacked], given: dict[str, Any], text: str, tmp_path: Path
) -> None:
    folder = tmp_path / "packed"
    pack(write(tmp_path), folder)
    with pytest.raises(DataError) as caught:
        load(Packed(packed=str(folder)), **given)
    assert str(caught.value) == text.format(folder=folder)
