"""Downloads published data sets: checked by their digests, resumed, and put in place as wholes."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from cnnkit.data.published import PUBLICATIONS, Publication, Published
from cnnkit.errors import DataError, UsageError, did_you_mean

Progress = Callable[[str, int, int], None]
"""Is told the name of a file, the bytes of it that are here, and all its bytes."""

_BLOCK = 2**18
_PATIENCE = 30  # seconds without a byte
_NOT_PUBLISHED = "not the published file, or a damaged one: move it away, and fetch again"


def fetch(source: str, data_dir: Path, progress: Progress = lambda *_: None) -> list[Path]:
    """Brings the files of a data set into ``data_dir``; those that are there are checked.

    Args:
        source: A name of ``PUBLICATIONS``.
        data_dir: The folder of data sets.
        progress: Is told of every piece.

    Returns:
        The files, of which those that were there already are as they were.

    Raises:
        DataError: A file that is there, or that was sent, is not the published one.
        UsageError: There is no such data set, no network, or no room.
    """
    publication = PUBLICATIONS.get(source)
    if publication is None:
        raise UsageError(_unknown(source))
    folder = data_dir / publication.folder
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for file in publication.files:
        with _writable(folder):
            present = _present(file, folder)
        paths += present or _fetched(source, publication, file, folder, progress)
    return paths


def _unknown(source: str) -> str:
    if source == "digits":
        return "digits comes with scikit-learn: there is nothing to fetch"
    near = did_you_mean(source, PUBLICATIONS)
    meant = f"did you mean `{near}`?" if near else f"there are {', '.join(PUBLICATIONS)}"
    return f"there is no data set `{source}` to fetch: {meant}"


def _present(file: Published, folder: Path) -> list[Path]:
    """The files that are there with all that a download would bring; nothing where one is not.

    Raises:
        DataError: One that is there holds something else.
    """
    found = []
    for name, digest in file.contents.items():
        paths = [folder / name, folder / f"{name}.gz"]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            return []
        if _digest_of_contents(path) != digest:
            raise DataError(f"{path} is {_NOT_PUBLISHED}")
        found.append(path)
    return found


def _digest_of_contents(path: Path) -> str:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            return hashlib.file_digest(cast("Any", stream), "sha256").hexdigest()
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return "damaged"


def _fetched(
    source: str, publication: Publication, file: Published, folder: Path, progress: Progress
) -> list[Path]:
    part, by_hand = folder / f"{file.name}.part", folder / file.name
    if publication.unpacked and by_hand.is_file():
        with _writable(folder):
            if not _is_whole(by_hand, file):
                raise DataError(f"{by_hand} is {_NOT_PUBLISHED}")
            return _unpacked(by_hand, file, folder)
    reasons: list[str] = []
    for address in publication.sources:
        while (fault := _downloaded(f"{address}{file.name}", part, file, progress)) is not None:
            reasons.append(f"{address}: {fault.reason}")
            if not fault.further:
                break
        else:
            with _writable(part):
                if _is_whole(part, file):
                    return _placed(part, file, publication.unpacked)
                part.unlink()
            reasons.append(f"{address}: what came is not the published file, its SHA-256 differs")
    raise UsageError(_by_hand(source, publication, folder, reasons[0]))


def _by_hand(source: str, publication: Publication, folder: Path, reason: str) -> str:
    names = ", ".join(each.name for each in publication.files)
    files, them = ("files", "them") if len(publication.files) > 1 else ("file", "it")
    again = ", and fetch again to unpack it" if publication.unpacked else ""
    return (
        f"{source} could not be fetched ({reason}); with a browser, load the {files} {names} from "
        f"{publication.sources[0]} and put {them} into {folder}{again}"
    )


class _Broken(NamedTuple):
    """A download that ended early: why, and whether it brought the file further."""

    reason: str
    further: bool


def _downloaded(url: str, part: Path, file: Published, progress: Progress) -> _Broken | None:
    """Appends to a part of the file what is missing, or begins anew where that is not offered."""
    before = _size(part)
    try:
        if before < file.size:
            _append(url, part, file, progress)
    except urllib.error.HTTPError as error:
        return _Broken(f"{error.code} {error.reason}", further=False)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        return _Broken(str(reason) or type(error).__name__, _size(part) > before)
    if (have := _size(part)) < file.size:
        return _Broken(f"it ended after {have:,} of {file.size:,} bytes", have > before)
    return None


def _append(url: str, part: Path, file: Published, progress: Progress) -> None:
    have = _size(part)
    with _opened(url, have) as answer:
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0
        with _writable(part):
            stream = part.open("ab" if have else "wb", buffering=0)
        with stream:
            # Whatever is sent, no more is kept than the file has.
            while have < file.size and (block := answer.read(min(_BLOCK, file.size - have))):
                with _writable(part):
                    stream.write(block)
                have += len(block)
                progress(file.name, have, file.size)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _opened(url: str, have: int) -> Any:
    """The answer to a request for what is missing of a file."""
    headers = {"User-Agent": "cnnkit"}
    if have:
        headers["Range"] = f"bytes={have}-"
    # The addresses are those of this package, and none is that of a file.
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    return urllib.request.urlopen(request, timeout=_PATIENCE)  # noqa: S310


def _is_whole(path: Path, file: Published) -> bool:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256


def _placed(part: Path, file: Published, unpacked: bool) -> list[Path]:
    if unpacked:
        paths = _unpacked(part, file, part.parent)
        part.unlink()
        return paths
    return [part.replace(part.with_name(file.name))]


def _unpacked(archive_path: Path, file: Published, folder: Path) -> list[Path]:
    """The members of an archive that are known, each checked; what else is in it stays there."""
    found = {}
    with tarfile.open(archive_path, "r:gz") as archive:
        for member in archive:
            name = Path(member.name).name
            if name not in file.contents or not member.isreg():
                continue
            found[name] = _unpacked_member(archive, member, folder / name, file.contents[name])
    if missing := file.contents.keys() - found.keys():
        raise DataError(f"{archive_path} lacks {', '.join(sorted(missing))}")
    return [found[name] for name in file.contents]


def _unpacked_member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, digest: str
) -> Path:
    stream = cast("IO[bytes]", archive.extractfile(member))
    fresh = path.with_name(f"{path.name}.part")
    hashed = hashlib.sha256()
    with fresh.open("wb") as target:
        while block := stream.read(_BLOCK):
            hashed.update(block)
            target.write(block)
    if hashed.hexdigest() != digest:
        fresh.unlink()
        raise DataError(f"{member.name} in the archive is not the published file")
    return fresh.replace(path)


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Says of a folder that cannot be written to, in a sentence, why."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise UsageError(f"{where} cannot be written: {error.strerror or error}") from None
