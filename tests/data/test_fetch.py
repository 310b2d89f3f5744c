"""Downloads from a server of this test's own: checked, resumed, and put in place as wholes."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cnnkit.data import DataError
from cnnkit.data.fetch import fetch
from cnnkit.data.published import PUBLICATIONS, Publication, Published
from cnnkit.errors import UsageError
from tests.data.made import idx, in_turn

LABELS = idx(in_turn(5000))
PACKED = gzip.compress(LABELS, mtime=0)
BATCHES = {"data_batch_1.bin": bytes(range(256)) * 20, "test_batch.bin": b"\1" * 3073}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Server:
    """What is served, how, and what was asked for."""

    files: dict[str, bytes]
    ranges: bool = True
    cut: int | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""
    publications: dict[str, Publication] = field(default_factory=dict)


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server({})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, wanted = self.path.lstrip("/"), self.headers["Range"]
            served.asked.append((name, wanted))
            if name not in served.files:
                self.send_error(404)
                return
            data, start = served.files[name], 0
            if wanted and served.ranges:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            end = len(data) if served.cut is None else start + served.cut
            self.wfile.write(data[start:end])

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        served.address = f"http://127.0.0.1:{http.server_port}/"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        http.shutdown()
        thread.join()


@pytest.fixture
def small(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with a set of one idx file, `mnist`, and one with an archive, `cifar10`."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        for name, data in {**BATCHES, "readme.html": b"<html>"}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
        # What an archive must never be able to do, were it trusted.
        evil = tarfile.TarInfo("../../escaped.bin")
        packed.addfile(evil)
        link = tarfile.TarInfo("test_batch.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    batches = archive.getvalue()
    server.files = {"labels.gz": PACKED, "batches.tar.gz": batches}
    one = Published("labels.gz", len(PACKED), sha256(PACKED), {"labels": sha256(LABELS)})
    contents = {name: sha256(data) for name, data in BATCHES.items()}
    other = Published("batches.tar.gz", len(batches), sha256(batches), contents)
    server.publications = {
        "mnist": Publication("mnist", (server.address,), (one,)),
        "cifar10": Publication("batches", (server.address,), (other,), unpacked=True),
    }
    monkeypatch.setattr("cnnkit.data.fetch.PUBLICATIONS", server.publications)
    monkeypatch.setenv("no_proxy", "*")
    return server


def test_a_file_is_fetched_once(small: Server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    paths = fetch("mnist", tmp_path / "new" / "folder", lambda *progress: told.append(progress))
    assert paths == [tmp_path / "new" / "folder" / "mnist" / "labels.gz"]
    assert paths[0].read_bytes() == PACKED
    assert list(paths[0].parent.iterdir()) == paths
    assert told[-1] == ("labels.gz", len(PACKED), len(PACKED))
    assert small.asked == [("labels.gz", None)]
    assert fetch("mnist", tmp_path / "new" / "folder") == paths
    assert len(small.asked) == 1


@pytest.mark.parametrize("data", [gzip.compress(LABELS, 1, mtime=5), None], ids=["gz", "plain"])
def test_what_is_there_in_another_packing_is_not_fetched(
    data: bytes | None, small: Server, tmp_path: Path
) -> None:
    (tmp_path / "mnist").mkdir()
    path = tmp_path / "mnist" / ("labels.gz" if data else "labels")
    path.write_bytes(data or LABELS)
    assert fetch("mnist", tmp_path) == [path]
    assert small.asked == []


@pytest.mark.parametrize("name", ["labels", "labels.gz"])
@pytest.mark.parametrize("data", [b"other", PACKED[:-9]], ids=["other", "cut"])
def test_what_is_there_and_is_wrong_is_left_alone(
    name: str, data: bytes, small: Server, tmp_path: Path
) -> None:
    (tmp_path / "mnist").mkdir()
    path = tmp_path / "mnist" / name
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        fetch("mnist", tmp_path)
    assert str(caught.value) == (
        f"{path} is not the published file, or a damaged one: move it away, and fetch again"
    )
    assert path.read_bytes() == data


def test_a_broken_download_goes_on_where_it_ended(small: Server, tmp_path: Path) -> None:
    small.cut = len(PACKED) // 3
    assert fetch("mnist", tmp_path)[0].read_bytes() == PACKED
    third = len(PACKED) // 3
    ranges = [None, f"bytes={third}-", f"bytes={2 * third}-", f"bytes={3 * third}-"]
    assert [wanted for _, wanted in small.asked] == ranges[: len(small.asked)]
    assert len(small.asked) >= 3


def test_a_later_call_goes_on_too(small: Server, tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    part = tmp_path / "mnist" / "labels.gz.part"
    part.write_bytes(PACKED[:20])
    assert fetch("mnist", tmp_path)[0].read_bytes() == PACKED
    assert small.asked == [("labels.gz", "bytes=20-")]
    assert not part.exists()


def test_a_server_without_ranges_sends_all_again(small: Server, tmp_path: Path) -> None:
    small.ranges = False
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "labels.gz.part").write_bytes(b"x" * 20)
    assert fetch("mnist", tmp_path)[0].read_bytes() == PACKED


def test_a_file_that_is_not_the_published_one_is_not_kept(small: Server, tmp_path: Path) -> None:
    small.files["labels.gz"] = PACKED[:50] + b"x" + PACKED[51:]
    with pytest.raises(UsageError) as caught:
        fetch("mnist", tmp_path)
    assert str(caught.value) == (
        f"mnist could not be fetched ({small.address}: what came is not the published file, its "
        f"SHA-256 differs); with a browser, load the file labels.gz from {small.address} and put "
        f"it into {tmp_path / 'mnist'}"
    )
    assert list((tmp_path / "mnist").iterdir()) == []


def test_a_second_address_serves_where_the_first_does_not(
    small: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publication = small.publications["mnist"]
    sources = (f"{small.address}gone/", small.address)
    changed = {"mnist": Publication("mnist", sources, publication.files)}
    monkeypatch.setattr("cnnkit.data.fetch.PUBLICATIONS", changed)
    assert fetch("mnist", tmp_path)[0].read_bytes() == PACKED
    assert [name for name, _ in small.asked] == ["gone/labels.gz", "labels.gz"]


def test_without_a_network_one_sentence_says_what_to_do(
    small: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "http://127.0.0.1:1/"
    changed = {
        name: Publication(each.folder, (nowhere,), each.files, each.unpacked)
        for name, each in small.publications.items()
    }
    monkeypatch.setattr("cnnkit.data.fetch.PUBLICATIONS", changed)
    with pytest.raises(UsageError) as caught:
        fetch("cifar10", tmp_path)
    text = str(caught.value)
    assert text.startswith(f"cifar10 could not be fetched ({nowhere}: ")
    assert text.endswith(
        f"Connection refused); with a browser, load the file batches.tar.gz from {nowhere} and "
        f"put it into {tmp_path / 'batches'}, and fetch again to unpack it"
    )


def test_of_an_archive_only_the_known_files_are_unpacked(small: Server, tmp_path: Path) -> None:
    data_dir = tmp_path / "a" / "b"
    paths = fetch("cifar10", data_dir)
    assert {path.name: path.read_bytes() for path in paths} == BATCHES
    assert {path.name for path in (data_dir / "batches").iterdir()} == set(BATCHES)
    assert not list(tmp_path.rglob("escaped*"))
    assert not any(path.is_symlink() for path in paths)
    assert fetch("cifar10", data_dir) == paths
    assert len(small.asked) == 1


def test_an_archive_that_was_put_there_by_hand_is_unpacked(small: Server, tmp_path: Path) -> None:
    (tmp_path / "batches").mkdir()
    archive = tmp_path / "batches" / "batches.tar.gz"
    archive.write_bytes(small.files["batches.tar.gz"][:-1])
    with pytest.raises(DataError) as caught:
        fetch("cifar10", tmp_path)
    assert str(caught.value) == (
        f"{archive} is not the published file, or a damaged one: move it away, and fetch again"
    )
    archive.write_bytes(small.files["batches.tar.gz"])
    assert {path.name: path.read_bytes() for path in fetch("cifar10", tmp_path)} == BATCHES
    assert archive.exists()
    assert small.asked == []


def test_a_folder_that_cannot_be_written_is_said(small: Server, tmp_path: Path) -> None:
    (tmp_path / "mnist").write_text("a file")
    with pytest.raises(UsageError, match=r"mnist cannot be written: (File exists|Not a directory)"):
        fetch("mnist", tmp_path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("digits", "digits comes with scikit-learn: there is nothing to fetch"),
        ("mnits", "there is no data set `mnits` to fetch: did you mean `mnist`?"),
        ("x", "there is no data set `x` to fetch: there are mnist, fashion_mnist, cifar10"),
    ],
)
def test_what_cannot_be_fetched_is_said(source: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        fetch(source, tmp_path)
    assert str(caught.value) == message


def test_the_published_sets_are_described_in_full() -> None:
    assert list(PUBLICATIONS) == ["mnist", "fashion_mnist", "cifar10"]
    for publication in PUBLICATIONS.values():
        assert all(address.endswith("/") for address in publication.sources)
        for file in publication.files:
            digests = [file.sha256, *file.contents.values()]
            assert all(len(digest) == 64 and int(digest, 16) for digest in digests)
    # Sizes as http://yann.lecun.com/exdb/mnist gives them.
    sizes = [file.size for file in PUBLICATIONS["mnist"].files]
    assert sizes == [9_912_422, 28_881, 1_648_877, 4_542]
