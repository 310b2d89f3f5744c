"""Any file with bytes changed, cut or put in is read, or refused in a sentence."""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from cnnkit.data import DataError, arrays, cifar, csv, load
from cnnkit.data import idx as idx_format
from cnnkit.data.decoding import Decoding, decoded, header
from cnnkit.errors import UsageError
from cnnkit.spec.model.training import Csv
from tests.data.made import idx, in_turn, modern_pickle, python_2_pickle, random_images


def picture(suffix: str, mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(random_images(1, 12, 12, 3)[0]).convert(mode).save(stream, suffix)
    return stream.getvalue()


def sixteen(suffix: str) -> bytes:
    """16 bits a channel; of a PNG in colour, which Pillow does not write."""
    stream = io.BytesIO()
    values = np.random.default_rng(0).integers(0, 2**16, (12, 12), np.uint16)
    if suffix != "png":
        Image.fromarray(values).save(stream, suffix)
        return stream.getvalue()

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    body = chunk(b"IHDR", struct.pack(">2I5B", 4, 12, 16, 2, 0, 0, 0))
    body += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def packed() -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, x=random_images(6, 4, 4, 1), y=in_turn(6, 2))
    return stream.getvalue()


def image(path: Path) -> None:
    header(path)
    decoded(path, (8, 8, 3), Decoding())


def images_of(path: Path) -> None:
    """A table of files; two of them lie beside it."""
    for number in range(2):
        if not (file := path.parent / f"{number}.png").exists():
            file.write_bytes(picture("png"))
    load(Csv(csv=str(path), separator="|"))


Reader = Callable[[Path], object]
FILES: dict[str, tuple[Reader, bytes]] = {
    "idx": (idx_format.read, idx(random_images(3, 4, 4))),
    "idx.gz": (idx_format.read, gzip.compress(idx(random_images(3, 4, 4)), mtime=0)),
    "bin": (cifar.read_binary, bytes(3073)),
    "pickle2": (cifar.read_python, python_2_pickle(random_images(1, 3072), [1])),
    "pickle3": (cifar.read_python, modern_pickle(random_images(1, 3072), [1])),
    "npz": (arrays.read, packed()),
    "csv": (csv.read, b"label,a,b\n0,1,2\n1,3,4\ncat,5,6\n"),
    **{
        suffix: (image, picture(suffix)) for suffix in ("bmp", "jpeg", "png", "ppm", "tiff", "webp")
    },
    "gif": (image, picture("gif", "P")),
    "files.csv": (images_of, b"file,label,split\n0.png,a|b,train\n1.png,b,test\n"),
    "csv.gz": (csv.read, gzip.compress(b"label,a,b\n0,1,2\n1,3,4\n0,5,6\n", mtime=0)),
    **{f"sixteen.{suffix}": (image, sixteen(suffix)) for suffix in ("png", "tiff", "ppm")},
}


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.data())
def test_a_damaged_file_is_an_error_in_a_sentence(
    name: str, changes: st.DataObject, tmp_path: Path
) -> None:
    read, sound = FILES[name]
    data = bytearray(sound)
    for _ in range(changes.draw(st.integers(1, 4))):
        # Most of what can go wrong is at the beginning and the end, where the headers are.
        edge = min(len(data), 60)
        place = changes.draw(
            st.one_of(
                st.integers(0, edge), st.integers(len(data) - edge, len(data)),
                st.integers(0, len(data)),
            )
        )  # fmt: skip
        removed = changes.draw(st.sampled_from([0, 1, 1, 4, len(data)]))
        data[place : place + removed] = changes.draw(st.binary(max_size=4))
    path = tmp_path / f"file.{name.partition('.')[2] or name}"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow, on metadata
        with contextlib.suppress(DataError, UsageError):
            read(path)
