"""YAML 1.2 or JSON -> a tree of nodes that know where they stand, and the findings on the way.

Nothing here raises for a bad text, file or value: what is wrong is a finding. Reading goes on
after a fault, so that one run shows all of them; the node is None where it cannot.
"""

from __future__ import annotations

import codecs
import json
import os
import re
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO, Final

import yaml

from cnnkit.errors import Finding, did_you_mean
from cnnkit.spec.text.composer import Composer
from cnnkit.spec.text.limits import MAX_FILE_BYTES
from cnnkit.spec.text.node import Marks, Source, YamlNode
from cnnkit.spec.text.plain import read_plain
from cnnkit.spec.text.refusals import OverBudgetError
from cnnkit.spec.text.scalars import Scalar
from cnnkit.spec.text.syntax import syntax_finding

__all__ = [
    "Marks",
    "Scalar",
    "Source",
    "YamlNode",
    "read_file",
    "read_plain",
    "read_stream",
    "read_text",
]

# Of either class only the parser is used; nothing is ever constructed from a tag.
_Parser: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_JSON_START: Final = re.compile(r'\s*[\[{"]')
_JSON_ESCAPE: Final = re.compile(r"\\(?:u[dD][89a-fA-F][0-9a-fA-F]{2}|.)")

_TOO_DEEP: Final = "maximum nesting depth"

_ENCODINGS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark starts it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MOST_ARE_SHORTER: Final = 64 * 1024
_BINARY_FORMATS: Final = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"%PDF", "a PDF document"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
)


def read_text(text: str, name: str) -> tuple[YamlNode | None, list[Finding]]:
    """Reads a text of YAML or JSON.

    Args:
        text: The text.
        name: What locations call it.

    Returns:
        The tree, or None where the text could not be read to its end, and the findings.
    """
    source = Source(name, text.removeprefix("\ufeff"))
    if len(text) > MAX_FILE_BYTES:
        return None, [_too_large(name, f"the text is {len(text):,} characters long")]
    json_text = _as_yaml(source.text)
    return _compose(source, source.text if json_text is None else json_text, json_text is not None)


def _compose(
    source: Source, parsed: str, json_strings: bool
) -> tuple[YamlNode | None, list[Finding]]:
    """The tree of a text that the parser is given in a form of the same places."""
    composer = Composer(source, json_strings=json_strings)
    try:
        node = composer.compose(_Parser(parsed).get_event)
    except OverBudgetError as refused:
        return None, [*composer.findings, refused.finding]
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        where = getattr(error, "problem_mark", None)
        if where is not None and _TOO_DEEP in (getattr(error, "problem", None) or ""):
            # libyaml from 0.2.6 on refuses far deeper nesting, but reads so far ahead that the
            # composer has not come to its own limit: what precedes is enough to find it.
            return _compose(source, parsed[: where.index], json_strings)
        return None, [*composer.findings, syntax_finding(source, error)]
    if node is None and not composer.findings:
        message = "only comments are in here" if source.text.strip() else "this is empty"
        advice = "a spec needs `input:` and `layers:`"
        where = source.location(0, 0, 0, 0)
        composer.findings.append(Finding("syntax", "error", message, advice, where))
    return node, composer.findings


def _as_yaml(text: str) -> str | None:
    """A text of JSON as the YAML parsers take it, or None where the text can stay as it is.

    They refuse the escape of a surrogate, and one of them a tab. Each is replaced by something
    harmless of the same length, so that all marks stay right, and the composer decodes the
    strings from the original. The text is known to be JSON here, so a backslash is in a string.
    """
    if not ("\t" in text or "\\ud" in text or "\\uD" in text) or not _JSON_START.match(text):
        return None
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    return _JSON_ESCAPE.sub(_harmless, text).replace("\t", " ")


def _harmless(escape: re.Match[str]) -> str:
    return escape.group() if len(escape.group()) == 2 else r"\u0020"


def read_file(path: Path, name: str | None = None) -> tuple[YamlNode | None, list[Finding]]:
    """Reads a file of YAML or JSON, in UTF-8, or in UTF-16 or UTF-32 with a byte order mark.

    Args:
        path: The file; a pipe or a device is read, too, up to the limit of size.
        name: What locations call it; its path where left out.

    Returns:
        The tree, or None where the file could not be read to its end, and the findings.
    """
    name = name or str(path)
    try:
        with path.open("rb") as file:
            return read_stream(file, name)
    except (OSError, ValueError) as error:
        return None, [_not_opened(path, name, error)]


