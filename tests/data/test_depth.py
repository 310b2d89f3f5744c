"""Images of more than 8 bits keep their values, and transparent ones show their background."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cnnkit.data import DataError, Dataset, load
from cnnkit.data.decoding import Decoding, decoded, header
from cnnkit.data.images import read as read_folder
from cnnkit.data.summary import summary
from cnnkit.spec.model.training import Arrays, Images

Values = NDArray[np.uint16]
_PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}


def sixteen(channels: int, height: int = 5, width: int = 7) -> Values:
    random = np.random.default_rng(channels)
    return random.integers(0, 2**16, (height, width, channels), np.uint16)


def write_png(path: Path, values: Values) -> None:
    """A PNG of 16 bits a channel, as its specification (ISO 15948) says; no filter."""
    height, width, channels = values.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">2I5B", width, height, 16, _PNG_COLOURS[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def write_tiff(path: Path, values: Values, order: str) -> None:
    """An uncompressed TIFF 6.0 of one strip, in one of its two orders of bytes."""
    height, width, channels = values.shape
    data = values.astype(f"{order}u2").tobytes()
    sizes = 8 + len(data)
    entries = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, sizes if channels > 1 else 16),
        (259, 3, 1, 1), (262, 3, 1, 1 if channels == 1 else 2), (273, 4, 1, 8),
        (277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, len(data)),
        *([(338, 3, 1, 2)] if channels == 4 else []),
    ]  # fmt: skip
    directory = struct.pack(f"{order}H", len(entries))
    for tag, kind, count, value in entries:
        short = kind == 3 and count == 1
        packed = struct.pack(f"{order}HH" if short else f"{order}I", value, *([0] if short else []))
        directory += struct.pack(f"{order}HHI", tag, kind, count) + packed
    bits = struct.pack(f"{order}{channels}H", *[16] * channels)
    start = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, sizes + len(bits))
    path.write_bytes(start + data + bits + directory + bytes(4))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", ["a.png", "little.tif", "big.tif"])
def test_all_sixteen_bits_are_read(name: str, channels: int, tmp_path: Path) -> None:
    values, path = sixteen(channels), tmp_path / name
    if name.endswith("png"):
        write_png(path, values)
    else:
        write_tiff(path, values, "<" if name == "little.tif" else ">")
    assert header(path).dtype == "uint16"
    assert np.array_equal(decoded(path, (5, 7, channels), Decoding("none")), values)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiffs_keep_their_bits(compression: str, tmp_path: Path) -> None:
    values, path = sixteen(1), tmp_path / "a.tif"
    Image.fromarray(values[..., 0]).save(path, compression=compression)
    assert np.array_equal(decoded(path, (5, 7, 1), Decoding("none")), values)


def test_grey_with_alpha_of_sixteen_bits_is_laid_on_the_background(tmp_path: Path) -> None:
    values, path = sixteen(2), tmp_path / "a.png"
    write_png(path, values)
    grey, alpha = values[..., 0].astype(float), values[..., 1] / 65535
    for background, behind in (((255, 255, 255), 65535), ((0, 0, 0), 0)):
        found = decoded(path, (5, 7, 1), Decoding("none", background))[..., 0]
        assert np.abs(found - (grey * alpha + behind * (1 - alpha))).max() <= 1


@pytest.mark.parametrize(("name", "largest"), [("a.pgm", 65535), ("b.pgm", 4095), ("c.pgm", 300)])
def test_a_pgm_keeps_the_values_that_it_holds(name: str, largest: int, tmp_path: Path) -> None:
    values = (sixteen(1).astype(int) % (largest + 1)).astype(np.uint16)
    path = tmp_path / name
    path.write_bytes(b"P5 7 5 %d\n" % largest + values.astype(">u2").tobytes())
    assert header(path).dtype == "uint16"
    assert np.array_equal(decoded(path, (5, 7, 1), Decoding("none")), values)


def test_a_ppm_of_sixteen_bits_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ppm"
    path.write_bytes(b"P6 7 5 65535\n" + sixteen(3).astype(">u2").tobytes())
    with pytest.raises(DataError) as caught:
        decoded(path, (5, 7, 3), Decoding())
    assert str(caught.value) == (
        f"{path} cannot be decoded: 16 bits in colour are read from PNG and TIFF: save it as one "
        "of them"
    )


def test_floats_are_read_as_they_are(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 1000, (5, 7)).astype(np.float32)
    path = tmp_path / "a.tif"
    Image.fromarray(values).save(path)
    assert header(path).dtype == "float32"
    found = decoded(path, (5, 7, 1), Decoding("none"))
    assert found.dtype == np.float32
    assert np.array_equal(found[..., 0], values)
    whole = np.arange(35, dtype=np.int32).reshape(5, 7) * 100_000
    Image.fromarray(whole).save(path)
    assert np.array_equal(decoded(path, (5, 7, 1), Decoding("none"))[..., 0], whole)


@pytest.mark.parametrize("fit", ["cover", "contain", "stretch"])
def test_resizing_keeps_the_depth(fit: Any, tmp_path: Path) -> None:
    """A slope of 16 bits: halved, each pixel is between its neighbours and not a step of 256."""
    slope = np.repeat(np.arange(16, dtype=np.uint16) * 3 + 1000, 16).reshape(16, 16)
    path = tmp_path / "a.png"
    Image.fromarray(slope).save(path)
    found = decoded(path, (8, 8, 1), Decoding(fit))[..., 0]
    assert found.dtype == np.uint16
    expected = (slope[0::2, 0].astype(int) + slope[1::2, 0]) / 2
    assert np.abs(found[1:-1, 4] - expected[1:-1]).max() <= 1


def test_colour_of_sixteen_bits_becomes_grey_as_pillow_weighs_it(tmp_path: Path) -> None:
    values, path = sixteen(3), tmp_path / "a.png"
    write_png(path, values)
    grey = values @ np.array([0.299, 0.587, 0.114])
    assert np.abs(decoded(path, (5, 7, 1), Decoding("none"))[..., 0] - grey).max() <= 0.51


def folder_of(root: Path, images: list[Image.Image]) -> Path:
    """Images in two classes in turn."""
    for number, image in enumerate(images):
        folder = root / ("a", "b")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / f"{number:02}.png")
    return root


def twelve_bits(count: int = 8) -> list[Image.Image]:
    """Of 0 to 4,095: the classes differ in the lowest two bits alone."""
    random = np.random.default_rng(0)
    images = []
    for number in range(count):
        values = random.integers(0, 1024, (6, 6)).astype(np.uint16) * 4
        values[0, :2] = (0, 4092)
        images.append(Image.fromarray(values + np.uint16(3 * (number % 2))))
    return images


def read(root: Path, **fields: Any) -> Dataset:
    return load(Images(images=str(root), **fields))


def test_a_folder_keeps_its_levels_and_scales_them(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "scans", twelve_bits())
    dataset = read(root)
    assert (dataset.dtype, dataset.train.value_range) == ("uint16", (0, 65535))
    assert dataset.train.inputs.dtype == np.float32
    assert dataset.train.inputs[:].max() == np.float32(4095) / np.float32(65535)
    ranged = read(root, value_range=(0, 4095))
    assert ranged.train.inputs[:].max() == 1
    lowest = np.rint(ranged.train.inputs[:] * 4095).astype(int) % 4
    assert (lowest.reshape(8, -1) == np.array([0, 0, 0, 0, 3, 3, 3, 3])[:, None]).all()
    lazy = read_folder(root, budget=0)
    assert not isinstance(lazy.train.inputs, np.ndarray)
    streamed = load(Images(images=str(root), value_range=(0, 4095)), budget=0).train.inputs
    assert not isinstance(streamed, np.ndarray)
    assert streamed.dtype == np.float32
    assert np.array_equal(streamed[np.arange(8)], ranged.train.inputs[:])
    assert streamed.nbytes == ranged.train.inputs.nbytes


def test_the_depth_and_the_range_are_named(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "scans", twelve_bits())
    figures = summary(read(root))
    assert figures.range == (0, 4095)
    assert figures.warnings == (
        (
            "values reach 4095 of the 65535 that uint16 has, so that they are scaled to 0 to "
            "0.0625: `value_range: [0, 4095]` scales them to 0 to 1"
        ),
    )
    figures = summary(read(root, value_range=(0, 4095)))
    assert (figures.range, figures.warnings) == ((0, 4095), ())
    figures = summary(read(root, value_range=(0, 1023)))
    assert figures.warnings == (
        "values go from 0 to 4095, beyond the `value_range` of 0 to 1023, which becomes 0 to 1",
    )


def test_images_of_several_depths_are_refused(tmp_path: Path) -> None:
    images = [Image.new("L", (6, 6), number) for number in range(6)]
    root = folder_of(tmp_path / "mixed", [*images, *twelve_bits(2)])
    with pytest.raises(DataError) as caught:
        read(root)
    assert caught.value.problems[0] == (
        f"{root}/a/06.png has 16 bits a channel, and 6 other images have 8 bits a channel: their "
        "values cannot be compared; save all alike"
    )
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("dtype", "highest", "hint"),
    [
        ("uint8", 16, ("values reach 16 of the 255 that uint8 has, so that they are scaled to 0 to "
         "0.0627: `value_range: [0, 16]` scales them to 0 to 1")),
        ("uint8", 15, ("values reach 15 of the 255 that uint8 has, so that they are scaled to 0 to "
         "0.0588: `value_range: [0, 15]` scales them to 0 to 1")),
        ("uint8", 200, None),
        ("int64", 255, ("values are taken as they are (int64): `value_range: [0, 255]` scales them "
         "to 0 to 1, which `augment` expects")),
        ("float32", 255, None),
    ],
)  # fmt: skip
def test_a_range_that_is_not_used_is_hinted_at(
    dtype: str, highest: int, hint: str | None, tmp_path: Path
) -> None:
    inputs = np.random.default_rng(0).integers(0, highest, (20, 4, 4, 1))
    inputs[0, 0, 0] = highest
    np.savez(tmp_path / "set.npz", x=inputs.astype(dtype), y=np.arange(20) % 2)
    dataset = load(Arrays(arrays=str(tmp_path / "set.npz")))
    assert summary(dataset).warnings == (() if hint is None else (hint,))
    scaled = load(Arrays(arrays=str(tmp_path / "set.npz"), value_range=(0, highest)))
    assert scaled.train.inputs[:] == pytest.approx(inputs / highest, rel=1e-6)
    assert summary(scaled).warnings == ()


def glyph(mode: str, ink: int) -> Image.Image:
    """A stroke of ink on nothing, as fonts and icons are drawn."""
    image = Image.new("LA", (8, 8), (ink, 0))
    image.paste((ink, 255), (2, 2, 6, 6))
    if mode == "P":
        palette = Image.new("P", (8, 8), 0)
        palette.putpalette([ink] * 6)
        palette.paste(1, (2, 2, 6, 6))
        palette.info["transparency"] = 0
        return palette
    return image.convert(mode)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
@pytest.mark.parametrize(("ink", "background"), [(0, "white"), (255, "black"), (0, (255, 0, 0))])
def test_what_is_transparent_shows_the_background(
    mode: str, channels: int, ink: int, background: Any, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"transparency": 0} if mode == "P" else {}
    glyph(mode, ink).save(tmp_path / "a.png", **options)
    found = decoded(tmp_path / "a.png", (8, 8, channels), Decoding.of("none", background))
    assert (found[3, 3] == ink).all()
    behind = {"white": [255] * 3, "black": [0] * 3}.get(str(background), [255, 0, 0])
    grey = [76] if background == (255, 0, 0) else behind[:1]  # 0.299 · 255
    assert found[0, 0].tolist() == (behind if channels == 3 else grey)


def test_alpha_is_kept_where_the_input_has_it(tmp_path: Path) -> None:
    glyph("RGBA", 0).save(tmp_path / "a.png")
    found = decoded(tmp_path / "a.png", (8, 8, 4), Decoding())
    assert (found[0, 0].tolist(), found[3, 3].tolist()) == ([0, 0, 0, 0], [0, 0, 0, 255])


def test_inputs_that_are_all_alike_or_a_constant_channel_are_told(tmp_path: Path) -> None:
    white = folder_of(tmp_path / "white", [glyph("LA", 255) for _ in range(4)])
    assert summary(read(white)).warnings == (
        (
            "all 4 inputs of white are alike and teach nothing: where their pixels are "
            "transparent, name what is behind them: `background: black`"
        ),
    )
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (4, 6, 6, 3)).astype(np.uint8)
    pixels[..., 1] = 7
    figures = summary(
        read(folder_of(tmp_path / "half", [Image.fromarray(each) for each in pixels]))
    )
    assert figures.training.constant == (1,)
    assert figures.warnings == (
        (
            "channel 1 of 3 has one value throughout, which tells nothing: leave it out, or mend "
            "the data"
        ),
    )


def test_damaged_files_can_be_skipped_and_are_listed(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (8, 6, 6, 3)).astype(np.uint8)
    root = folder_of(tmp_path / "set", [Image.fromarray(each) for each in pixels])
    wrong = root / "a" / "02.png"
    wrong.write_bytes(wrong.read_bytes()[:60])
    (root / "b" / "03.png").write_bytes(b"")
    with pytest.raises(DataError):
        read(root)
    dataset = read(root, damaged="skip")
    assert dataset.train.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert np.array_equal(dataset.train.inputs[:], pixels[[0, 4, 6, 1, 5, 7]])
    warnings = summary(dataset).warnings
    assert warnings[0].startswith(f"left out: {wrong} cannot be decoded: ")
    assert warnings[1].startswith(f"left out: {root}/b/03.png is no image that can be read")
    for path in root.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError) as caught:
        read(root, damaged="skip")
    assert len(caught.value.problems) == 8
