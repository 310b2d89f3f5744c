"""`cnnkit.toml`, or `[tool.cnnkit]` of a pyproject.toml: how a project checks its specs.

Each file follows the configuration nearest to it, upward from its folder; configurations are not
merged. A `cnnkit.toml` wins over a pyproject.toml beside it, and a pyproject.toml without
`[tool.cnnkit]` is passed over.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from cnnkit.checking.levels import ALL, RuleSelection, unknown
from cnnkit.errors import Finding, Location, did_you_mean

OWN_FILE: Final = "cnnkit.toml"
SHARED_FILE: Final = "pyproject.toml"
_RULES: Final = ("select", "ignore", "warning", "error")
_KEYS: Final = (*_RULES, "strict", "exclude")
_TABLE: Final = re.compile(r"\s*\[\s*tool\s*\.\s*[\"']?cnnkit[\"']?\s*\]")
_POSITION: Final = re.compile(r"\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a configuration says.

    Attributes:
        choice: Which rules are applied, and their levels.
        strict: Whether warnings fail the check.
        exclude: Patterns of files and folders that are not searched.
        folder: What ``exclude`` is relative to.
    """

    choice: RuleSelection = field(default_factory=RuleSelection)
    strict: bool = False
    exclude: tuple[str, ...] = ()
    folder: Path = Path()

    def excludes(self, path: str) -> bool:
        """Whether a pattern matches a file or folder, or a folder that it is in.

        As in a .gitignore, a pattern without a slash matches a file or folder of that name at any
        depth, and one with a slash a path from the configuration's folder on.
        """
        if not self.exclude:
            return False
        parts = Path(os.path.relpath(path, self.folder)).parts
        above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        return any(
            fnmatchcase(each, pattern.strip("/"))
            for pattern in self.exclude
            for each in (above if "/" in pattern.rstrip("/") else parts)
        )


NO_CONFIGURATION: Final = Configuration()


@dataclass(slots=True)
class Configurations:
    """The configurations of folders, each file read once.

    Attributes:
        findings: What is wrong with the files that were read, in that order.
    """

    findings: list[Finding] = field(default_factory=list)
    _of_folder: dict[Path, Configuration] = field(default_factory=dict)

    def within(self, folder: Path) -> Configuration:
        """The configuration of the files in a folder."""
        return self._nearest(Path(os.path.abspath(folder)))  # noqa: PTH100 - keeps links

    def _nearest(self, folder: Path) -> Configuration:
        known = self._of_folder.get(folder)
        if known is None:
            known = self._read(folder)
            if known is None:
                last = folder.parent == folder
                known = Configuration() if last else self._nearest(folder.parent)
            self._of_folder[folder] = known
        return known

    def _read(self, folder: Path) -> Configuration | None:
        """The configuration in a folder itself, if it has one."""
        for file in (folder / OWN_FILE, folder / SHARED_FILE):
            if file.is_file():
                found = _Reader(file, self.findings).configuration()
                if found is not None:
                    return found
        return None


class _Reader:
    """Reads one file; a fault in one key does not keep the others from being read."""

    def __init__(self, file: Path, findings: list[Finding]) -> None:
        self.file = file
        self.shared = file.name == SHARED_FILE
        self.name = _shown(file)
        self.findings = findings
        self.lines: list[str] = []

    def configuration(self) -> Configuration | None:
        """What the file says; None where it says nothing of cnnkit."""
        folder = self.file.parent
        try:
            text = self.file.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            if self.shared:
                return None  # whether it speaks of cnnkit cannot be told, and others read it
            reason = getattr(error, "strerror", None) or str(error)
            self._report("unreadable-file", f"`{self.name}` cannot be read: {reason}", None)
            return Configuration(folder=folder)
        self.lines = text.splitlines()
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            if self.shared and not any(map(_TABLE.match, self.lines)):
                return None
            self._syntax(str(error))
            return Configuration(folder=folder)
        return self._of(data, folder)

    def _of(self, data: dict[str, Any], folder: Path) -> Configuration | None:
        if self.shared:
            tool = data.get("tool")
            if not isinstance(tool, dict) or "cnnkit" not in tool:
                return None
            data = tool["cnnkit"]
            if not isinstance(data, dict):
                self._report("wrong-type", "`tool.cnnkit` is not a table", "write `[tool.cnnkit]`")
                return Configuration(folder=folder)
        for key in data.keys() - set(_KEYS):
            near = did_you_mean(key, _KEYS)
            advice = f"did you mean `{near}`?" if near else f"its keys are {', '.join(_KEYS)}"
            self._report("unknown-key", f"the configuration has no key `{key}`", advice, key)
        given = {key: self._rules(key, data[key]) for key in _RULES if key in data}
        return Configuration(
            choice=RuleSelection(**given), strict=self._strict(data), exclude=self._exclude(data),
            folder=folder,
        )  # fmt: skip

    def _rules(self, key: str, value: object) -> tuple[str, ...]:
        names = self._strings(key, value, '["redundant-bias"]')
        for name in names:
            fault = unknown(name)
            if fault and not (key == "select" and name == ALL):
                self._report("unknown-name", *fault, key, name)
        return names

    def _strict(self, data: dict[str, Any]) -> bool:
        value = data.get("strict", False)
        if isinstance(value, bool):
            return value
        self._report("wrong-type", "`strict` is neither true nor false", None, "strict")
        return False

    def _exclude(self, data: dict[str, Any]) -> tuple[str, ...]:
        return self._strings("exclude", data.get("exclude", []), '["tests/golden"]')

    def _strings(self, key: str, value: object, example: str) -> tuple[str, ...]:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        message = f"`{key}` is not a list of strings"
        self._report("wrong-type", message, f"write `{key} = {example}`", key)
        return ()

    def _report(
        self, rule: str, message: str, advice: str | None, key: str = "", word: str = ""
    ) -> None:
        where = self._place(key, word)
        self.findings.append(Finding(rule, "error", message, advice, where))

    def _syntax(self, words: str) -> None:
        position = _POSITION.search(words)
        line, column = (int(position[1]), int(position[2])) if position else (len(self.lines), 1)
        where = self._location(line - 1, column - 1, column - 1)
        message = f"this is not TOML: {words.partition(' (at ')[0]}"
        self.findings.append(Finding("syntax", "error", message, None, where))

    def _place(self, key: str, word: str) -> Location:
        """Where a key stands, and of a list's item the item: tomllib does not say."""
        start = 0
        if self.shared:
            start = next((n for n, line in enumerate(self.lines) if _TABLE.match(line)), 0)
        sought = re.compile(rf"\s*[\"']?({re.escape(key)})[\"']?\s*=")
        for number in range(start, len(self.lines) if key else 0):
            if match := sought.match(self.lines[number]):
                return self._word(number, word) or self._location(number, *match.span(1))
        return self._location(start, 0, len(self.lines[start]) if self.lines else 0)

    def _word(self, start: int, word: str) -> Location | None:
        sought = re.compile(rf"(?<=[\"']){re.escape(word)}(?=[\"'])")
        for number in range(start, len(self.lines) if word else 0):
            if match := sought.search(self.lines[number]):
                return self._location(number, *match.span())
        return None

    def _location(self, line: int, column: int, end: int) -> Location:
        text = self.lines[line] if 0 <= line < len(self.lines) else ""
        return Location(self.name, line + 1, column + 1, line + 1, end + 1, text)


def _shown(file: Path) -> str:
    """The file's name from the current folder on, where it is in it."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)
