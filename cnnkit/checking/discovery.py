"""Paths -> the files to check: files as named, folders searched, patterns as a shell reads them.

A file that is named is checked whatever is in it. One that is found in a folder is checked if it
is a spec, or cannot be told from a broken one; other YAML and JSON is passed over in silence.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path
from typing import Final, NamedTuple

from cnnkit.errors import Finding, Location, UsageError, did_you_mean
from cnnkit.spec.limits import MAX_FILE_BYTES
from cnnkit.spec.model import SECTIONS
from cnnkit.spec.node import Node

STDIN: Final = "-"
SUFFIXES: Final = (".yaml", ".yml", ".json")
_SKIPPED_FOLDERS: Final = frozenset({"node_modules", "__pycache__", "site-packages"})
# Keys as they stand in a text that may not parse: at the start of a line, or after a bracket or
# comma of a flow mapping or JSON.
_START: Final = rb"(?:^|[{,]\s*|\r|\xef\xbb\xbf)[\"']?"
_LAYERS: Final = re.compile(_START + rb"layers[\"']?\s*:", re.MULTILINE)
_BASIS: Final = re.compile(_START + rb"(?:cnnkit|input|extends)[\"']?\s*:", re.MULTILINE)
# What each spec has somewhere; to look for it takes far less time than to parse.
_WORD: Final = re.compile(rb"cnnkit|layers|extends")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# With one of these, a file that extends another and has no layers of its own is a spec; a
# `tsconfig.json` or a renovate configuration has none.
_TELLING: Final = frozenset(SECTIONS) - {"extends", "name", "rules", "cnnkit", "layers"}


class Candidate(NamedTuple):
    """A file to check.

    Attributes:
        name: What reports call it: the path as given, or ``-``.
        named: Whether it is checked even if it is no spec.
    """

    name: str
    named: bool

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self.name)


class Discovery(NamedTuple):
    """The files that were found, each once, and the folders that could not be searched."""

    candidates: list[Candidate]
    findings: list[Finding]


Excludes = Callable[[Path], bool]


def discover(paths: Iterable[str], excludes: Excludes, *, specs_only: bool = False) -> Discovery:
    """The files of paths, folders and patterns, in their order; those of a folder by name.

    Args:
        paths: What the user named.
        excludes: Whether the configuration keeps a file or folder from being searched.
        specs_only: Treat a file that is named like one that is found in a folder.

    Raises:
        UsageError: A path does not exist, or a pattern matches nothing.
    """
    found: dict[str, Candidate] = {}
    findings: list[Finding] = []
    visited: set[tuple[int, int]] = set()
    for path in [match for named in paths for match in _matches(named)]:
        if path != STDIN and Path(path).is_dir():
            candidates = _search(Path(path), excludes, visited, findings)
        elif specs_only and path != STDIN and excludes(Path(path)):
            continue
        else:
            candidates = iter([Candidate(path, not specs_only)])
        for candidate in candidates:
            key = candidate.name if candidate.name == STDIN else os.path.realpath(candidate.name)
            if key not in found or (candidate.named and not found[key].named):
                found[key] = candidate if key not in found else found[key]._replace(named=True)
    return Discovery(list(found.values()), findings)


def may_be_spec(path: Path) -> bool:
    """Whether a file that was found in a folder is worth parsing, to tell if it is a spec."""
    data = _start(path)
    return data is None or _WORD.search(data) is not None or _cannot_be_told(data, path)


def is_spec(node: Node | None, path: Path) -> bool:
    """Whether what was read of such a file is a spec; where nothing could be, by its words."""
    if node is None:
        data = _start(path)
        return data is None or _cannot_be_told(data, path) or _looks_like_spec(data)
    if not isinstance(node.value, dict):
        return False
    keys = node.value.keys()
    if "cnnkit" in keys or ("layers" in keys and ("input" in keys or "extends" in keys)):
        return True
    return "extends" in keys and keys <= set(SECTIONS) and not _TELLING.isdisjoint(keys)


def _looks_like_spec(data: bytes) -> bool:
    return _LAYERS.search(data) is not None and _BASIS.search(data) is not None


def _start(path: Path) -> bytes | None:
    """The bytes of a file, up to the first that is too many; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError:
        return None


def _cannot_be_told(data: bytes, path: Path) -> bool:
    """Whether this may be a spec that was damaged: to pass it over could hide that.

    JSON above the limit is passed over, unless it looks like a spec: it is usually data.
    """
    if len(data) > MAX_FILE_BYTES:
        return path.suffix.lower() != ".json"
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # and UTF-32's
    return marked or not data.strip() or _CONTROL.search(data) is not None


def _matches(path: str) -> list[str]:
    """The path, or what a pattern matches; a file that bears a pattern's signs is itself."""
    if path == STDIN or os.path.lexists(path):
        return [path]
    if has_magic(path):
        if found := sorted(glob(path, recursive=True)):  # noqa: PTH207 - absolute ones, too
            return found
        raise UsageError(f"no file matches {path}")
    raise UsageError(f"there is no file or folder {path}{_neighbour(Path(path))}")


def _neighbour(path: Path) -> str:
    try:
        near = did_you_mean(path.name, (other.name for other in path.parent.iterdir()))
    except OSError:
        return ""
    return f"; did you mean {path.with_name(near)}?" if near else ""


def _search(
    folder: Path, excludes: Excludes, visited: set[tuple[int, int]], findings: list[Finding]
) -> Iterator[Candidate]:
    """The files below a folder that may be specs, sorted; a folder is entered once."""
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        findings.append(_not_searched(folder, error))
        return
    # A link may lead back to a folder above it, so that the search would never end.
    if (status.st_dev, status.st_ino) in visited or (folder / "pyvenv.cfg").exists():
        return
    visited.add((status.st_dev, status.st_ino))
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith(".") or entry.name in _SKIPPED_FOLDERS or excludes(path):
            continue
        if entry.is_dir():
            yield from _search(path, excludes, visited, findings)
        elif entry.name.lower().endswith(SUFFIXES) and (entry.is_file() or _leads_nowhere(entry)):
            yield Candidate(str(path), named=False)


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    # A pipe or a device is no spec and reading it may never end; a link to nothing is a fault.
    return entry.is_symlink() and not Path(entry.path).exists()


def _not_searched(folder: Path, error: OSError) -> Finding:
    message = f"the folder `{folder}` cannot be searched: {error.strerror or error}"
    where = Location(str(folder), 1, 1, 1, 1)
    return Finding("unreadable-file", "error", message, "exclude it, or permit reading it", where)
