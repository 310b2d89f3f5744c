"""The folder of the page: all that it needs, for any host of files."""

from __future__ import annotations

import base64
import hashlib
import json
import lzma
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Final

import cnnkit
from cnnkit import templates
from cnnkit.errors import MissingExtraError, UsageError
from cnnkit.playground.language import words
from cnnkit.playground.shelf import shelves
from cnnkit.playground.vendor import HOME, VENDOR, modules
from cnnkit.rules import LEVELS

MANIFEST: Final = "files.json"
"""The names of the folder's files, and what their contents add up to."""

_PAGE: Final = HOME / "web" / "site"
_PACKAGE: Final = Path(cnnkit.__file__).parent
# Modules that stay sources: some are read as texts, and few visitors download code at all.
_SOURCES: Final = "export/"
_LIKE_EVERY_TIME: Final = (1980, 1, 1, 0, 0, 0)
_IMPORTS: Final = "@imports@"
_HASH: Final = "@imports-hash@"
_FILES: Final = "@files@"


def write(folder: Path, start: str | None = None, *, quick: bool = False) -> None:
    """Writes the page and all that it needs into a folder.

    Args:
        folder: The folder; it is made where it is not there.
        start: The spec that the page opens with; without it the smallest template.
        quick: Compress little, which takes a second in place of six, for a page of this machine.

    Raises:
        MissingExtraError: This is a checkout whose parts have not been fetched.
        UsageError: The folder holds something else, or cannot be written.
    """
    _check(folder)
    opening = templates.text("minimal") if start is None else start
    files = dict(_files(opening, 1 if quick else 6))
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0".encode() + hashlib.sha256(files[name]).digest())
    manifest = {
        "version": digest.hexdigest()[:16],
        "files": sorted(name for name in files if not name.startswith("licences/")),
    }
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
    written = _written(folder)
    if written is None:
        raise UsageError(f"{folder} holds other files: name an empty folder, or one that is new")
    for name in written:
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()):
            path.unlink(missing_ok=True)


def _written(folder: Path) -> list[str] | None:
    """The files that an earlier version has written there; None where it is no such folder."""
    try:
        found = json.loads((folder / MANIFEST).read_text("utf-8"))
        names = found["files"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    known = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return names if known and "index.html" in names else None


def _files(start: str, level: int) -> Iterator[tuple[str, bytes]]:
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
    yield "pyodide/python_stdlib.zip", _library()
    yield "python.xz", _packages(level)
    yield "language.json", _json(words(LEVELS))
    yield "menu.json", _json({"start": start, "shelves": shelves()})


def _library() -> bytes:
    """What Pyodide imports to start, as it looks for it: a zip archive, the same each time."""
    home = VENDOR / "stdlib"
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for path in _within(home, "*"):
            entry = zipfile.ZipInfo(path.relative_to(home).as_posix(), _LIKE_EVERY_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes(), compresslevel=9)
    return written.getvalue()


def _packages(level: int) -> bytes:
    """All else that Python imports: its library, the packages, and the rooms of this one."""
    site, bytecode = VENDOR / "site", VENDOR / "bytecode"
    found = {path.relative_to(site).as_posix(): path for path in _within(site, "*")}
    compiled = json.loads((VENDOR / "bytecode.json").read_text("utf-8"))
    for name, path in modules():
        # Bytecode of another day's source is no use: then the page compiles the module itself.
        same = compiled.get(name) == hashlib.sha256(path.read_bytes()).hexdigest()
        if same and not name.startswith(_SOURCES):
            found[f"cnnkit/{name}c"] = bytecode / f"{name}c"
        else:
            found[f"cnnkit/{name}"] = path
    for path in _within(_PACKAGE / "pages", "*"):
        if path.suffix in (".html", ".css", ".js"):
            found[f"cnnkit/{path.relative_to(_PACKAGE).as_posix()}"] = path
    found["cnnkit/playground/__init__.py"] = HOME / "__init__.py"
    return _packed(found, level)


def _packed(files: Mapping[str, Path], level: int) -> bytes:
    """Files one after the other behind a line that lists their names and sizes, compressed as one.

    That is a third smaller than a zip archive, in which each is compressed on its own.
    """
    contents = {name: files[name].read_bytes() for name in sorted(files)}
    index = json.dumps([[name, len(content)] for name, content in contents.items()])
    return lzma.compress(index.encode() + b"\n" + b"".join(contents.values()), preset=level)


def _within(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.rglob(pattern) if path.is_file())


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
