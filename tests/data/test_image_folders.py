"""Folders of images: classes and splits, extents, colours, and files that are no images."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from cnnkit.data import DataError, Dataset, load, statistics
from cnnkit.data.decoding import Decoding, decoded
from cnnkit.data.images import ImageArray as LazyImages
from cnnkit.data.images import read as read_folder
from cnnkit.errors import UsageError
from cnnkit.spec.model.training import Images
from tests.data.made import write_images


def read(folder: Path, shape: tuple[int, ...] | None = (8, 8, 3), **fields: Any) -> Dataset:
    return load(Images(images=str(folder), **fields), input_shape=shape)


def fault(folder: Path, shape: tuple[int, ...] | None = (8, 8, 3), **fields: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        read(folder, shape, **fields)
    return caught.value


def test_each_folder_is_a_class(tmp_path: Path) -> None:
    write_images(tmp_path / "pets", ("cat", "dog", "emu"))
    dataset = read(tmp_path / "pets")
    assert dataset.name == "pets"
    assert dataset.classes == ("cat", "dog", "emu")
    assert dataset.train.targets.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert dataset.train.inputs.dtype == np.uint8
    assert dataset.train.inputs[:, 0, 0].tolist() == [
        [50 * number, index, 0] for number in range(3) for index in range(3)
    ]


def test_folders_that_are_numbers_count_as_numbers(tmp_path: Path) -> None:
    write_images(tmp_path, tuple(str(number) for number in range(11)), each=1)
    dataset = read(tmp_path)
    assert dataset.classes == tuple(str(number) for number in range(11))
    assert dataset.train.targets.tolist() == list(range(11))


def test_subfolders_belong_to_their_class_and_litter_to_none(tmp_path: Path) -> None:
    write_images(tmp_path)
    (tmp_path / "cat" / "1.png").rename(tmp_path / "cat" / "one.PNG")
    write_images(tmp_path / "cat", ("young",), each=2)
    for name in (".DS_Store", "Thumbs.db"):
        (tmp_path / "dog" / name).write_text("litter")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "README.md").write_text("Pictures of pets.")
    assert read(tmp_path).train.targets.tolist() == [0] * 5 + [1] * 3


@pytest.mark.parametrize("name", ["val", "validation"])
def test_splits_are_kept(name: str, tmp_path: Path) -> None:
    for part, each in (("train", 4), (name, 2), ("test", 1)):
        write_images(tmp_path / part, each=each)
    dataset = read(tmp_path)
    assert dataset.validation is not None
    assert dataset.validation.tolist() == [8, 9, 10, 11]
    assert dataset.train.targets.tolist() == [0] * 4 + [1] * 4 + [0] * 2 + [1] * 2
    assert dataset.test is not None
    assert dataset.test.targets.tolist() == [0, 1]


def test_the_test_split_may_be_another_folder(tmp_path: Path) -> None:
    write_images(tmp_path / "a")
    write_images(tmp_path / "b", each=1)
    test = read(tmp_path / "a", test=str(tmp_path / "b")).test
    assert test is not None
    assert test.targets.tolist() == [0, 1]


def save(folder: Path, image: Image.Image, name: str = "image.png", **options: Any) -> Path:
    """One image of class a, and another of class b, so that there are two classes."""
    for each in ("a", "b"):
        (folder / each).mkdir(exist_ok=True)
    Image.new("RGB", (8, 8)).save(folder / "b" / "other.png")
    image.save(folder / "a" / name, **options)
    return folder / "a" / name


def halves(left: int, right: int, size: tuple[int, int] = (40, 20)) -> Image.Image:
    pixels = np.full((size[1], size[0]), left, np.uint8)
    pixels[:, size[0] // 2 :] = right
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("fit", "top", "middle"),
    [
        # 40x20 onto 8x8: the centre square has both halves, and so has the whole stretched
        ("cover", [0, 0, 0, 0, 200, 200, 200, 200], [0, 0, 0, 0, 200, 200, 200, 200]),
        ("stretch", [0, 0, 0, 0, 200, 200, 200, 200], [0, 0, 0, 0, 200, 200, 200, 200]),
        # contain makes it 8x4 with two rows of zeros above and below
        ("contain", [0] * 8, [0, 0, 0, 0, 200, 200, 200, 200]),
    ],
)
def test_an_image_is_brought_to_the_extents(
    fit: str, top: list[int], middle: list[int], tmp_path: Path
) -> None:
    save(tmp_path, halves(0, 200))
    image = read(tmp_path, (8, 8, 1), fit=fit).train.inputs[0][..., 0]
    # The filter mixes the two columns at the edge between the halves.
    columns = [0, 1, 2, 5, 6, 7]
    assert image[0, columns].tolist() == [top[column] for column in columns]
    assert image[4, columns].tolist() == [middle[column] for column in columns]


def test_cover_cuts_the_ends_off_a_long_image(tmp_path: Path) -> None:
    thirds = np.repeat(np.array([10, 100, 250], np.uint8), 8)[None].repeat(8, 0)
    save(tmp_path, Image.fromarray(thirds))
    assert (read(tmp_path, (8, 8, 1)).train.inputs[0] == 100).all()


def test_no_fit_takes_only_the_extents_and_names_all_others(tmp_path: Path) -> None:
    write_images(tmp_path)
    assert len(read(tmp_path, fit="none").train) == 6
    for name in ("cat/0.png", "dog/2.png"):
        Image.new("L", (9, 7)).save(tmp_path / name)
    assert fault(tmp_path, fit="none").problems == tuple(
        f"{tmp_path / name} is 7x9, not 8x8: resize it, or let `fit` do so: cover, contain or "
        "stretch"
        for name in ("cat/0.png", "dog/2.png")
    )


# EXIF's eight orientations: where the first row and column of the file are when upright.
# Source: Exif 2.3, tag 274; 5 to 8 exchange rows and columns.
_UPRIGHT = {
    1: [[1, 2], [3, 4]],
    2: [[2, 1], [4, 3]],
    3: [[4, 3], [2, 1]],
    4: [[3, 4], [1, 2]],
    5: [[1, 3], [2, 4]],
    6: [[3, 1], [4, 2]],
    7: [[4, 2], [3, 1]],
    8: [[2, 4], [1, 3]],
}


@pytest.mark.parametrize("orientation", _UPRIGHT)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_turned_upright(
    orientation: int, suffix: str, channels: int, tmp_path: Path
) -> None:
    pixels = np.kron(np.array([[1, 2], [3, 4]], np.uint8) * 50, np.ones((8, 8), np.uint8))
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, Any] = {"webp": {"lossless": True}}.get(suffix, {})
    path = save(tmp_path, Image.fromarray(pixels), f"a.{suffix}", exif=exif, **options)
    found = decoded(path, (16, 16, channels), Decoding("none"))[4::8, 4::8, 0] / 50
    assert np.rint(found).astype(int).tolist() == _UPRIGHT[orientation]


def test_sixteen_bits_are_turned_upright_too(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    pixels = np.array([[0x1000, 0x2000], [0x3000, 0x4000]], np.uint16)
    path = save(tmp_path, Image.fromarray(pixels), exif=exif)
    found = decoded(path, (2, 2, 1), Decoding("none"))[..., 0].tolist()
    assert found == [[0x3000, 0x1000], [0x4000, 0x2000]]


def test_the_extents_of_a_turned_photograph_are_the_upright_ones(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    save(tmp_path, halves(0, 200, (16, 8)), "a.jpg", exif=exif)
    Image.new("L", (8, 16)).save(tmp_path / "b" / "other.png")
    assert read(tmp_path, None).shape == (16, 8, 1)
    assert read(tmp_path, (16, 8, 1), fit="none").shape == (16, 8, 1)


def test_a_large_photograph_is_decoded_at_a_part_of_its_extents(tmp_path: Path) -> None:
    path = save(tmp_path, halves(20, 220, (1600, 800)), "a.jpg")
    image = decoded(path, (8, 8, 1), Decoding())[..., 0].astype(int)
    assert np.abs(image[:, :3] - 20).max() <= 2
    assert np.abs(image[:, 5:] - 220).max() <= 2


@pytest.mark.parametrize(
    ("image", "grey", "colour"),
    [
        (Image.new("1", (8, 8), 1), [255], [255, 255, 255]),
        (Image.new("L", (8, 8), 7), [7], [7, 7, 7]),
        # ITU-R 601: (19595·255) >> 16 = 76
        (Image.new("RGB", (8, 8), (255, 0, 0)), [76], [255, 0, 0]),
        # On white: 255 − 9 of green and blue, and 9/255 of 7 with the rest of 255.
        (Image.new("RGBA", (8, 8), (255, 0, 0, 9)), [249], [255, 246, 246]),
        (Image.new("LA", (8, 8), (7, 9)), [246], [246, 246, 246]),
        (Image.new("RGB", (8, 8), (0, 255, 0)).convert("P"), [150], [0, 255, 0]),
        (Image.fromarray(np.full((8, 8), 0x1234, np.uint16)), [0x1234], [0x1234] * 3),
    ],
    ids=["1", "L", "RGB", "RGBA", "LA", "P", "I;16"],
)
def test_colours_are_those_of_the_channels(
    image: Image.Image, grey: list[int], colour: list[int], tmp_path: Path
) -> None:
    path = save(tmp_path, image)
    for expected in (grey, colour):
        found = decoded(path, (8, 8, len(expected)), Decoding())[3, 3].tolist()
        assert found == pytest.approx(expected, abs=1)
    assert decoded(path, (8, 8, 4), Decoding()).shape == (8, 8, 4)


def test_without_an_input_the_commonest_extents_are_taken(tmp_path: Path) -> None:
    write_images(tmp_path)
    Image.new("RGB", (30, 30)).save(tmp_path / "cat" / "large.png")
    assert read(tmp_path, None).shape == (8, 8, 3)


@pytest.mark.parametrize("shape", [(64,), (8, 8, 2), (8, 8, 8, 1)])
def test_an_input_that_is_no_image_is_said(shape: tuple[int, ...], tmp_path: Path) -> None:
    write_images(tmp_path)
    assert str(fault(tmp_path, shape)) == (
        f"{tmp_path} has images: they need an `input:` of height, width and channels, of which 1 "
        f"is grey, 3 is RGB and 4 is RGBA; this one is {'x'.join(map(str, shape))}"
    )


def test_all_damaged_files_are_named_in_one_go(tmp_path: Path) -> None:
    for part in ("train", "test"):
        write_images(tmp_path / part, each=4)
    cut = ("train/cat/2.png", "train/dog/3.jpg", "test/cat/1.jpg")
    for name in cut:
        path = tmp_path / name
        Image.effect_noise((64, 64), 50).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert _named(fault(tmp_path)) == [f"{tmp_path / name} cannot be decoded" for name in cut]
    contents = {
        "train/cat/0.png": b"",
        "train/cat/1.png": b"no image",
        "train/dog/0.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n",
        "train/dog/1.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    faults = fault(tmp_path)
    known = "AVIF, BMP" if features.check("avif") else "BMP"
    assert faults.problems[0] == (
        f"{tmp_path}/train/cat/0.png is no image that can be read, or is damaged (known are "
        f"{known}, GIF, JPEG, PNG, PPM, TIFF, WEBP)"
    )
    assert _named(faults) == [
        f"{tmp_path}/train/cat/0.png is no image that can be read, or is damaged",
        f"{tmp_path}/train/cat/1.png is no image that can be read, or is damaged",
        f"{tmp_path}/train/cat/2.png cannot be decoded",
        f"{tmp_path}/train/dog/0.png is no image that can be read, or is damaged",
        f"{tmp_path}/train/dog/1.png is no image that can be read, or is damaged",
        f"{tmp_path}/train/dog/3.jpg cannot be decoded",
        f"{tmp_path}/test/cat/1.jpg cannot be decoded",
    ]


def _named(error: DataError) -> list[str]:
    """The problems without their reasons."""
    return [problem.split(": ")[0].split(" (known")[0] for problem in error.problems]


def png_of(width: int, height: int) -> bytes:
    """A PNG of some bytes that says it has these extents."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("extents", "message"),
    [
        ((10_000, 9_000), "has 10000x9000 pixels; more than 89,478,485 are not decoded"),
        ((60_000, 60_000), "would unpack to more than 89,478,485 pixels"),
    ],
)
def test_an_image_that_would_fill_the_memory_is_not_decoded(
    extents: tuple[int, int], message: str, tmp_path: Path
) -> None:
    write_images(tmp_path)
    path = tmp_path / "cat" / "1.png"
    path.write_bytes(png_of(*extents))
    assert str(fault(tmp_path)) == f"{path} {message}"


