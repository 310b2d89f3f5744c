"""The folder of the page: all that it needs, for any host of files."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

import yaml

import cnnkit
from cnnkit import templates
from cnnkit.errors import MissingExtraError, UsageError
from cnnkit.playground.language import words
from cnnkit.playground.shelf import shelves
from cnnkit.playground.vendor import HOME, VENDOR
from cnnkit.rules import LEVELS

MANIFEST: Final = "files.json"
"""The names of the folder's files, and what their contents add up to."""

_PAGE: Final = HOME / "web" / "site"
_PACKAGE: Final = Path(cnnkit.__file__).parent
# The rooms that the calculator imports from, and the text that it reads.
_ROOMS: Final = (
    *("layers", "spec", "analysis", "rules", "checking", "report", "presentation", "tasks"),
    *("export", "playground/calculator"),
)
_LEFT_OUT: Final = ("export/onnx", "report/doctor.py")
_LIKE_EVERY_TIME: Final = (1980, 1, 1, 0, 0, 0)
_IMPORTS: Final = "@imports@"
_HASH: Final = "@imports-hash@"
_FILES: Final = "@files@"


def write(folder: Path, start: str | None = None) -> None:
    """Writes the page and all that it needs into a folder.

    Args:
        folder: The folder; it is made where it is not there.
        start: The spec that the page opens with; without it the smallest template.

    Raises:
        MissingExtraError: This is a checkout whose parts have not been fetched.
        UsageError: The folder holds something else, or cannot be written.
    """
    _check(folder)
    files = dict(_files(start if start is not None else templates.text("minimal")))
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0".encode() + hashlib.sha256(files[name]).digest())
    manifest = {"version": digest.hexdigest()[:16], "files": sorted(files)}
    listed = json.dumps(manifest).encode()
    worker = "service-worker.js"
    files[worker] = files[worker].replace(f'"{_FILES}"'.encode(), listed)
    try:
        for name, content in (*files.items(), (MANIFEST, listed)):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None


def _check(folder: Path) -> None:
    """Makes sure that nothing of others is written over."""
    if not (VENDOR / "pyodide").is_dir():
        raise MissingExtraError(
            "this checkout lacks what others made of the playground: "
            "`python -m cnnkit.playground.vendor` fetches it, and needs npm"
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / MANIFEST).is_file():
        raise UsageError(f"{folder} holds other files: name an empty folder, or one that is new")
    for name in json.loads((folder / MANIFEST).read_text("utf-8"))["files"]:
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()):
            path.unlink(missing_ok=True)


def _files(start: str) -> Iterator[tuple[str, bytes]]:
    """The name and content of each file."""
    modules = sorted((VENDOR / "editor").iterdir())
    names = json.loads((VENDOR / "editor.json").read_text("utf-8"))
    imports = json.dumps({"imports": {key: f"./editor/{name}" for key, name in names.items()}})
    digest = base64.b64encode(hashlib.sha256(imports.encode()).digest()).decode()
    for path in _within(_PAGE, "*"):
        content = path.read_bytes()
        if path.name == "index.html":
            content = content.replace(_IMPORTS.encode(), imports.encode())
            content = content.replace(_HASH.encode(), digest.encode())
        yield path.relative_to(_PAGE).as_posix(), content
    for path in modules:
        yield f"editor/{path.name}", path.read_bytes()
    for folder in ("pyodide", "licences"):
        for path in _within(VENDOR / folder, "*"):
            yield f"{folder}/{path.name}", path.read_bytes()
    yield "python.zip", _python()
    yield "language.json", _json(words(LEVELS))
    yield "menu.json", _json({"start": start, "shelves": shelves()})


def _python() -> bytes:
    """What Python imports in the page, as one archive, byte for byte the same each time."""
    found: dict[str, bytes] = {}
    for wheel in _within(VENDOR / "wheels", "*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            found |= {name: archive.read(name) for name in archive.namelist()}
    # PyYAML's parser in Python, which is a part of it on every platform.
    for path in Path(yaml.__file__).parent.glob("*.py"):
        found[f"yaml/{path.name}"] = path.read_bytes()
    for path in _sources():
        found[f"cnnkit/{path.relative_to(_PACKAGE).as_posix()}"] = path.read_bytes()
    found["cnnkit/playground/__init__.py"] = b""
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(found):
            entry = zipfile.ZipInfo(name, _LIKE_EVERY_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, found[name])
    return written.getvalue()


def _sources() -> Iterable[Path]:
    """The files of this package that the calculator may import or read."""
    yield from sorted(_PACKAGE.glob("*.py"))
    for room in _ROOMS:
        for path in _within(_PACKAGE / room, "*"):
            name = path.relative_to(_PACKAGE).as_posix()
            if path.suffix in (".py", ".css") and not name.startswith(_LEFT_OUT):
                yield path


def _within(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.rglob(pattern) if path.is_file())


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
