"""The hashes of a checkpoint's files, by which it is known whether all of them are as written."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from cnnkit.errors import TrainingError
from cnnkit.training.store.files import sync_folder, write_json

MANIFEST = "manifest.json"
_CHUNK = 2**20


class DamagedCheckpointError(TrainingError):
    """A checkpoint does not fit its manifest, or the network."""


def write_manifest(folder: Path) -> None:
    """Writes the hash of every file of a folder."""
    write_json(folder / MANIFEST, {"sha256": _digests(folder)})


def _files(folder: Path) -> list[Path]:
    return sorted(
        Path(parent) / name
        for parent, _, names in os.walk(folder)
        for name in names
        if not (name == MANIFEST and Path(parent) == folder)
    )


def _digests(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in _files(folder)}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def verify(folder: Path) -> None:
    """Raises where a file is missing, new or changed."""
    try:
        written = json.loads((folder / MANIFEST).read_bytes())["sha256"]
        written.keys()
        for path in _files(folder):
            if path.is_symlink():
                raise DamagedCheckpointError(f"{path} is a link, which no checkpoint holds")
        found = _digests(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedCheckpointError(f"{folder} has no readable {MANIFEST}") from error
    for name in sorted(written.keys() | found.keys()):
        if name not in found:
            raise DamagedCheckpointError(f"{folder} is damaged: {name} is missing")
        if written.get(name) != found[name]:
            raise DamagedCheckpointError(f"{folder} is damaged: {name} is not as it was written")


def sync(folder: Path) -> None:
    """Makes all files of a folder last through a loss of power."""
    for path in _files(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for parent, _, _ in os.walk(folder):
        sync_folder(Path(parent))