def test_all_that_is_wrong_with_the_folders_is_said_in_one_go(tmp_path: Path) -> None:
    root, outside = tmp_path / "pets", tmp_path / "outside"
    write_images(root, ("cat", "dog", "emu", "fox"))
    write_images(outside, ("x",))
    (root / "loose.png").write_bytes(b"")
    (root / "gnu").symlink_to(outside / "x")
    (root / "cat" / "notes.txt").write_text("")
    (root / "cat" / "leads-out.png").symlink_to(outside / "x" / "0.png")
    (root / "cat" / "leads-nowhere.png").symlink_to("missing.png")
    (root / "cat" / "leads-to-itself.png").symlink_to("leads-to-itself.png")
    (root / "cat" / "in.png").symlink_to(root / "dog" / "0.png")
    (root / "dog" / "all").symlink_to(outside)
    os.mkfifo(root / "dog" / "pipe.png")
    for path in (root / "emu").iterdir():
        path.unlink()
    problems = fault(root).problems
    assert problems == (
        f"{root / 'gnu'} is a link that leads out of {root}",
        f"{root / 'loose.png'} lies beside the class folders",
        f"{root / 'cat' / 'leads-nowhere.png'} is no file, or a link that leads nowhere",
        f"{root / 'cat' / 'leads-out.png'} is a link that leads out of {root}",
        f"{root / 'cat' / 'leads-to-itself.png'} is no file, or a link that leads nowhere",
        f"{root / 'cat' / 'notes.txt'} is no image: move it out of the class folders",
        f"{root / 'dog' / 'all'} is a link to a folder, which is not followed",
        f"{root / 'dog' / 'pipe.png'} is no file, or a link that leads nowhere",
        f"{root / 'emu'} is a class without images",
    )


