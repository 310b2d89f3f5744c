"""A file of Keras as its configuration and its weights, with no trust in it."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cnnkit.errors import MissingExtraError, UsageError
from cnnkit.importing.graph import RefusedError
from cnnkit.importing.keras.store import MAX_RATIO, Archive, Legacy, Nothing, Store

MAX_JSON_BYTES: Final = 64 * 2**20
MAX_WEIGHTS_BYTES: Final = 2**32
_AGAIN: Final = "save the model again: `model.save('model.keras')`"
# What `zipfile` and `json` raise of a file that is not what it says.
_DAMAGED: Final = (
    zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RecursionError, EOFError,
    zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """What a file holds.

    Attributes:
        config: The model: its `class_name` and `config`.
        store: Its weights.
        version: The version of Keras that wrote it, as it says.
    """

    config: dict[str, Any]
    store: Store
    version: str


def load(path: Path) -> Stored:
    """The configuration and the weights of a file.

    Raises:
        MissingExtraError: The package ``h5py`` is not installed.
        RefusedError: It is no file of Keras, or one that cannot be read.
        UsageError: There is no such file.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".json":
            with path.open("rb") as file:
                return Stored(_model(file.read(MAX_JSON_BYTES + 1)), Nothing(), "3")
        return _archive(path) if suffix == ".keras" else _hdf5(path)
    except OSError as error:
        if path.is_file() and error.errno is None:  # of h5py: the content is at fault
            raise RefusedError("the file is no HDF5 file, or it is cut off", _AGAIN) from error
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


def _archive(path: Path) -> Stored:
    h5py = package()
    with path.open("rb"):
        pass  # the words of the system, where it cannot be opened
    try:
        with zipfile.ZipFile(path) as archive:
            config = _model(_member(archive, "config.json", MAX_JSON_BYTES))
            said = json.loads(_member(archive, "metadata.json", MAX_JSON_BYTES))
            weights = _member(archive, "model.weights.h5", MAX_WEIGHTS_BYTES)
    except _DAMAGED as error:
        raise RefusedError("the file is no archive of Keras, or it is damaged", _AGAIN) from error
    version = said.get("keras_version", "3") if isinstance(said, dict) else "3"
    return Stored(config, Archive(h5py.File(io.BytesIO(weights), "r")), str(version))


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """The bytes of a member, within bounds that are known before it is unpacked."""
    try:
        info = archive.getinfo(name)
    except KeyError as error:
        raise RefusedError(f"the archive has no `{name}`", _AGAIN) from error
    if info.file_size > most or info.file_size > 2**20 + MAX_RATIO * info.compress_size:
        raise RefusedError(
            f"`{name}` in the archive says that it unpacks from {info.compress_size:,} bytes to "
            f"{info.file_size:,}"
        )
    with archive.open(info) as member:
        return member.read(info.file_size)


def _hdf5(path: Path) -> Stored:
    h5py = package()
    with path.open("rb"):
        pass  # the words of the system, where it cannot be opened
    file = h5py.File(path, "r")
    try:
        text = file.attrs.get("model_config")
        version = file.attrs.get("keras_version", b"2")
    except (LookupError, RuntimeError, TypeError, ValueError) as error:  # of what is damaged
        raise RefusedError("the file is no HDF5 file, or it is cut off", _AGAIN) from error
    if text is None:
        raise RefusedError(
            "the file holds weights, and no network that they belong to",
            "give both: `cnnkit import-weights SPEC FILE`",
        )
    data = text if isinstance(text, bytes) else str(text).encode("utf-8", "replace")
    said = version.decode("utf-8", "replace") if isinstance(version, bytes) else str(version)
    return Stored(_model(data), Legacy(file), said)


def _model(data: bytes) -> dict[str, Any]:
    """The configuration of a model, as JSON has it."""
    if len(data) > MAX_JSON_BYTES:
        raise RefusedError(f"its configuration has more than {MAX_JSON_BYTES:,} bytes")
    try:
        config = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RefusedError("its configuration is no JSON, or nested too deep", _AGAIN) from error
    if not is_model(config):
        raise RefusedError(
            "its configuration is that of no model: it has no `class_name` and `config`", _AGAIN
        )
    return dict(config)


def is_model(config: Any) -> bool:
    """Whether JSON is the configuration of a model, as `model.to_json()` gives it."""
    return (
        isinstance(config, dict)
        and isinstance(config.get("class_name"), str)
        and isinstance(config.get("config"), dict | list)
    )


def package() -> Any:
    """The package ``h5py``.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "files of Keras need h5py, which is not installed: pip install 'cnnkit[import]'"
        ) from error
    return h5py