def read_start(stream: BinaryIO | FileIO) -> bytes:
    """All bytes of a stream, up to the first that is too many."""
    # To ask for 16 MiB at once allocates them, which takes longer than to read a spec.
    data = stream.read(_MOST_ARE_SHORTER)
    if len(data) < _MOST_ARE_SHORTER:
        return data
    return data + stream.read(MAX_FILE_BYTES + 1 - len(data))


def read_stream(stream: BinaryIO, name: str) -> tuple[YamlNode | None, list[Finding]]:
    """As ``read_file``, of a binary stream that is open already, such as standard input.

    Raises:
        OSError: The stream cannot be read.
    """
    data = read_start(stream)
    if len(data) > MAX_FILE_BYTES:
        try:
            size = os.fstat(stream.fileno()).st_size  # 0 of a pipe or a device
        except OSError:  # a stream in memory
            size = 0
        length = f"{size:,}" if size > MAX_FILE_BYTES else f"more than {MAX_FILE_BYTES:,}"
        return None, [_too_large(name, f"the file is {length} bytes long")]
    marked = next((pair for pair in _ENCODINGS if data.startswith(pair[0])), None)
    mark, encoding = marked or (b"", "utf-8")
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        return None, [_not_text(name, data, encoding, len(mark) + error.start)]
    if encoding == "utf-8" and b"\0" in data:
        return None, [_not_text(name, data, encoding, data.index(b"\0"))]
    return read_text(text, name)


def _too_large(name: str, length: str) -> Finding:
    message = f"{length}; the limit is {MAX_FILE_BYTES:,}"
    advice = "repeat layers by `repeat:` and `blocks:`; weights do not belong in a spec"
    return Finding("too-large", "error", message, advice, Source(name, "").location(0, 0, 0, 0))


def _unreadable(name: str, message: str, advice: str | None) -> Finding:
    where = Source(name, "").location(0, 0, 0, 0)
    return Finding("unreadable-file", "error", message, advice, where)


def _not_opened(path: Path, name: str, error: OSError | ValueError) -> Finding:
    if isinstance(error, FileNotFoundError):
        return _unreadable(name, f"there is no file `{name}`", _neighbour(path))
    if isinstance(error, IsADirectoryError):
        return _unreadable(name, f"`{name}` is a folder", "name a file in it")
    if isinstance(error, PermissionError):
        advice = "ask its owner for the permission to read it"
        return _unreadable(name, f"`{name}` may not be read: permission denied", advice)
    reason = getattr(error, "strerror", None) or str(error)
    return _unreadable(name, f"`{name}` cannot be read: {reason}", None)


def _neighbour(path: Path) -> str:
    try:
        near = did_you_mean(path.name, (other.name for other in path.parent.iterdir()))
    except OSError:
        return f"there is no folder `{path.parent}` to read from"
    return f"did you mean `{path.with_name(near)}`?" if near else "check the name and the folder"


def _not_text(name: str, data: bytes, encoding: str, offset: int) -> Finding:
    """The finding of a file that is not text from some byte on."""
    looks = _looks_like(data) if encoding == "utf-8" else "the file is damaged"
    message = f"byte {offset:,} (0x{data[offset]:02x}) is not {encoding.upper()} text: {looks}"
    finding = _unreadable(name, message, "a spec is text in UTF-8: save it in that encoding")
    if encoding != "utf-8":
        return finding
    # What precedes the first bad byte is sound, so its place in the text can be told.
    source = Source(name, data.decode(errors="replace").removeprefix("\ufeff"))
    line, column = source.position(len(data[:offset].decode().removeprefix("\ufeff")))
    return replace(finding, location=source.location(line, column, line, column + 1))


def _looks_like(data: bytes) -> str:
    """What data that is not text in UTF-8 probably is."""
    for start, kind in _BINARY_FORMATS:
        if data.startswith(start):
            return f"this looks like {kind}"
    if b"\0" not in data:
        return "this looks like Latin-1 or Windows-1252"
    # Every other byte of Western text in UTF-16 is 0.
    if data[:64].count(b"\0") * 4 >= len(data[:64]) and b"\0" in data[:2]:
        return "this looks like UTF-16 without a byte order mark"
    return "this looks like binary data"