def test_a_class_that_only_the_test_split_has_is_named(tmp_path: Path) -> None:
    write_images(tmp_path / "train")
    write_images(tmp_path / "test", ("cat", "dog", "emu"))
    folder = tmp_path / "test" / "emu"
    assert str(fault(tmp_path)) == f"{folder} is a class that the training split does not have"


def test_a_class_that_the_test_split_lacks_is_named(tmp_path: Path) -> None:
    write_images(tmp_path / "train", ("cat", "dog", "emu"))
    write_images(tmp_path / "test", ("cat", "dog"))
    assert str(fault(tmp_path)) == f"{tmp_path.name} (test) has no example of class emu"


def test_images_without_class_folders_are_said(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    assert str(fault(tmp_path)) == (
        f"{tmp_path} has images, but no class folders: give each class a folder, or, where images "
        "are to come out as they go in, name the folder twice, `{images: DIR, targets: DIR}`"
    )


def test_one_class_is_not_enough(tmp_path: Path) -> None:
    write_images(tmp_path, ("cat",))
    assert str(fault(tmp_path)) == (
        f"{tmp_path.name} has 1 class; to tell classes apart takes 2 at least"
    )


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ((), "{root} has no class folders"),
        (("train/a", "test/a", "more/a"), "{root} has the splits test, train and beside them more"),
        (("train/a", "val/a", "validation/a"), "{root} has both val and validation: keep one"),
        (("a", "b"), "{root}/a is a class without images"),
    ],
)
def test_folders_that_cannot_be_understood(
    folders: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    assert str(fault(tmp_path)).startswith(message.format(root=tmp_path))


def test_two_test_splits_are_one_too_many(tmp_path: Path) -> None:
    for part in ("train", "test", "more"):
        write_images(tmp_path / "all" / part if part != "more" else tmp_path / part)
    text = str(fault(tmp_path / "all", test=str(tmp_path / "more")))
    assert text == (
        f"{tmp_path / 'all'} has a test split of its own, {tmp_path / 'all' / 'test'}; "
        f"{tmp_path / 'more'} is another"
    )


def test_a_missing_folder_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*missing"):
        read(tmp_path / "missing")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file is a file; a folder with a folder for each"):
        read(tmp_path / "file")


def test_names_of_files_send_nothing_to_the_terminal(tmp_path: Path) -> None:
    write_images(tmp_path)
    (tmp_path / "cat" / "\x1b[2J.png").write_bytes(b"")
    assert "\x1b" not in str(fault(tmp_path))
    assert "\\x1b[2J.png is no image" in str(fault(tmp_path))


def test_a_folder_beyond_the_budget_is_decoded_when_it_is_indexed(tmp_path: Path) -> None:
    write_images(tmp_path, each=5)
    eager = read_folder(tmp_path, shape=(4, 4, 3))
    lazy = read_folder(tmp_path, shape=(4, 4, 3), budget=10 * 4 * 4 * 3 - 1)
    assert isinstance(eager.train.inputs, np.ndarray)
    assert isinstance(lazy.train.inputs, LazyImages)
    for index in (3, -1, slice(2, 7), np.array([9, 0, 3]), np.array([], np.int64)):
        assert np.array_equal(lazy.train.inputs[index], eager.train.inputs[index])
    assert (lazy.nbytes, lazy.shape) == (eager.nbytes, eager.shape)
    assert not lazy.fits_on_device(lazy.nbytes - 1)
    assert lazy.fits_on_device(lazy.nbytes)
    indices = np.array([0, 4, 8])
    for one, other in zip(
        (statistics(lazy.train, indices).mean, statistics(lazy.train, indices).deviation),
        (statistics(eager.train, indices).mean, statistics(eager.train, indices).deviation),
        strict=True,
    ):
        assert np.array_equal(one, other)


def test_a_file_that_is_damaged_later_is_named_when_it_is_decoded(tmp_path: Path) -> None:
    write_images(tmp_path)
    lazy = read_folder(tmp_path, shape=(8, 8, 3), budget=0)
    (tmp_path / "dog" / "1.png").unlink()
    with pytest.raises(DataError) as caught:
        lazy.train.inputs[np.arange(6)]
    assert str(caught.value) == (
        f"{tmp_path / 'dog' / '1.png'} cannot be decoded: No such file or directory"
    )
