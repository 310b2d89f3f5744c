"""Paths -> the files to check: files as named, folders searched, patterns as a shell reads them.

A file that is named is checked whatever is in it. One that is found in a folder is checked if it
is a spec, or cannot be told from a broken one; other YAML and JSON is passed over in silence.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path
from typing import Final, NamedTuple

from cnnkit.checking.configuration import NO_CONFIGURATION, Configuration, Configurations
from cnnkit.errors import Finding, Location, UsageError, did_you_mean
from cnnkit.spec.model.spec import SECTIONS
from cnnkit.spec.text.limits import MAX_FILE_BYTES
from cnnkit.spec.text.node import YamlNode

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
        configuration: The configuration nearest to it.
    """

    name: str
    named: bool = True
    configuration: Configuration = NO_CONFIGURATION

    @property
    def path(self) -> str | None:
        """Where it is; None for standard input."""
        return None if self.name == STDIN else self.name


class Discovery(NamedTuple):
    """The files that were found, each once, and the folders that could not be searched."""

    candidates: list[Candidate]
    findings: list[Finding]


def discover(
    paths: Iterable[str], configurations: Configurations, *, specs_only: bool = False
) -> Discovery:
    """The files of paths, folders and patterns, in their order; those of a folder by name.

    Args:
        paths: What the user named.
        configurations: Say what is not to be searched.
        specs_only: Treat a file that is named like one that is found in a folder.

    Raises:
        UsageError: A path does not exist, or a pattern matches nothing.
    """
    search = _Search(configurations)
    for path in [match for named in paths for match in _matches(named)]:
        if path == STDIN:
            search.add(path, Candidate(path, True, configurations.within(Path())))
        elif Path(path).is_dir():
            search.folder(path)
        else:
            configuration = configurations.within(Path(path).parent)
            if not (specs_only and configuration.excludes(path)):
                candidate = Candidate(path, not specs_only, configuration)
                search.add(os.path.realpath(path), candidate)
    return Discovery(list(search.found.values()), search.findings)


class _Search:
    """What was found so far, by its real path, and the folders that were entered."""

    def __init__(self, configurations: Configurations) -> None:
        self.found: dict[str, Candidate] = {}
        self.findings: list[Finding] = []
        self._configurations = configurations
        self._entered: set[str] = set()

    def add(self, real: str, candidate: Candidate) -> None:
        """Remembers a file once; to name it counts more than to find it."""
        known = self.found.setdefault(real, candidate)
        if candidate.named and not known.named:
            self.found[real] = known._replace(named=True)

    def folder(self, folder: str) -> None:
        """Adds the files below a folder that may be specs, in the order of their names."""
        real = os.path.realpath(folder)
        # A link may lead back to a folder above it, so that the search would never end.
        if real in self._entered or Path(folder, "pyvenv.cfg").exists():
            return
        self._entered.add(real)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.findings.append(_not_searched(folder, error))
            return
        configuration = self._configurations.within(Path(folder))
        for entry in entries:
            name = entry.name
            path = name if folder == "." else os.path.join(folder, name)  # noqa: PTH118 - fast
            if name.startswith(".") or name in _SKIPPED_FOLDERS or configuration.excludes(path):
                continue
            if entry.is_dir():
                self.folder(path)
            elif name.lower().endswith(SUFFIXES) and (entry.is_file() or _leads_nowhere(entry)):
                link = entry.is_symlink()
                place = os.path.realpath(path) if link else f"{real}{os.sep}{name}"
                self.add(place, Candidate(path, False, configuration))


def may_be_spec(data: bytes, path: str) -> bool:
    """Whether a file that was found in a folder is worth parsing, to tell if it is a spec."""
    return _WORD.search(data) is not None or _cannot_be_told(data, path)


def is_spec(node: YamlNode | None, data: bytes, path: str) -> bool:
    """Whether what was read of such a file is a spec; where nothing could be, by its words."""
    if node is None:
        return _cannot_be_told(data, path) or _looks_like_spec(data)
    if not isinstance(node.value, dict):
        return False
    keys = node.value.keys()
    if "cnnkit" in keys or ("layers" in keys and ("input" in keys or "extends" in keys)):
        return True
    return "extends" in keys and keys <= set(SECTIONS) and not _TELLING.isdisjoint(keys)


def _looks_like_spec(data: bytes) -> bool:
    return _LAYERS.search(data) is not None and _BASIS.search(data) is not None


def _cannot_be_told(data: bytes, path: str) -> bool:
    """Whether this may be a spec that was damaged: to pass it over could hide that.

    JSON above the limit is passed over, unless it looks like a spec: it is usually data.
    """
    if len(data) > MAX_FILE_BYTES:
        return not path.lower().endswith(".json")
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
        # Compared without the suffix, which would make all specs alike.
        names = {other.stem: other.name for other in path.parent.iterdir()}
    except OSError:
        return ""
    near = did_you_mean(path.stem, names)
    return f"; did you mean {path.with_name(names[near])}?" if near else ""


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    # A pipe or a device is no spec and reading it may never end; a link to nothing is a fault.
    return entry.is_symlink() and not Path(entry.path).exists()


def _not_searched(folder: str, error: OSError) -> Finding:
    message = f"the folder `{folder}` cannot be searched: {error.strerror or error}"
    where = Location(folder, 1, 1, 1, 1)
    return Finding("unreadable-file", "error", message, "exclude it, or permit reading it", where)
